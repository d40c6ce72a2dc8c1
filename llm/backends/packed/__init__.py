"""Our own scorer on torch: a conversation once, and all conditions about it in the same forward pass.

`prefixes` says which tokens are already computed, `plan` lays a batch out in rows, `decoder` runs the rows through
the model with the attention of `attention`, `loading` brings a model in, and `backend` is what the rest of Jurat sees.
"""

from jurat.llm.backends.packed.backend import PackedBackend

__all__ = ["PackedBackend"]

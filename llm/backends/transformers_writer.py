"""Typed and free text from a model that transformers runs, for a backend that has such a model loaded.

Outlines masks the logits with a compiled grammar; which library compiles it is Outlines' own choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jurat.llm.backends.front_end import chat_or_text, json_type
from jurat.llm.errors import BackendError, one_line
from jurat.llm.models.unpacked import imported
from jurat.llm.prompts import messages_of


class TransformersWriter:
    """Writes with a causal language model and its tokenizer; blocks, so it belongs into the thread that owns the model."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._model = imported("outlines").from_transformers(model, tokenizer)
        self._padding = tokenizer.eos_token_id if tokenizer.pad_token_id is None else tokenizer.pad_token_id

    def write(
        self, prompt: str, schema: dict[str, Any] | None = None, *, max_tokens: int, stop: Sequence[str] = ()
    ) -> str:
        """The most likely continuation; with a JSON schema, the text conforms to it. Raises `BackendError`."""
        has_template = getattr(self._tokenizer, "chat_template", None) is not None
        asked = chat_or_text(messages_of(prompt), has_template=has_template, load=imported)
        kind = json_type(schema, imported) if schema else None
        how: dict[str, Any] = {"max_new_tokens": max_tokens, "do_sample": False, "pad_token_id": self._padding}
        if stop and schema is None:
            how |= {"stop_strings": list(stop), "tokenizer": self._tokenizer}
        try:
            text = str(self._model(asked, kind, **how))
        except (RuntimeError, ValueError, TypeError) as error:
            raise BackendError(f"the model could not answer: {one_line(error)}") from error
        return _without(text, stop)


def _without(text: str, stop: Sequence[str]) -> str:
    """The text up to the first of the strings that end it, which transformers leaves in."""
    ends = [place for each in stop if (place := text.find(each)) >= 0]
    return text[: min(ends)] if ends else text

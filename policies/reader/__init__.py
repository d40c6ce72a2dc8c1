"""Reading policy files: text to :class:`~jurat.policies.model.Policy`, with the place of everything that is wrong."""

from jurat.policies.reader.assembly import read_policy, read_service_declarations

__all__ = ["read_policy", "read_service_declarations"]

"""What every use of Outlines shares: turning a JSON schema into a type of Outlines', whoever runs the model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jurat.llm.errors import BackendError, one_line

Load = Callable[[str], Any]
"""Imports a library by name, or says what to install."""


def json_type(schema: Mapping[str, Any], load: Load) -> Any:
    """The type of the texts that conform to a schema. Raises `BackendError` where the schema is none."""
    types, faults = load("outlines.types"), load("jsonschema.exceptions")
    try:
        return types.JsonSchema(dict(schema))
    except (faults.SchemaError, ValueError, TypeError) as error:
        reason = one_line(getattr(error, "message", error))
        raise BackendError(f"the model cannot answer with the type asked for: {reason}") from error


def chat_or_text(messages: list[dict[str, str]], *, has_template: bool, load: Load) -> Any:
    """Messages for a model with a chat template, else their texts one after the other."""
    return load("outlines.inputs").Chat(messages) if has_template else "\n".join(each["content"] for each in messages)

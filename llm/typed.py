"""Answers of a type: an object of booleans, a choice, or any model of pydantic's, decoded under its JSON schema.

Outlines is the front end where vLLM, a server or transformers runs the model; llama.cpp has its own grammar. Either way
an answer is validated here too, without a type being changed into another (`"true"` is no boolean): a constraint that was
not kept is an error, never an answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from jurat.llm.errors import BackendError
from jurat.llm.protocol import Backend

T = TypeVar("T", bound=BaseModel)

# Without "forbid" llguidance lets the model invent keys.
_CLOSED = ConfigDict(extra="forbid")


async def typed(backend: Backend, prompt: str, kind: type[T], *, max_tokens: int) -> T:
    """The model's answer as an object of `kind`; raises `BackendError`, also where the answer was cut off."""
    text = await backend.generate(prompt, kind.model_json_schema(), max_tokens=max_tokens)
    try:
        return kind.model_validate_json(text, strict=True)
    except ValidationError as error:
        fault = error.errors()[0]["msg"]
        raise BackendError(f"the model's answer is not of the type asked for ({fault}): {text[:80]!r}") from None


def truths(keys: Sequence[str]) -> type[BaseModel]:
    """The type with one boolean a key and nothing else; `by_key` reads it."""
    fields: dict[str, Any] = {f"c{number}": (bool, Field(alias=key)) for number, key in enumerate(keys)}
    return create_model("Truths", __config__=_CLOSED, **fields)


def by_key(answer: BaseModel) -> Mapping[str, Any]:
    """What an answer says of each key that its type was made from."""
    return answer.model_dump(by_alias=True)


def choice(options: Sequence[str]) -> type[BaseModel]:
    """The type whose one field, `choice`, is one of the options: the transition that a journey takes, for instance."""
    kind: Any = Literal[tuple(options)]
    return create_model("Choice", __config__=_CLOSED, choice=(kind, ...))

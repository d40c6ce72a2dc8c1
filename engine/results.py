"""What a tool's function returns, and values as JSON and as formulas have them."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from numbers import Integral, Real
from types import MappingProxyType
from typing import Any, Literal, TypedDict

from pydantic import BaseModel

from jurat.engine.errors import NotJson
from jurat.engine.wellformed import clean, document, json_text, whole
from jurat.policies.diagnostics import near_miss
from jurat.policies.types import Value

NOTHING: Mapping[str, Any] = MappingProxyType({})
_CONTROLS = {"mode": ("auto", "manual"), "lifespan": ("response", "session")}


class Control(TypedDict, total=False):
    """``mode: manual`` gives the session to a human; a result with ``lifespan: response`` is forgotten after the turn."""

    mode: Literal["auto", "manual"]
    lifespan: Literal["response", "session"]


@dataclass(frozen=True, slots=True, init=False)
class ToolResult:
    """What a tool found: a message for the agent to answer from, and data.

    Data alone is enough, given by name or first (``ToolResult({"status": "shipped"})``): its JSON is the message.

    Args:
        message: a text, or data.
        data: anything that JSON can say; models and dataclasses too.
        error: makes the call a failed one.
        facts: are written where the tool declares that it provides them.
        metadata: kept in the trace, and shown to no model.
        control: what becomes of the session and of this result, see :class:`Control`.
        canned_responses: texts, or templates with ``{{ fields }}``, that may be said as they are.
        canned_response_fields: what templates may speak of, by name.

    Raises:
        ValueError: a control that there is not.
    """

    message: str
    data: Any = None
    error: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    control: Control = field(default_factory=Control)
    canned_responses: tuple[str, ...] = ()
    canned_response_fields: Mapping[str, Any] = field(default_factory=dict)

    def __init__(
        self,
        message: object = None,
        data: Any = None,
        error: bool = False,
        facts: Mapping[str, Any] = NOTHING,
        *,
        metadata: Mapping[str, Any] = NOTHING,
        control: Control | Mapping[str, str] = NOTHING,
        canned_responses: Sequence[str] = (),
        canned_response_fields: Mapping[str, Any] = NOTHING,
    ) -> None:
        if not isinstance(message, str):
            data = message if data is None else data
            message = as_text(data)
        values = (
            message, data, error, dict(facts), dict(metadata), _checked(control),
            _texts(canned_responses), dict(canned_response_fields),
        )  # fmt: skip
        for each, value in zip(dataclasses.fields(self), values, strict=True):
            object.__setattr__(self, each.name, value)


def _checked(control: Mapping[str, Any]) -> dict[str, Any]:
    for name, value in control.items():
        if name not in _CONTROLS:
            hint = near_miss(name, _CONTROLS)
            raise ValueError(f"a result has no control `{name}`" + (f"; {hint}" if hint else ""))
        if value not in _CONTROLS[name]:
            words = " or ".join(f"`{each}`" for each in _CONTROLS[name])
            raise ValueError(f"the control `{name}` of a result is {words}, not `{value}`")
    return dict(control)


def _texts(given: Sequence[str]) -> tuple[str, ...]:
    if isinstance(given, str) or not all(isinstance(each, str) for each in given):
        raise ValueError("the canned responses of a result are a list of texts")
    return tuple(given)


def result_of(returned: Any) -> ToolResult:
    """What a function returned, as a result; a mapping's or model's JSON is its message.

    Raises:
        NotJson: there is none.
    """
    if isinstance(returned, ToolResult):
        return returned
    with _saying():
        if returned is None or isinstance(returned, str):
            return ToolResult(returned or "done")
        return ToolResult(data=_plain(returned))


def as_text(data: Any) -> str:
    """Data for a model to read: a text as it is, anything else as JSON.

    Raises:
        NotJson: no JSON can say it.
    """
    with _saying():
        return data if isinstance(data, str) else "done" if data is None else json_text(plain(data))


@contextmanager
def _saying() -> Iterator[None]:
    """Say of whatever goes wrong that JSON cannot say this."""
    try:
        yield
    except NotJson:
        raise
    except (ValueError, TypeError, RecursionError):
        raise NotJson from None


def plain(value: Any) -> Any:
    """The value as JSON has it: models, dataclasses and rows as mappings, decimals and times as text, texts whole, no NaN.

    Raises:
        NotJson: it is, or holds, what has no such form, as a function or a generator.
        ValueError, TypeError, RecursionError: it holds itself, is nested too deeply, or fails when it is read.
    """
    return clean(_plain(value))


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return _plain(value.model_dump(mode="json"))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: _plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, Enum):
        return _plain(value.value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return value.isoformat() if isinstance(value, date | datetime) else _others(value)


def _others(value: Any) -> Any:
    """What JSON has a form for all the same: rows of a database, collections, numbers, and what has a text of its own."""
    if isinstance(value, type | bytes | bytearray | memoryview):
        raise NotJson(f"something of the type `{type(value).__name__}`")
    if hasattr(value, "keys") and hasattr(value, "__getitem__"):
        return {str(key): _plain(value[key]) for key in value.keys()}  # noqa: SIM118 - not all of them are mappings
    if isinstance(value, Collection):
        return [_plain(each) for each in value]
    if isinstance(value, Real):
        return int(value) if isinstance(value, Integral) else float(value)
    if getattr(type(value), "__str__", None) is object.__str__:
        raise NotJson(f"something of the type `{type(value).__name__}`")
    return str(value)


def storable(result: ToolResult) -> tuple[ToolResult, bool]:
    """A result as it can be kept and sent, and whether something in it had to be replaced for that.

    Raises:
        NotJson: no JSON can say its data.
    """
    with _saying():
        return _storable(result)


def _storable(result: ToolResult) -> tuple[ToolResult, bool]:
    data = _plain(result.data)
    fields = _plain(result.canned_response_fields)
    kept = ToolResult(
        whole(result.message), clean(data), result.error, clean(result.facts), metadata=plain(result.metadata),
        control=result.control, canned_responses=clean(result.canned_responses), canned_response_fields=clean(fields),
    )  # fmt: skip
    document([kept.data, kept.metadata, kept.canned_response_fields])
    before = (result.message, data, result.facts, result.canned_responses, fields)
    now = (kept.message, kept.data, kept.facts, kept.canned_responses, kept.canned_response_fields)
    return kept, before != now


def as_value(argument: Any) -> Value | None:
    """An argument as formulas compare it; None where formulas have no such values."""
    if isinstance(argument, Enum):
        return as_value(argument.value)
    if isinstance(argument, bool | int | Decimal | str | timedelta):
        return argument
    if isinstance(argument, float):
        return Decimal(repr(argument)) if abs(argument) < float("inf") else None
    if isinstance(argument, datetime):
        return argument if argument.tzinfo else None
    if isinstance(argument, list | tuple | set | frozenset):
        ordered = sorted(argument, key=repr) if isinstance(argument, set | frozenset) else argument
        items = [as_value(each) for each in ordered]
        scalars = tuple(each for each in items if each is not None and not isinstance(each, tuple))
        return scalars if len(scalars) == len(items) else None
    return None


def local_time(argument: Any) -> bool:
    """Whether it is, or holds, a time without a zone."""
    if isinstance(argument, list | tuple | set | frozenset):
        return any(map(local_time, argument))
    return isinstance(argument, datetime) and argument.tzinfo is None

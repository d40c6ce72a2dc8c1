"""Types as a program gives them, written as the policy language writes them."""

from __future__ import annotations

import types as builtin
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from jurat.engine.parameters import may_be_none
from jurat.policies.values import jsonable
from jurat.server.sdk.errors import SDKError
from jurat.server.sdk.given import shown

_NAMED: dict[Any, str] = {
    bool: "bool", int: "int", float: "decimal", Decimal: "decimal", str: "string", datetime: "timestamp",
    timedelta: "duration",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers between two bounds, both included; either may be left out. ``type`` is ``int``, or ``Decimal`` or ``float``."""

    type: type
    min: int | Decimal | float | None = None
    max: int | Decimal | float | None = None


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of some texts; ``ordered`` ones can be compared with ``<``, the first is the least."""

    values: tuple[str, ...]
    ordered: bool = False


def one_of(*values: str, ordered: bool = False) -> OneOf:
    """The type of a value that is one of these texts."""
    if not values or "" in values:
        raise SDKError("`one_of` takes at least one text")
    return OneOf(values, ordered)


def type_body(given: object, what: str) -> Any:
    """A type for a policy file.

    Raises:
        SDKError: formulas have no such type.
    """
    found = _body(given)
    if found is None:
        raise SDKError(
            f"{what} is of type `{shown(given)}`, which formulas do not have; there are bool, int, float, Decimal, str, "
            "datetime, timedelta, enumerations of texts, Literal, lists and sets of these, `p.Range` and `p.one_of`"
        )
    return found


def expressible(given: object) -> Any:
    """As :func:`type_body`, and None where formulas have no such type."""
    return _body(given)


def literal(value: object) -> Any:
    """A value for a policy file: decimals exact, times as texts."""
    if isinstance(value, Enum):
        return literal(value.value)
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, list | tuple):
        return [literal(each) for each in value]
    if isinstance(value, set | frozenset):
        return sorted(literal(each) for each in value)
    if isinstance(value, datetime | timedelta):
        return jsonable(value)
    if isinstance(value, bool | int | Decimal | str):
        return value
    raise SDKError(f"`{shown(value)}` is no value that a policy can hold")


def _body(given: Any) -> Any:
    if isinstance(given, str | Mapping):
        return given  # as the policy language writes it; the reader checks it
    if isinstance(given, OneOf):
        return {"enum": list(given.values), **({"ordered": True} if given.ordered else {})}
    if isinstance(given, Range):
        return _range(given)
    if isinstance(given, type) and issubclass(given, Enum):
        return _enum([each.value for each in given])
    return _NAMED.get(given) if isinstance(given, type) else _generic(given)


def _generic(given: Any) -> Any:
    origin, arguments = get_origin(given), get_args(given)
    if origin is Annotated:
        return _body(arguments[0])
    if origin is Literal:
        return _enum(list(arguments))
    if origin in (Union, builtin.UnionType):
        known = [each for each in arguments if each is not type(None)]
        return _body(known[0]) if len(known) == 1 else None
    if origin in (list, set) and len(arguments) == 1:
        element = _body(arguments[0])
        nested = isinstance(element, dict) and ("list" in element or "set" in element)
        return None if element is None or nested or may_be_none(arguments[0]) else {origin.__name__: element}
    return None


def _enum(values: list[Any]) -> Any:
    return {"enum": values} if values and all(isinstance(each, str) for each in values) else None


def _range(given: Range) -> Any:
    name = _NAMED.get(given.type)
    if name not in ("int", "decimal"):
        raise SDKError(f"`p.Range` is of int, float or Decimal, not `{shown(given.type)}`")
    bounds = {"min": given.min, "max": given.max}
    return {name: {key: literal(value) for key, value in bounds.items() if value is not None}}

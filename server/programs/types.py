"""Types of formulas as a program gives them."""

from __future__ import annotations

from typing import Any

from jurat.policies.types import (
    BoolType,
    DecimalType,
    DurationType,
    EnumType,
    IntType,
    ListType,
    StringType,
    TimestampType,
    Type,
)
from jurat.server.programs.source import Call, Name

_NAMES: dict[type[Any], tuple[str, str]] = {
    BoolType: ("bool", "bool"), IntType: ("int", "int"), DecimalType: ("Decimal", "decimal"), StringType: ("str", "string"),
    TimestampType: ("datetime", "timestamp"), DurationType: ("timedelta", "duration"),
}  # fmt: skip
"""What Python and the policy language call each."""


def python_type(type_: Type) -> Any:
    """A type for :func:`~jurat.server.programs.source.shown`."""
    if isinstance(type_, EnumType):
        return Call("p.one_of", type_.values, {"ordered": True} if type_.ordered else {})
    if isinstance(type_, ListType):
        element = python_type(type_.element)
        shape = "set" if type_.unique else "list"
        return Name(f"{shape}[{element.text}]") if isinstance(element, Name) else {shape: written_type(type_.element)}
    name = Name(_NAMES[type(type_)][0])
    return Call("p.Range", [name], bounds) if (bounds := _bounds(type_)) else name


def written_type(type_: Type) -> Any:
    """A type as the policy language writes it."""
    if isinstance(type_, EnumType):
        return {"enum": list(type_.values), **({"ordered": True} if type_.ordered else {})}
    if isinstance(type_, ListType):
        return {"set" if type_.unique else "list": written_type(type_.element)}
    name = _NAMES[type(type_)][1]
    return {name: bounds} if (bounds := _bounds(type_)) else name


def _bounds(type_: Type) -> dict[str, Any]:
    both = {name: getattr(type_, name, None) for name in ("min", "max")}
    return {name: value for name, value in both.items() if value is not None}

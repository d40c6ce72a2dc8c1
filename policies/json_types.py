"""The types of formulas that JSON schemas stand for, where there is one."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from jurat.policies.json_schemas import inlined
from jurat.policies.types import (
    BOOL,
    STRING,
    TIMESTAMP,
    DecimalType,
    EnumType,
    IntType,
    ListType,
    ScalarType,
    Type,
)


def parameters_of(schema: Mapping[str, Any]) -> dict[str, Type]:
    """The types of an object's properties; those that formulas have no type for are left out."""
    found = {name: type_of_schema(each) for name, each in inlined(schema).get("properties", {}).items()}
    return {name: type_ for name, type_ in found.items() if type_ is not None}


def type_of_schema(schema: Any) -> Type | None:
    """The type of a value, or None where formulas have none such."""
    if not isinstance(schema, Mapping):
        return None
    if schema.get("type") == "array":
        element = _scalar(schema.get("items"))
        return None if element is None else ListType(element, bool(schema.get("uniqueItems", False)))
    return _scalar(schema)


def _scalar(schema: Any) -> ScalarType | None:
    if not isinstance(schema, Mapping):
        return None
    values = schema.get("enum", [schema["const"]] if "const" in schema else None)
    if values is not None:
        return EnumType(tuple(dict.fromkeys(values))) if values and _texts(values) else None
    kind = schema.get("type")
    if kind == "boolean":
        return BOOL
    if kind == "integer":
        return IntType(_whole(schema, "minimum", 1), _whole(schema, "maximum", -1))
    if kind == "number":
        return DecimalType(_exact(schema.get("minimum")), _exact(schema.get("maximum")))
    if kind == "string":
        return TIMESTAMP if schema.get("format") == "date-time" else STRING
    return None


def _texts(values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(each, str) for each in values)


def _whole(schema: Mapping[str, Any], bound: str, inwards: int) -> int | None:
    """A bound that is included; one that is not, of whole numbers, is the next number."""
    steps = ((bound, 0), ("exclusive" + bound.capitalize(), inwards))
    found = [int(schema[name]) + step for name, step in steps if _is_whole(schema.get(name))]
    return None if not found else max(found) if inwards > 0 else min(found)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and float(value).is_integer()


def _exact(value: Any) -> Decimal | None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return Decimal(repr(value)) if number else None

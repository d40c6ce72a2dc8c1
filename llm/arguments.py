"""Arguments that the customer gave and nothing else: nullable schemas, and a guard against invention."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from jurat.llm.protocol import Arguments, Message
from jurat.llm.quoting import numbers_in, quoted

_NUMERIC = {"integer", "number"}
_NUMBER = re.compile(r"-?\d{1,400}(?:\.\d{1,400})?")


def required_names(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """The arguments that a call cannot do without, in declared order."""
    required = set(schema.get("required", ()))
    return tuple(name for name in schema.get("properties", {}) if name in required)


def nullable(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The same object schema in which each argument is present and may be null: "the customer did not say"."""
    properties = {
        name: {"anyOf": [dict(kind), {"type": "null"}]} for name, kind in schema.get("properties", {}).items()
    }
    closed = {"type": "object", "properties": properties, "additionalProperties": False}
    definitions = {k: schema[k] for k in ("$defs", "definitions") if k in schema}
    return {**closed, "required": list(properties), **definitions}


def coerced(text: str | None, schema: Mapping[str, Any]) -> Any:
    """The text as the schema's type; None where it is not one."""
    kind = schema.get("type")
    if text is None or kind not in _NUMERIC | {"boolean"}:
        return text
    if kind == "boolean":
        return {"true": True, "yes": True, "false": False, "no": False}.get(text.casefold())
    try:
        return int(text) if kind == "integer" else float(text)
    except ValueError:
        return None


def grounded(raw: Mapping[str, Any], schema: Mapping[str, Any], conversation: Sequence[Message]) -> Arguments:
    """Of what the model read out of the conversation, only what is really said in it.

    Strings and numbers must occur literally in a message (case, spacing and how a number or a time is written aside);
    enumerations and booleans are a choice, not a quotation, and pass. Prompts tell the model what each
    argument means, so a model's guess may well be an example from there: hence the check.
    """
    said = "\n".join(m.text for m in conversation if m.role in ("customer", "tool"))
    kinds: Mapping[str, Mapping[str, Any]] = schema.get("properties", {})
    values = {
        name: raw[name]
        for name, kind in kinds.items()
        if raw.get(name) is not None and _supported(raw[name], kind, said)
    }
    return Arguments(values, tuple(n for n in required_names(schema) if n not in values))


def _supported(value: Any, kind: Mapping[str, Any], said: str) -> bool:
    if value is None:
        return True
    kind = _of_all(kind)
    either = kind.get("anyOf") or kind.get("oneOf")
    if either:
        return any(_supported(value, {**kind, "anyOf": None, "oneOf": None, **each}, said) for each in either)
    if "enum" in kind or "const" in kind:  # what is none of them the tool refuses, and says which there are
        return bool(value in kind.get("enum", (kind.get("const"),))) or _supported(value, {}, said)
    if isinstance(value, bool):
        return not _types(kind) or "boolean" in _types(kind)
    if isinstance(value, list):
        return bool(value) and all(map(_supported, value, _item_kinds(kind, len(value)), [said] * len(value)))
    if isinstance(value, dict):
        return bool(value) and all(_part_supported(name, each, kind, said) for name, each in value.items())
    if isinstance(value, int | float) or (_types(kind) & _NUMERIC and _NUMBER.fullmatch(value)):
        return Decimal(repr(value) if isinstance(value, float) else value) in numbers_in(said)
    return quoted(str(value), said)


def _types(kind: Mapping[str, Any]) -> set[str]:
    named = kind.get("type", [])
    return {named} if isinstance(named, str) else set(named)


def _of_all(kind: Mapping[str, Any]) -> Mapping[str, Any]:
    """A schema with what its ``allOf`` asks for written into it."""
    if not kind.get("allOf"):
        return kind
    parts = [*map(_of_all, kind["allOf"]), {**kind, "allOf": None}]
    properties = {name: each for part in parts for name, each in part.get("properties", {}).items()}
    return {key: each for part in parts for key, each in part.items()} | {"properties": properties}


def _item_kinds(kind: Mapping[str, Any], count: int) -> list[Mapping[str, Any]]:
    first = list(kind.get("prefixItems", ()))[:count]
    return [*first, *[kind.get("items") or {}] * (count - len(first))]


def _part_supported(name: str, value: Any, kind: Mapping[str, Any], said: str) -> bool:
    """A value under a name that the schema has, or under one that was said too; any name where the schema is a bare object."""
    known, others = kind.get("properties") or {}, kind.get("additionalProperties")
    of_values = others if isinstance(others, Mapping) else {}
    named = name in known or not (known or of_values) or quoted(name, said)
    return named and _supported(value, known.get(name, of_values), said)

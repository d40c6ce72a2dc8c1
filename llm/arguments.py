"""Arguments that the customer gave and nothing else: nullable schemas, and a guard against invention."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from jurat.llm.protocol import Arguments, Message

_NUMERIC = {"integer", "number"}


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

    Strings and numbers must occur literally in a message (case, spacing and digit grouping aside);
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
    if value is None or isinstance(value, bool) or "enum" in kind or "const" in kind:
        return True
    if isinstance(value, list):
        return bool(value) and all(_supported(v, kind.get("items", {}), said) for v in value)
    if isinstance(value, dict):
        kinds = kind.get("properties", {})
        return bool(value) and all(_supported(v, kinds.get(k, {}), said) for k, v in value.items())
    if isinstance(value, int | float):
        return any(abs(float(value) - n) < 1e-9 for n in _numbers(said))
    return _quoted(str(value), said)


def _numbers(text: str) -> list[float]:
    grouped = re.sub(r"(?<=\d)[,'  ](?=\d{3}\b)", "", text)
    return [float(n) for n in re.findall(r"\d+(?:\.\d+)?", grouped)]


def _quoted(value: str, said: str) -> bool:
    wanted = _normalised(value)
    return bool(wanted) and re.search(rf"(?<!\w){re.escape(wanted)}(?!\w)", _normalised(said)) is not None


def _normalised(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip(" .,;:!?\"'#").casefold()

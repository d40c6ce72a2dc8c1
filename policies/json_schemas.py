"""JSON schemas of arguments, made plain: references written out, and no null where leaving out says the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_PREFIXES = ("#/$defs/", "#/definitions/")


def inlined(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema without references to its own definitions; what contains itself is left open at the second turn."""
    definitions = {**schema.get("definitions", {}), **schema.get("$defs", {})}
    rest = {name: each for name, each in schema.items() if name not in ("$defs", "definitions")}
    return {name: _written_out(each, definitions, ()) for name, each in rest.items()}


def _written_out(node: Any, definitions: Mapping[str, Any], above: tuple[str, ...]) -> Any:
    if isinstance(node, list):
        return [_written_out(each, definitions, above) for each in node]
    if not isinstance(node, Mapping):
        return node
    name = _target(node.get("$ref"))
    if name is not None and name in definitions:
        if name in above:
            return {}
        whole = _written_out(definitions[name], definitions, (*above, name))
        beside = {key: each for key, each in node.items() if key != "$ref"}
        return {**whole, **_written_out(beside, definitions, above)}
    return _without_null({key: _written_out(each, definitions, above) for key, each in node.items()})


def _target(reference: Any) -> str | None:
    for prefix in _PREFIXES:
        if isinstance(reference, str) and reference.startswith(prefix):
            return reference.removeprefix(prefix)
    return None


def _without_null(node: dict[str, Any]) -> dict[str, Any]:
    """``anyOf`` of one schema and null is that schema: an argument that is not given is left out."""
    kinds = [each for each in node.get("anyOf", ()) if each != {"type": "null"}]
    if len(kinds) != 1 or not isinstance(kinds[0], dict):
        return node
    return {**kinds[0], **{key: each for key, each in node.items() if key != "anyOf"}}

"""Who may write which fact: application and authentication theirs, tools only what they declare to provide."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from jurat.engine.errors import FactRefused
from jurat.engine.tools import ToolResult, plain
from jurat.policies.agents import AGENT
from jurat.policies.diagnostics import near_miss
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import FactDeclaration, Provision, ToolDeclaration
from jurat.policies.types import Value
from jurat.policies.values import parse_value


def checked_facts(graph: PolicyGraph, given: Mapping[str, object]) -> Mapping[str, Value]:
    """What the application says, as values of the declared types; None is absent.

    Raises:
        FactRefused: everything wrong with it, a line each.
    """
    found, faults = {}, []
    for path, raw in given.items():
        fact = graph.vocabulary.facts.get(path)
        if fault := _fault(path, fact, graph):
            faults.append(fault)
        elif fact is not None and raw is not None:
            try:
                found[path] = parse_value(raw, fact.type)
            except ValueError as reason:
                faults.append(f"`{path}`: {reason}")
    if faults:
        raise FactRefused("\n".join(faults))
    return MappingProxyType(found)


def _fault(path: str, fact: FactDeclaration | None, graph: PolicyGraph) -> str:
    if fact is None:
        hint = near_miss(path, graph.vocabulary.facts)
        return f"the policy has no fact `{path}`" + (f"; {hint}" if hint else "")
    if path == AGENT:
        return f"`{path}` is for the engine to write; transfer the session instead"
    return f"`{path}` is for tools to write, so it cannot be given" if fact.source == "tools" else ""


def provided(
    tool: ToolDeclaration, facts: Mapping[str, FactDeclaration], result: ToolResult
) -> tuple[dict[str, Value | None], tuple[str, ...]]:
    """What a tool's success writes, and a reason for each write that is refused.

    A declared fact whose value is missing or of another type becomes absent (None): what was known of it before is no
    longer so.
    """
    written: dict[str, Value | None] = {}
    faults = []
    for provision in tool.provides:
        try:
            written[provision.fact] = _value(provision, facts[provision.fact], result)
        except ValueError as reason:
            written[provision.fact] = None
            faults.append(f"`{provision.fact}`: {reason}")
    open_ = {each.fact for each in tool.provides if each.kind == "any"}
    faults += [f"`{path}`: `{tool.id}` does not declare to provide it" for path in result.facts if path not in open_]
    return written, tuple(faults)


def _value(provision: Provision, fact: FactDeclaration, result: ToolResult) -> Value:
    if provision.kind == "value" and provision.value is not None:
        return provision.value
    raw = result.facts.get(provision.fact) if provision.kind == "any" else _field(result.data, provision.field or "")
    if raw is None:
        raise ValueError("the result does not say it")
    return parse_value(raw, fact.type)


def _field(data: Any, path: str) -> Any:
    found = plain(data)
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def with_written(facts: Mapping[str, Value], written: Mapping[str, Value | None]) -> Mapping[str, Value]:
    """The facts after a tool's success."""
    merged = {**facts, **written}
    return MappingProxyType({path: value for path, value in merged.items() if value is not None})

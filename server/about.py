"""What a page needs to know of the agent it talks to."""

from __future__ import annotations

from typing import Any

from jurat import __version__
from jurat.policies.model import FactDeclaration
from jurat.policies.types import BoolType, DecimalType, EnumType, IntType, Type
from jurat.policies.values import jsonable
from jurat.server.opening import Agent


def about(agent: Agent, *, may_give_facts: bool) -> dict[str, Any]:
    """The agent, whether its policy is proved, and the facts that whoever asks may give; what the policy says is not told."""
    report, engine = agent.report, agent.engine
    return {
        "agent": agent.name,
        "description": next(iter(engine.agents.values())).description,
        "jurat": __version__,
        "judge": engine.judge.name,
        "proved": not engine.unproved,
        "status": report.status.value,
        "digest": report.digest,
        "obligations": report.obligations,
        "guidelines": report.guidelines,
        "findings": len(report.failures),
        "message_characters": engine.limits.message_characters,
        "facts": _facts(agent) if may_give_facts else [],
    }


def _facts(agent: Agent) -> list[dict[str, Any]]:
    return [_fact(each) for each in agent.graph.vocabulary.facts.values() if each.source != "tools"]


def _fact(fact: FactDeclaration) -> dict[str, Any]:
    default = None if fact.default is None else jsonable(fact.default)
    return {"name": fact.path, "kind": _kind(fact.type), "values": _values(fact.type), "default": default}


def _kind(type_: Type) -> str:
    """How a form asks for a value of the type."""
    if isinstance(type_, EnumType):
        return "enum"
    if isinstance(type_, BoolType):
        return "bool"
    return "number" if isinstance(type_, IntType) else "text" if not isinstance(type_, DecimalType) else "decimal"


def _values(type_: Type) -> list[str]:
    return list(type_.values) if isinstance(type_, EnumType) else []

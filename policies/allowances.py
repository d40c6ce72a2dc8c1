"""Which findings the author of something accepts."""

from __future__ import annotations

from collections.abc import Iterable

from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Allowances


def allowed_by(graph: PolicyGraph, name: str, owners: Iterable[str]) -> str:
    """The reason for which the author of one of these accepts the findings of a name; empty where nobody does.

    Owners are ids of guidelines, journeys and journey states (the journey answers for those), or ``tool:<id>``,
    ``goal:<id>``, ``invariant:<id>``.
    """
    reasons = (reason for owner in owners for allowed, reason in _of(graph, owner) if allowed == name)
    return next(reasons, "")


def _of(graph: PolicyGraph, owner: str) -> Allowances:
    kind, _, id_ = owner.partition(":")
    if kind == "tool" and id_ in graph.vocabulary.tools:
        return graph.vocabulary.tools[id_].allow
    if kind in ("goal", "invariant") and id_:
        named = graph.policy.goals if kind == "goal" else graph.policy.invariants
        return next((each.allow for each in named if each.id == id_), ())
    if owner in graph.guidelines:
        return graph.guidelines[owner].allow
    journey = graph.journeys.get(owner.partition("/")[0])
    return journey.allow if journey else ()

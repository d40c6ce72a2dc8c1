"""What resolution says: in force, possible, dropped and why, and the actions that follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from jurat.policies.axioms import Settled
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Action, Forbid

if TYPE_CHECKING:
    from jurat.policies.semantics import Bound

Reason = Literal["requirement-not-met", "overridden", "ambiguous", "outranked", "undefined"]


@dataclass(frozen=True, slots=True)
class Drop:
    """Why something triggered is not in force, and what stands in its way."""

    reason: Reason
    by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ActionInForce:
    """An action and the guideline or state that demands it; ``because`` says under which bound it acts."""

    guideline: str
    action: Action
    because: Literal["certain", "possible", "outranked"] = "certain"

    @property
    def kind(self) -> str:
        return self.action.kind


@dataclass(frozen=True, slots=True)
class Clarification:
    """The customer is to be asked which of ``targets`` is meant."""

    by: str
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Resolution:
    """The meaning of one situation; ids sorted, journeys and ``<journey>/<state>`` included.

    ``in_force`` is certain; ``possible`` is that and what unknowns leave open. ``ask`` are guidelines to be clarified
    because they are merely possible and say ``on_unknown: ask``.
    """

    in_force: tuple[str, ...]
    possible: tuple[str, ...]
    dropped: dict[str, Drop]
    actions: tuple[ActionInForce, ...]
    ask: tuple[str, ...]
    clarifications: tuple[Clarification, ...]
    undefined: tuple[str, ...]
    """What is undecided although nothing is unknown of it: a paradox."""
    settled: Settled


def describe(
    graph: PolicyGraph, low: Bound, high: Bound, settled: Settled, undefined: frozenset[str] = frozenset()
) -> Resolution:
    """Both bounds, as a resolution."""
    triggered = (g for g in graph.entities if low.matched(g) or low.entailed(g))
    merely = high.in_force - low.in_force
    return Resolution(
        in_force=tuple(sorted(low.in_force)),
        possible=tuple(sorted(high.in_force)),
        dropped={
            g: Drop("undefined", tuple(sorted(undefined - {g}))) if g in undefined else _drop(graph, low, high, g)
            for g in triggered
            if g not in low.in_force
        },
        actions=tuple(_actions(graph, low, high)),
        ask=tuple(sorted(g for g in merely if graph.entities[g].on_unknown == "ask")),
        clarifications=_clarifications(graph, low),
        undefined=tuple(sorted(undefined)),
        settled=settled,
    )


def _drop(graph: PolicyGraph, low: Bound, high: Bound, g: str) -> Drop:
    """The first reason in the order of the equations; what may stand in the way counts like what does."""
    if not low.live(g):
        return Drop("requirement-not-met", _unmet(graph, low, g))
    if overriders := tuple(h for h in graph.overriders[g] if high.live(h)):
        return Drop("overridden", overriders)
    if high.ambiguous(g):
        return Drop("ambiguous", _rivals(graph, high, g))
    return Drop("outranked", tuple(h for h in graph.outrankers[g] if high.matched(h) and high.live(h)))


def _unmet(graph: PolicyGraph, low: Bound, g: str) -> tuple[str, ...]:
    missing = {d for d in graph.requirements[g] if d not in low.in_force}
    for group in graph.alternatives[g]:
        if not any(low.in_force.issuperset(alternative) for alternative in group):
            missing |= {d for alternative in group for d in alternative if d not in low.in_force}
    return tuple(sorted(missing))


def _rivals(graph: PolicyGraph, high: Bound, g: str) -> tuple[str, ...]:
    found = {
        each
        for d, target, rivals in graph.ambiguities[g]
        if high.live(d) and high.live(target)
        for each in (d, *(rival for rival in rivals if high.live(rival)))
    }
    return tuple(sorted(found))


def _actions(graph: PolicyGraph, low: Bound, high: Bound) -> list[ActionInForce]:
    """Prohibitions bind when possible, an outranked guideline's too; the rest acts when certain, or as told to."""
    found: list[ActionInForce] = []
    for g, entity in graph.entities.items():
        if g in low.in_force:
            found += (ActionInForce(g, action) for action in entity.actions)
            continue
        possible = g in high.in_force
        binding = possible or (high.live(g) and not low.blocked(g))
        for action in entity.actions:
            if isinstance(action, Forbid) and binding:
                found.append(ActionInForce(g, action, "possible" if possible else "outranked"))
            elif possible and entity.on_unknown == "act":
                found.append(ActionInForce(g, action, "possible"))
    return found


def _clarifications(graph: PolicyGraph, low: Bound) -> tuple[Clarification, ...]:
    found = []
    for choice in graph.disambiguations:
        live = tuple(target for target in choice.targets if low.live(target))
        if low.live(choice.by) and len(live) > 1:
            found.append(Clarification(choice.by, live))
    return tuple(found)

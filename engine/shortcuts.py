"""Which observations a shortcut may take for false, without asking the judge.

Those on which nothing hangs but what is said: none that is marked critical, none that opens or shuts a tool, moves a
journey or stands in an axiom, and of the conditions of guidelines none that is negated, or that stands for a guideline which
does more than instruct (what a tool does or finds out may keep other things from being done), phrases replies, overrides or
outranks, or on which such a one hangs. Nor any of a guideline that was carried out before: taken for false it would seem to
have ended, and be carried out once more. So a shortcut that is wrong leaves an instruction out and never lets one in, and
all else is done as without it (property tests hold that).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache

from jurat.engine.relevance import observations
from jurat.policies.expr import And, Expr, Observation, Or, children
from jurat.policies.graph import Entity, PolicyGraph
from jurat.policies.model import Call, Guideline, Instruct


@lru_cache(maxsize=16)
def skippable(graph: PolicyGraph) -> frozenset[str]:
    """The observations that may be taken for false unasked."""
    plain = frozenset(key for key, each in graph.vocabulary.observations.items() if not each.critical)
    return plain - frozenset().union(*map(observations, _asked_always(graph)))


def going_on(graph: PolicyGraph, done: Collection[str]) -> frozenset[str]:
    """The observations on which it hangs whether guidelines that were carried out before are in force still."""
    found = _with_ancestors(graph, (g for g in done if g in graph.entities))
    return frozenset().union(*(observations(graph.entities[g].condition) for g in found))


def _asked_always(graph: PolicyGraph) -> Iterator[Expr]:
    """The formulas whose observations are always asked for."""
    yield from graph.asked
    yield from (axiom.expr for axiom in graph.axioms)
    yield from (
        formula.expr for tool in graph.vocabulary.tools.values() for formula in (tool.guard, tool.limits) if formula
    )
    for journey in graph.journeys.values():
        yield journey.condition
        yield from (trigger.expr for trigger in journey.triggers)
        yield from (each.condition for state in journey.states.values() for each in state.transitions)
    restraining = _restraining(graph)
    for g, entity in graph.entities.items():
        yield from (entity.condition,) if g in restraining else _negated(entity.condition)
        yield from _of_arguments(entity)


def _of_arguments(entity: Entity) -> Iterator[Expr]:
    said = (each for action in entity.actions if isinstance(action, Call) for each in action.constraints)
    return (formula for each in said for formula in (each.value, each.formula) if formula is not None)


def _negated(expr: Expr) -> Iterator[Expr]:
    """The parts of a formula that could hold because an observation does not."""
    if isinstance(expr, And | Or):
        for child in children(expr):
            yield from _negated(child)
    elif not isinstance(expr, Observation):
        yield expr


def _restraining(graph: PolicyGraph) -> frozenset[str]:
    """What keeps something else from being in force or from being done, and all that it hangs on."""
    influence = graph.influence
    found = {g for g, _, edge in influence.edges(data=True) if edge["negative"]}
    found |= {g for each in graph.disambiguations for g in (each.by, *each.targets)}
    found |= {g for g, entity in graph.entities.items() if _restrains(graph, entity)}
    return _with_ancestors(graph, found)


def _restrains(graph: PolicyGraph, entity: Entity) -> bool:
    guideline = graph.guidelines.get(entity.id)
    weighty = guideline is not None and _is_weighty(guideline)
    return weighty or not all(isinstance(action, Instruct) for action in entity.actions)


def _is_weighty(guideline: Guideline) -> bool:
    limits = guideline.phrasing.composition not in (None, "fluid")
    return limits or guideline.criticality == "high" or guideline.on_unknown != "skip"


def _with_ancestors(graph: PolicyGraph, some: Iterable[str]) -> frozenset[str]:
    found, waiting = set[str](), list(some)
    while waiting:
        g = waiting.pop()
        if g not in found:
            found.add(g)
            waiting += graph.influence.predecessors(g)
    return frozenset(found)

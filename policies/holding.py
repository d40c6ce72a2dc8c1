"""Which journeys a turn holds back: those that were not to be in force when it was answered (docs/policies.md).

Semantics, section 3 says what is in force, and section 5 how a journey moves. What follows from both: a state that was
never said is not passed, so a journey that comes out of a turn without being in force is where the turn found it.
"""

from __future__ import annotations

from jurat.policies.graph import PolicyGraph
from jurat.policies.resolution import Drop, Resolution


def held_back(graph: PolicyGraph, resolution: Resolution, journey: str, state: str) -> Drop | None:
    """Why a journey in a state does not go on; None where it does.

    It is not certainly in force, or the state is one of a journey within it, which something overrides. A journey that
    rests, for its agent does not answer, was not triggered, and does not move at all.
    """
    return resolution.dropped.get(journey) or _held_within(graph, resolution, journey, state)


def inner_overriders(graph: PolicyGraph, journey: str, state: str) -> tuple[str, ...]:
    """What overrides a journey within this one that the state is a copy of."""
    inner = (origin.partition("/")[0] for origin in graph.journeys[journey].states[state].origins)
    return tuple(dict.fromkeys(h for each in inner for h in graph.overriders.get(each, ())))


def _held_within(graph: PolicyGraph, resolution: Resolution, journey: str, state: str) -> Drop | None:
    drop = resolution.dropped.get(f"{journey}/{state}")
    if drop is None or drop.reason != "overridden":
        return None
    by = tuple(h for h in drop.by if h in inner_overriders(graph, journey, state))
    return Drop(drop.reason, by) if by else None


def may_be_held_back(graph: PolicyGraph, journey: str) -> bool:
    """Whether anything could keep an active journey from being in force; most have nothing."""
    inner = any(inner_overriders(graph, journey, state) for state in graph.journeys[journey].states)
    kept_down = (graph.overriders, graph.ambiguities, graph.outrankers, graph.requirements, graph.alternatives)
    return inner or any(each[journey] for each in kept_down)

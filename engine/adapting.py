"""A session goes on under another version of the policy: what that one does not know is left behind, and said."""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType

from jurat.engine.session import State
from jurat.policies.agents import AGENT
from jurat.policies.graph import PolicyGraph
from jurat.policies.types import Value
from jurat.policies.values import jsonable, parse_value


def adapted(graph: PolicyGraph, state: State) -> list[str]:
    """Make a state one of this policy; what was left behind, a line each."""
    if state.policy == graph.digest:
        return []
    before, state.policy = state.policy, graph.digest
    if not before:
        return []
    return [
        "the policy has changed since the last turn",
        *_facts(graph, state),
        *_journeys(graph, state),
        *_agent(graph, state),
    ]


def _facts(graph: PolicyGraph, state: State) -> Iterator[str]:
    kept = {}
    for path, value in state.facts.items():
        if path == AGENT:  # the engine says who answers under this policy
            continue
        fitting = _fitting(graph, path, value)
        if fitting is None:
            yield f"the fact `{path}` is not one of this policy any more, or of another type, and is absent"
        else:
            kept[path] = fitting
    state.facts = MappingProxyType(kept)


def _fitting(graph: PolicyGraph, path: str, value: Value) -> Value | None:
    declared = graph.vocabulary.facts.get(path)
    if declared is None:
        return None
    try:
        return parse_value(jsonable(value), declared.type)
    except ValueError:
        return None


def _journeys(graph: PolicyGraph, state: State) -> Iterator[str]:
    for journey, place in list(state.journeys.items()):
        if journey not in graph.journeys or place not in graph.journeys[journey].states:
            del state.journeys[journey]
            yield f"the journey `{journey}` has no state `{place}` any more, and was left"


def _agent(graph: PolicyGraph, state: State) -> Iterator[str]:
    agents = graph.policy.agents
    if agents and state.agent not in agents:
        chosen = next(iter(agents))
        yield f"the agent `{state.agent}` is gone, and `{chosen}` answers"
        state.agent = chosen

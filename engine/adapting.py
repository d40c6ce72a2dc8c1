"""A session goes on under another version of the policy: what that one does not know is left behind, and said."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from jurat.engine.session import DEFAULT_AGENT, Moment, State
from jurat.policies.agents import AGENT
from jurat.policies.graph import PolicyGraph
from jurat.policies.types import Value
from jurat.policies.values import jsonable, parse_value

OPEN = "application"
"""Whose facts are held to nothing: the application, and who talks to it, may say them at any time."""

JOURNEY = "journey."
"""Begins what a history says of journeys."""


def sources_of(graph: PolicyGraph, paths: Collection[str] | None = None) -> dict[str, str]:
    """Who may write a fact under this policy, of those facts that the application may not; of these paths, or of all."""
    facts = graph.vocabulary.facts.items()
    return {path: each.source for path, each in facts if each.source != OPEN and (paths is None or path in paths)}


def adapted(graph: PolicyGraph, state: State) -> list[str]:
    """Make a state one of this policy; what was left behind, a line each."""
    if state.policy == graph.digest:
        return []
    before, state.policy = state.policy, graph.digest
    notes = [*_facts(graph, state), *_journeys(graph, state), *_agent(graph, state)] if before else []
    state.sources = sources_of(graph)
    return ["the policy has changed since the last turn", *notes] if before else []


def _facts(graph: PolicyGraph, state: State) -> Iterator[str]:
    kept = _values(graph, state, state.facts)
    for path in state.facts.keys() - kept.keys() - {AGENT}:
        if _was_open(graph, state, path):
            yield f"the fact `{path}` is now for others to write than whoever said it, and is absent"
        else:
            yield f"the fact `{path}` is not one of this policy any more, or of another type, and is absent"
    state.facts = MappingProxyType({path: value for path, value in kept.items() if path != AGENT})
    state.moments = tuple(_moments(graph, state))


def _moments(graph: PolicyGraph, state: State) -> Iterator[Moment]:
    """The history, in which nothing is said either that this policy does not know so."""
    fitted: dict[int, Mapping[str, Value]] = {}
    for moment in state.moments:
        values = fitted.get(id(moment.values))
        if values is None:
            values = fitted[id(moment.values)] = _values(graph, state, moment.values)
        yield moment if values == moment.values else replace(moment, values=values)


def _values(graph: PolicyGraph, state: State, values: Mapping[str, Value]) -> dict[str, Value]:
    """What was said of facts, as far as this policy takes it; who answered and where journeys were stays."""
    kept = {}
    for path, value in values.items():
        if path == AGENT or path.startswith(JOURNEY):
            kept[path] = value
        elif not _was_open(graph, state, path) and (fitting := _fitting(graph, path, value)) is not None:
            kept[path] = fitting
    return kept


def _was_open(graph: PolicyGraph, state: State, path: str) -> bool:
    """Whether a fact that is now for tools or authentication to write may come from somebody else."""
    declared = graph.vocabulary.facts.get(path)
    return declared is not None and declared.source not in (OPEN, state.sources.get(path, OPEN))


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
    agents = graph.policy.agents or {DEFAULT_AGENT.id: DEFAULT_AGENT}
    if state.agent not in agents:
        chosen = next(iter(agents))
        yield f"the agent `{state.agent}` is gone, and `{chosen}` answers"
        state.agent = chosen

"""The compiled resolver says what the reference says, of one situation and of many."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.properties.random_policies import FACTS, STANDARD, random_policy, random_values
from tests.properties.strategies import cases
from tests.properties.test_asking_agrees import SIZES, TOOLS, Moody, WithTools, tool_called

from jurat.engine import Engine, Toolbox
from jurat.engine.compiled import Batch, Compiled, Standing
from jurat.engine.relevance import Outlook
from jurat.llm.scripted import ScriptedVoice
from jurat.policies import load, resolve
from jurat.policies.errors import RefusedTurn
from jurat.policies.graph import PolicyGraph, build_graph
from jurat.policies.semantics import Bound, bounds, matched
from jurat.policies.valuation import Valuation, valuation_of

Case = tuple[PolicyGraph, list[dict[str, object]]]


def reference(graph: PolicyGraph, values: dict[str, object]) -> Standing | None:
    try:
        found = resolve(graph, values)
    except RefusedTurn:
        return None
    return Standing(found.in_force, found.possible)


@given(cases(number=4))
@settings(max_examples=400)
def test_the_compiled_resolver_says_what_the_reference_says(case: Case) -> None:
    graph, situations = case
    compiled = Compiled(graph)
    expected = {place: found for place, values in enumerate(situations) if (found := reference(graph, values))}
    for place, standing in expected.items():
        assert compiled.resolve(situations[place]) == standing
        assert compiled.resolve(valuation_of(graph, situations[place])) == standing
    batch = compiled.resolve_all([situations[place] for place in expected])
    assert list(batch) == list(expected.values())
    assert len(batch) == len(expected)
    counted = {g: sum(g in each.in_force for each in expected.values()) for g in graph.entities}
    assert batch.times_in_force() == counted


@given(cases(number=3))
@settings(max_examples=200)
def test_what_it_explains_is_what_the_reference_explains(case: Case) -> None:
    """The whole resolution: what was dropped and by what, what is asked, what acts under which bound."""
    graph, situations = case
    for values in situations:
        if reference(graph, values) is not None:
            assert Outlook.of(graph, valuation_of(graph, values)).resolution() == resolve(graph, values)


def by_reference(self: Compiled, settled: Valuation) -> tuple[Bound, Bound]:
    return bounds(self._graph, *matched(self._graph, settled))


@given(st.integers(0, 2**32))
@settings(max_examples=60)
def test_the_traces_of_turns_are_those_of_the_reference(seed: int) -> None:
    """Whole conversations, with tools, journeys and axioms."""
    graph = build_graph(WithTools(Random(seed), SIZES).policy())
    facts = {key: value for key, value in random_values(Random(seed), graph).items() if key in FACTS}
    with patch.object(Compiled, "bounds", by_reference):
        expected = traces(graph, facts, seed)
    assert traces(graph, facts, seed) == expected


def traces(graph: PolicyGraph, facts: dict[str, object], seed: int) -> list[dict[str, Any]] | None:
    """What is stored of a few turns, but for how long it took; None where facts contradict the axioms."""
    voice = ScriptedVoice(lambda request: " ".join(request.instructions) or "well", {name: {} for name in TOOLS})
    box = Toolbox(graph, {name: tool_called(name) for name in TOOLS})
    engine = Engine(graph, Moody(seed), voice, box, unproved=True, clock=lambda: 0.0)
    session = engine.start_session(facts, id="s")

    async def run() -> list[dict[str, Any]]:
        return [(await engine.turn(session, f"message {number}")).trace.as_json() for number in range(3)]

    try:
        found = asyncio.run(run())
    except RefusedTurn:
        return None
    return [_timeless(each) for each in found]


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _timeless(each) for name, each in value.items() if name not in ("seconds", "start")}
    return [_timeless(each) for each in value] if isinstance(value, list) else value


def test_most_random_policies_are_compiled_and_some_are_not() -> None:
    """Else the property above would be about the reference alone."""
    graphs = [build_graph(random_policy(Random(seed), STANDARD)) for seed in range(60)]
    compiled = sum(Compiled(graph)._program is not None for graph in graphs)
    assert 15 < compiled < 60


def test_a_batch_is_indexed_like_a_list() -> None:
    batch = Compiled(load("jurat: 1\nguidelines: {a: {action: Say a}}")).resolve_all([{}, {}])
    assert isinstance(batch, Batch)
    assert [each.in_force for each in batch] == [("a",), ("a",)]
    assert len(Compiled(load("jurat: 1")).resolve_all([])) == 0

"""The compiled resolver says what the reference says, of one situation and of many."""

from __future__ import annotations

from hypothesis import given, settings
from tests.properties.strategies import cases

from jurat.engine.compiled import Batch, Compiled, Standing
from jurat.policies import load, resolve
from jurat.policies.errors import RefusedTurn
from jurat.policies.graph import PolicyGraph
from jurat.policies.valuation import valuation_of

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


def test_most_random_policies_are_compiled_and_some_are_not() -> None:
    """Else the property above would be about the reference alone."""
    from random import Random

    from tests.properties.random_policies import STANDARD, random_policy

    from jurat.policies.graph import build_graph

    graphs = [build_graph(random_policy(Random(seed), STANDARD)) for seed in range(60)]
    compiled = sum(Compiled(graph)._program is not None for graph in graphs)
    assert 15 < compiled < 60


def test_a_batch_is_indexed_like_a_list() -> None:
    batch = Compiled(load("jurat: 1\nguidelines: {a: {action: Say a}}")).resolve_all([{}, {}])
    assert isinstance(batch, Batch)
    assert [each.in_force for each in batch] == [("a",), ("a",)]
    assert len(Compiled(load("jurat: 1")).resolve_all([])) == 0

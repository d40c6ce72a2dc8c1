"""The resolver that remembers says what the reference says, of what it met before too."""

from __future__ import annotations

from hypothesis import given, settings
from tests.properties.strategies import cases

from jurat.engine.resolving import Resolver
from jurat.policies import load, resolve
from jurat.policies.errors import RefusedTurn
from jurat.policies.graph import PolicyGraph
from jurat.policies.resolution import Resolution
from jurat.policies.valuation import valuation_of

Case = tuple[PolicyGraph, list[dict[str, object]]]


def reference(graph: PolicyGraph, values: dict[str, object]) -> Resolution | None:
    try:
        return resolve(graph, values)
    except RefusedTurn:
        return None


@given(cases(number=6))
@settings(max_examples=300)
def test_it_says_what_the_reference_says(case: Case) -> None:
    graph, situations = case
    resolver = Resolver(graph)
    expected = [(values, found) for values in situations if (found := reference(graph, values)) is not None]
    for values, found in [*expected, *expected]:
        assert resolver.resolve(valuation_of(graph, values)) == found


def test_what_no_condition_tells_apart_is_resolved_once() -> None:
    graph = load("jurat: 1\nfacts: {days: int}\nguidelines: {late: {when: days > 30, action: Say no}}")
    resolver = Resolver(graph)
    found = [resolver.resolve(valuation_of(graph, {"days": days})) for days in (31, 32, 3)]
    assert [each.in_force for each in found] == [("late",), ("late",), ()]
    assert [each.settled.valuation.values["days"] for each in found] == [31, 32, 3]
    assert found[0].actions is found[1].actions

"""Section 7 of the semantics: the reference, the encoding and the engine say the same of every situation.

The reference is ``jurat.policies.semantics``. That this can fail is shown by :mod:`tests.properties.test_mutations`.
"""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import assume, given, settings
from tests.properties.comparing import Symbolic, reference
from tests.properties.strategies import cases, graphs, randoms

from jurat.policies.axioms import settle
from jurat.policies.errors import RefusedTurn
from jurat.policies.graph import PolicyGraph
from jurat.policies.semantics import Bound, bounds, resolve
from jurat.policies.valuation import valuation_of
from jurat.solver import encode

pytestmark = pytest.mark.timeout(400)

Case = tuple[PolicyGraph, list[dict[str, object]]]


@given(cases())
@settings(max_examples=500)
def test_the_encoding_has_exactly_the_reference_as_its_model(case: Case) -> None:
    """Both bounds of every entity, and no second model beside it."""
    graph, situations = case
    symbolic = Symbolic(encode(graph))
    for values in situations:
        try:
            settled = settle(graph, valuation_of(graph, values)).valuation
        except RefusedTurn:
            continue
        assert symbolic.differences(settled, reference(graph, settled)) == [], values


@given(cases(number=4))
@settings(max_examples=200)
def test_the_encoding_admits_exactly_the_situations_that_settling_leaves_alone(case: Case) -> None:
    """What violates an axiom, or leaves unknown what an axiom decides, is no situation to prove anything about."""
    graph, situations = case
    symbolic = Symbolic(encode(graph))
    for values in situations:
        valuation = valuation_of(graph, values)
        try:
            settled = settle(graph, valuation).valuation
        except RefusedTurn:
            assert not symbolic.admits(valuation), values
            continue
        assert symbolic.admits(settled), values
        assert symbolic.admits(valuation) == (settled == valuation), values


@given(cases())
@settings(max_examples=300)
def test_a_resolution_is_the_model_of_the_reference(case: Case) -> None:
    """The public way in settles and reports the same two bounds; certain is within possible."""
    graph, situations = case
    for values in situations:
        try:
            resolution = resolve(graph, values)
        except RefusedTurn:
            continue
        certain, possible = reference(graph, resolution.settled.valuation)
        assert (frozenset(resolution.in_force), frozenset(resolution.possible)) == (certain, possible)
        assert certain <= possible


@given(graphs(), randoms())
@settings(max_examples=300)
def test_a_stratified_policy_has_its_least_solution(graph: PolicyGraph, random: Random) -> None:
    """No cycle contains a negative edge: the least solution, stratum by stratum, exists and is unique.

    Where nothing is unknown both bounds are that solution, here computed by the equations in two values.
    """
    assume(graph.stratified)
    matched = frozenset(g for g in graph.entities if random.random() < 0.7)
    low, high = bounds(graph, matched, matched)
    assert low.in_force == high.in_force == _least(graph, matched)


def _least(graph: PolicyGraph, matched: frozenset[str]) -> set[str]:
    world = Bound(graph, matched, None, set())
    world.other = world
    for stratum in graph.strata:
        while added := {g for g in stratum if world.inforce(g)} - world.in_force:
            world.in_force |= added
    return world.in_force

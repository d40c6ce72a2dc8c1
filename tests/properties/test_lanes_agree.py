"""Everything that says what is in force says the same: the small version of `benchmarks/agreement/run.py`.

That it can fail is shown by planting bugs in the propositional lane (:mod:`tests.properties.sat_mutations`); those in
the Z3 encoding are in :mod:`tests.properties.test_mutations`.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from tests.properties.agreement import Case, Tally, drawn_case
from tests.properties.sat_mutations import MUTANTS, SELDOM, found_after
from tests.properties.sides import SIDES, compared

from jurat.policies.expr import JourneyActive, JourneyState, Observation

POLICIES, DRAWS = 60, 25
SPELLED_OUT = {Observation, JourneyActive, JourneyState}
"""Atoms about which no side leaves anything open."""


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return [drawn_case(Random(f"agreement:{number}"), DRAWS) for number in range(POLICIES)]


@pytest.mark.parametrize("side", SIDES)
def test_a_side_says_what_the_reference_says(side: str, cases: list[Case]) -> None:
    tally = Tally()
    for case in cases:
        tally.add(compared(case, {side: SIDES[side]}))
    assert tally.mismatches == []
    assert tally.pairs[side] > POLICIES * DRAWS // 2


@pytest.mark.parametrize("side", ["sat", "z3", "checker", "clingo"])
def test_what_no_proof_may_be_about_is_not_admitted(side: str, cases: list[Case]) -> None:
    """Situations that contradict an axiom, or leave open what one decides; there were some, so the above compared them."""
    tally = Tally()
    for case in cases[:20]:
        tally.add(compared(case, {side: SIDES[side]}))
    assert tally.refusals[side] > 20
    assert tally.mismatches == []


@pytest.mark.parametrize("side", SIDES)
def test_a_side_that_says_something_else_is_noticed(side: str, cases: list[Case]) -> None:
    """One entity turned round, by one bound and in one situation."""
    case = next(each for each in cases if each.situations and SPELLED_OUT.issuperset(map(type, each.atoms)))
    first, g = case.situations[0], next(iter(case.graph.entities))
    certain, possible = first.in_force
    for turned in ((certain ^ {g}, possible), (certain, possible ^ {g})):
        wrong = replace(case, situations=[replace(first, in_force=turned)])
        assert compared(wrong, {side: SIDES[side]}).mismatches


@pytest.mark.parametrize("says", [says for says in MUTANTS if says not in SELDOM])
def test_a_planted_bug_in_the_propositional_lane_is_found(says: str) -> None:
    assert found_after(MUTANTS[says], seed=1, limit=200) is not None

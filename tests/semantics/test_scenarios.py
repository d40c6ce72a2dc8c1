"""Parlant's published resolver scenarios: the surviving guidelines are the same, save where we differ on purpose."""

from __future__ import annotations

import pytest
from tests.semantics.scenarios import Scenario, scenarios

DIFFERENT = {"handles_indirect_guidelines_from_tags": ["g1", "g3"]}
"""What we say instead, and tests/README.md why."""


@pytest.mark.parametrize("scenario", scenarios(), ids=lambda scenario: scenario.name)
def test_the_same_guidelines_survive(scenario: Scenario) -> None:
    assert scenario.survivors() == DIFFERENT.get(scenario.name, scenario.expected)


def test_all_of_them_are_here_and_each_difference_is_one() -> None:
    by_name = {scenario.name: scenario for scenario in scenarios()}
    assert len(by_name) == 53
    assert all(by_name[name].expected != ours for name, ours in DIFFERENT.items())

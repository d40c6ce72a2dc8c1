"""Shadowed, redundant and defeated guidelines against trying every situation of small policies."""

from __future__ import annotations

from functools import cache
from random import Random

import pytest
from tests.solver.brute_usefulness import Tried, alike_policy, covered, defeated, named, noticed, shadows, tried

from jurat.policies.findings import Report
from jurat.policies.graph import build_graph
from jurat.solver import check
from jurat.solver.checks.defeated_defeater import pairs, question
from jurat.solver.limits import DEFAULT
from jurat.solver.prover import Prover
from jurat.solver.twins import after, difference

POLICIES = 200


@cache
def checked(seed: int) -> tuple[Tried, Report]:
    graph = build_graph(alike_policy(Random(seed)))
    return tried(graph), check(graph)


def consistent(report: Report) -> bool:
    return not named(report, "inconsistent-axioms")


@pytest.mark.parametrize("seed", range(POLICIES))
def test_shadows_are_those_that_trying_everything_finds(seed: int) -> None:
    found, report = checked(seed)
    said = list(shadows(report))
    gone: set[str] = set()
    for g, by in said:
        assert covered(found, g, by)
        assert len(by) == 1 or not any(covered(found, g, by - {h}) for h in by), "none can be left out"
        gone.add(g)
    staying = found.graph.entities.keys() - gone
    assert all(covered(found, g, {*staying}) for g in gone), "of two that do the same one stays"
    if consistent(report):
        for g in found.alive - gone:
            if found.graph.entities[g].actions:
                assert not covered(found, g, found.graph.entities.keys() - {g, *gone}), g


@pytest.mark.parametrize("seed", range(POLICIES))
def test_what_is_redundant_is_not_missed_in_any_situation(seed: int) -> None:
    found, report = checked(seed)
    said = {each.subjects[0] for each in named(report, "redundant-guideline")}
    assert not any(noticed(found, g) for g in said)
    assert not said & {g for g, _ in shadows(report)}
    assert said <= found.alive


@pytest.mark.parametrize("seed", range(POLICIES))
def test_twins_tell_whether_a_guideline_is_missed(seed: int) -> None:
    found, report = checked(seed)
    if consistent(report):
        prover = Prover(found.graph, DEFAULT)
        for g in found.graph.guidelines:
            if (answer := difference(prover, g)) is not None:
                asking = any(found.graph.entities[h].on_unknown == "ask" for h in after(found.graph, g))
                assert answer.possible == noticed(found, g) or (answer.possible and asking), g


@pytest.mark.parametrize("seed", range(POLICIES))
def test_defeated_defeaters_are_those_that_trying_everything_finds(seed: int) -> None:
    found, report = checked(seed)
    if consistent(report):
        prover = Prover(found.graph, DEFAULT)
        graph = found.graph
        asked = [
            (h, g) for h, g in pairs(graph) if not (graph.outrankers[g] or graph.ambiguities[g] or graph.ambiguities[h])
        ]
        said = {pair for pair in asked if question(graph, *pair).put(prover).possible}
        assert said == {pair for pair in defeated(found) if pair in asked}


def test_the_policies_tried_have_such_guidelines() -> None:
    """Else the comparisons above would say little."""
    reports = [checked(seed)[1] for seed in range(POLICIES)]
    widths = {len(by) for report in reports for _, by in shadows(report)}
    assert widths >= {1, 2}
    for name in ("redundant-guideline", "defeated-defeater", "generalised-guideline", "correlated-guidelines"):
        assert any(named(report, name) for report in reports), name

"""``jurat check`` against trying every situation of small policies, with the reference semantics."""

from __future__ import annotations

from functools import cache
from random import Random

import pytest
from tests.solver.brute_force import (
    Expected,
    calls_found,
    held_down,
    named,
    pairs_found,
    shows,
    tried,
    vacuous,
)
from tests.solver.small_policies import small_policy

from jurat.policies import load
from jurat.policies.expr import Atom, Event, History, atoms
from jurat.policies.findings import Report, Verdict
from jurat.policies.graph import PolicyGraph, build_graph
from jurat.policies.semantics import resolve
from jurat.solver import check
from jurat.solver.checks.override_cycle import tangles

POLICIES = 200
SESSIONS = ("unreachable-state", "stuck-state")
"""The checks that look for whole sessions, of a few positions, and say so where they find none."""


@cache
def checked(seed: int) -> tuple[PolicyGraph, Report]:
    graph = build_graph(small_policy(Random(seed)))
    return graph, check(graph)


@pytest.mark.parametrize("seed", range(POLICIES))
def test_check_finds_what_trying_everything_finds(seed: int) -> None:
    graph, report = checked(seed)
    expected = tried(graph)
    assert all(proof.verdict is not Verdict.UNKNOWN for proof in report.proofs if proof.check not in SESSIONS)
    assert bool(named(report, "inconsistent-axioms")) == (not expected.consistent)
    if expected.consistent:
        says_what_conflicts(graph, report, expected)
        says_what_is_useless(graph, report, expected)


def says_what_conflicts(graph: PolicyGraph, report: Report, expected: Expected) -> None:
    assert pairs_found(report) == expected.pairs
    assert bool(named(report, "paradox")) == bool(expected.undecided)
    for tool, callers in expected.calls:
        assert any(tool == other and culprits <= callers for other, culprits in calls_found(report)), (tool, callers)
    for tool, culprits in calls_found(report):
        somewhere = expected.calls | expected.hard
        assert any(tool == other and culprits <= callers for other, callers in somewhere), (tool, culprits)
    for finding in named(report, "conflicting-actions"):
        assert finding.proof is not None
        assert finding.proof.witness is not None
        assert shows(graph, finding, resolve(graph, finding.proof.witness.values))


def says_what_is_useless(graph: PolicyGraph, report: Report, expected: Expected) -> None:
    dead, tied = {each.subjects[0] for each in named(report, "dead-guideline")}, held_down(report)
    elsewhere = tied | expected.undecided | {g for tangle in tangles(graph) for g in tangle}
    assert not (dead | tied) & expected.alive
    assert dead | elsewhere >= graph.guidelines.keys() - expected.alive
    assert not dead & (tied | expected.undecided)
    assert {each.message for each in named(report, "vacuous-condition")} == vacuous(graph, expected)


def test_the_policies_tried_have_every_kind_of_fault() -> None:
    """Else the comparison above would say little."""
    reports = [checked(seed)[1] for seed in range(POLICIES)]
    names = {finding.name for report in reports for finding in report.findings}
    kinds = {"conflicting-actions", "dead-guideline", "paradox", "override-cycle", "shadowed-guideline"}
    assert names >= kinds | {"vacuous-condition", "inconsistent-axioms", "circular-support"}
    past = [any(isinstance(atom, Event | History) for atom in guarded(seed)) for seed in range(POLICIES)]
    assert {bool(calls_found(report)) for report, each in zip(reports, past, strict=True) if each} == {True, False}
    together = {len(callers) for report in reports for _, callers in calls_found(report)}
    assert together >= {1, 2}


def guarded(seed: int) -> frozenset[Atom]:
    """What the guard of the tool that is called looks at."""
    guard = checked(seed)[0].vocabulary.tools["refund"].guard
    return atoms(guard.expr) if guard else frozenset()


def test_three_constraints_that_only_together_have_no_value() -> None:
    """Any two of them leave a value, so no search of pairs finds it."""
    graph = load("""
        jurat: 1
        tools:
          refund: {python: "tools:refund", parameters: {amount: {int: {min: 1, max: 3}}}}
        guidelines:
          a: {condition: The customer says a, tools: [{refund: {amount: arguments.amount != 1}}]}
          b: {condition: The customer says b, tools: [{refund: {amount: arguments.amount != 2}}]}
          c: {condition: The customer says c, tools: [{refund: {amount: arguments.amount != 3}}]}
    """)
    assert calls_found(check(graph)) == {("refund", frozenset("abc"))}

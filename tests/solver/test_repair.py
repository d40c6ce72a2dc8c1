"""Every repair that is proposed repairs, does no harm, and has no edit too many."""

from __future__ import annotations

import random
from itertools import combinations, islice
from pathlib import Path

import pytest
from tests.solver.small_policies import small_policy

from jurat.policies import PolicyGraph, load
from jurat.policies.findings import Report
from jurat.policies.graph import build_graph
from jurat.solver import check
from jurat.solver.repair import AddAxiom, Edit, Override, Release, applied, repairs

ROOT = Path(__file__).parents[2]


def names(report: Report) -> set[tuple[str, ...]]:
    return {(each.code, *sorted(each.subjects)) for each in report.failures}


def edited(graph: PolicyGraph, edits: tuple[Edit, ...]) -> set[tuple[str, ...]]:
    return names(check(build_graph(applied(graph.policy, edits))))


@pytest.mark.parametrize("seed", range(40))
def test_what_is_proposed_was_verified_and_is_minimal(seed: int) -> None:
    graph = build_graph(small_policy(random.Random(seed)))
    report = check(graph)
    found = repairs(graph, report, most=2)
    before = names(report)
    for problem in found.problems:
        wanted = {(each.code, *sorted(each.subjects)) for each in problem.findings}
        for alternative in problem.alternatives:
            after = edited(graph, alternative.edits)
            assert not after & wanted
            assert after <= before
            for count in range(len(alternative.edits)):
                for fewer in combinations(alternative.edits, count):
                    assert edited(graph, fewer) & wanted or not edited(graph, fewer) <= before


def test_enough_of_the_random_policies_could_be_repaired() -> None:
    graphs = (build_graph(small_policy(random.Random(seed))) for seed in range(40))
    repaired = (graph for graph in graphs if repairs(graph, check(graph), most=1).problems)
    assert len([*islice(repaired, 5)]) == 5


def test_the_broken_example_is_repaired_as_far_as_edits_can() -> None:
    graph = load(ROOT / "examples" / "support-broken")
    found = repairs(graph, check(graph))
    assert [each.findings[0].code for each in found.problems] == ["J001", "J003"]
    assert [each.code for each in found.unrepaired] == ["J004", "J006"]
    assert Release("overrides", "refund-check", "escalate") in found.best
    assert found.verified is not None
    assert [each.code for each in found.verified.failures] == ["J004", "J006"]


POLICY = """jurat: 1
observations: {refund: The customer wants a refund, exchange: The customer wants an exchange, angry: The customer is angry}
decisions: {answer: {enum: [a, b]}}
facts: {ready: {type: bool, from: tools}}
tools:
  prepare: {python: "t:prepare", provides: {ready: true}}
  pay: {python: "t:pay", guard: ready}
guidelines:
  r: {when: refund, decide: {answer: a}}
  e: {when: exchange && angry, decide: {answer: b}}
"""


def test_fewer_situations_changed_come_first_and_assumptions_last() -> None:
    graph = load(POLICY)
    (problem,) = repairs(graph, check(graph), most=6).problems
    edits = [each.edits for each in problem.alternatives]
    assert all(len(each) == 1 for each in edits)
    assumed = [each.assumes for each in problem.alternatives]
    assert assumed == sorted(assumed)
    assert isinstance(edits[-1][0], AddAxiom)
    shares = [each.footprint for each in problem.alternatives if not each.assumes and each.footprint is not None]
    assert shares == sorted(shares)
    assert {Override("r", "e"), Override("e", "r")} <= {edit for each in edits for edit in each}


def test_a_call_whose_guard_is_false_is_narrowed_or_prepared() -> None:
    graph = load(POLICY + "  pays: {when: angry, tools: [pay]}\n  prepares: {when: refund, tools: [prepare]}\n")
    found = repairs(graph, check(graph), most=4)
    texts = {str(edit) for problem in found.problems for each in problem.alternatives for edit in each.edits}
    assert "let `pays` apply only where `ready`" in texts
    assert "let `pays` require `prepares`" in texts


def test_many_conflicts_are_repaired_one_by_one() -> None:
    pairs = 40
    lines = ["jurat: 1", "observations:"]
    lines += [f"  o{n}: Observation {n}" for n in range(2 * pairs)]
    lines += ["decisions:", *(f"  d{n}: int" for n in range(pairs)), "guidelines:"]
    lines += [f"  g{n}: {{when: o{n}, decide: {{d{n // 2}: {n}}}}}" for n in range(2 * pairs)]
    graph = load("\n".join(lines))
    found = repairs(graph, check(graph), most=1)
    assert len(found.problems) == pairs
    assert found.verified is not None
    assert found.verified.passed


def test_nothing_is_proposed_where_nothing_is_wrong() -> None:
    graph = load(ROOT / "examples" / "support")
    found = repairs(graph, check(graph))
    assert not found.problems
    assert not found.unrepaired

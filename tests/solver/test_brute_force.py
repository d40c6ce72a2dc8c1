"""``jurat check`` against trying every situation of small policies, with the reference semantics."""

from __future__ import annotations

from random import Random

import pytest
from tests.solver.brute_force import calls_found, named, pairs_found, shadowed, shows, tried, vacuous
from tests.solver.small_policies import small_policy

from jurat.policies.findings import Verdict
from jurat.policies.graph import build_graph
from jurat.policies.semantics import resolve
from jurat.solver import check


@pytest.mark.parametrize("seed", range(120))
def test_check_finds_what_trying_everything_finds(seed: int) -> None:
    graph = build_graph(small_policy(Random(seed)))
    report, expected = check(graph), tried(graph)
    assert all(proof.verdict is not Verdict.UNKNOWN for proof in report.proofs)
    assert bool(named(report, "inconsistent-axioms")) == (not expected.consistent)
    if not expected.consistent:
        return
    assert pairs_found(report) == expected.pairs
    assert {each.subjects[0] for each in named(report, "dead-guideline")} == graph.guidelines.keys() - expected.alive
    assert bool(named(report, "paradox")) == expected.undefined
    assert {each.message for each in named(report, "vacuous-condition")} == vacuous(graph, expected)
    said = {(g, h) for g in graph.guidelines for h in graph.entities for each in named(report, "shadowed-guideline")
            if each.message.startswith(f"`{g}` never adds") and f"so is `{h}`" in each.message}  # fmt: skip
    assert said == shadowed(graph, expected)
    for tool, callers in expected.calls:
        assert any(tool == other and culprits <= callers for other, culprits in calls_found(report)), (tool, callers)
    for tool, culprits in calls_found(report):
        assert any(tool == other and culprits <= callers for other, callers in expected.calls), (tool, culprits)
    for finding in named(report, "conflicting-actions"):
        assert finding.proof is not None
        assert finding.proof.witness is not None
        assert shows(graph, finding, resolve(graph, finding.proof.witness.values))

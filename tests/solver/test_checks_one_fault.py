"""One fault is one finding: on the policies that are to fail, nothing else closes the gate."""

from __future__ import annotations

import pytest
from tests.solver.test_cases import FILES

import jurat
from jurat.policies import Severity

NAMES = (
    "ordering-conflict", "dead-guideline", "shadowed-guideline", "redundant-guideline", "generalised-guideline",
    "correlated-guidelines", "defeated-defeater", "circular-support", "redundant-axiom", "constant-comparison",
    "paradox", "override-cycle", "inconsistent-axioms", "vacuous-condition",
    "conflicting-actions", "unopenable-guard",
)  # fmt: skip
TWO_FAULTS = "two guards that wait for each other, of tools that are never called at once"
CASES = [(name, title) for name in NAMES for title in FILES[name]["fails"] if title != TWO_FAULTS]


@pytest.mark.parametrize(("name", "title"), CASES)
def test_a_planted_fault_is_one_finding(name: str, title: str) -> None:
    report = jurat.check(jurat.load(FILES[name]["fails"][title]["policy"]))
    severe = [each for each in report.findings if each.severity is not Severity.NOTE]
    assert {each.name for each in severe} <= {name}
    assert len([each for each in report.findings if each.name == name]) == 1

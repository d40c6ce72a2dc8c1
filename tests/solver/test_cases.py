"""The case files of tests/cases: every finding on policies that hold and on policies that fail."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import jurat
from jurat.policies import Finding, Severity
from jurat.solver.checks import CHECKS

CASES = Path(__file__).parent.parent / "cases"
FILES = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(CASES.glob("*.yaml"))}
HOLD = [(name, title) for name, file in FILES.items() for title in file["holds"]]
FAIL = [(name, title) for name, file in FILES.items() for title in file["fails"]]


def findings(policy: str, name: str) -> list[Finding]:
    return [each for each in jurat.check(jurat.load(policy)).findings if each.name == name]


def test_every_check_has_a_case_file_and_a_page() -> None:
    assert set(FILES) == {module.CHECK.name for module in CHECKS}
    for module in CHECKS:
        page = module.__doc__ or ""
        for section in ("What it proves", "Why it matters", "Example", "Fix", "Limits"):
            assert f"\n{section}\n" in page, f"{module.CHECK.name} does not say: {section}"


@pytest.mark.parametrize(("name", "title"), HOLD)
def test_holds(name: str, title: str) -> None:
    found = [each for each in findings(FILES[name]["holds"][title], name) if not each.allowed]
    assert not found, found[0].message


@pytest.mark.parametrize(("name", "title"), FAIL)
def test_fails(name: str, title: str) -> None:
    case: dict[str, Any] = FILES[name]["fails"][title]
    found = findings(case["policy"], name)
    assert case["says"] in "\n".join(each.message for each in found)
    finding = next(each for each in found if case["says"] in each.message)
    assert sorted(finding.subjects) == case["subjects"]
    assert finding.span.line > 1
    assert finding.help
    if finding.severity is not Severity.NOTE:
        assert jurat.check(jurat.load(case["policy"])).passed is False


def test_a_finding_closes_the_gate_unless_it_is_allowed_or_a_note() -> None:
    policy = FILES["undeclared-overlap"]["fails"]["two answers to one question"]["policy"]
    report = jurat.check(jurat.load(policy))
    assert [each.severity for each in report.findings] == [Severity.NOTE]
    assert report.passed
    vacuous = "jurat: 1\nguidelines: {g: {when: 1 < 2, action: Go, allow: {vacuous-condition: it is a test}}}\n"
    report = jurat.check(jurat.load(vacuous))
    assert [each.allowed for each in report.findings] == ["it is a test"]
    assert report.passed


def test_nothing_to_prove_is_not_a_plain_pass() -> None:
    report = jurat.check(jurat.load("jurat: 1\nguidelines: {g: {condition: It rains, action: Take a coat}}\n"))
    assert report.obligations == 0
    assert report.status == "nothing-to-prove"


def test_a_proof_names_what_it_leans_on() -> None:
    typed = FILES["conflicting-actions"]["holds"]["told apart by a typed fact"]
    [proof] = [p for p in jurat.check(jurat.load(typed)).proofs if p.check == "conflicting-actions"]
    assert proof.trust_base.model_independent
    axiomatic = FILES["conflicting-actions"]["holds"]["told apart by an axiom"]
    [proof] = [p for p in jurat.check(jurat.load(axiomatic)).proofs if p.check == "conflicting-actions"]
    assert proof.trust_base.observations == ("a", "b")
    assert len(proof.trust_base.axioms) == 1


def test_the_witness_is_minimal() -> None:
    case = FILES["conflicting-actions"]["fails"]["two values for one decision"]["policy"]
    [finding] = findings(case, "conflicting-actions")
    assert finding.proof is not None
    assert finding.proof.witness is not None
    assert finding.proof.witness.values == {"a": True, "b": True}
    assert finding.proof.witness.conversation


def test_a_report_is_the_same_twice() -> None:
    case = FILES["conflicting-actions"]["fails"]["three constraints that only two of satisfy"]["policy"]
    assert jurat.check(jurat.load(case)) == jurat.check(jurat.load(case))


def test_the_page_of_findings_is_the_checks_own_words(repository: Path) -> None:
    written = (repository / "docs" / "findings.md").read_text(encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", "import findings_page; print(findings_page.page(), end='')"],
        cwd=repository / "scripts", capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert written == done.stdout, "run scripts/findings_page.py"

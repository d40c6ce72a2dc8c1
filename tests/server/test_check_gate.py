"""What closes the gate: severity, the baseline, what the policy allows; and the exit status, the same in every format."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

import jurat as package
from jurat.policies import PolicyGraph, build_graph
from jurat.server.reports.formats import FORMATS
from jurat.server.reports.result import Standing, judged

from .conftest import Jurat

BROKEN = "examples/support-broken"
WARNING = "jurat: 1\nfacts: {n: int}\nguidelines: {g: {when: 1 < 2 || n > 3, action: Go}}\n"
CASES = Path(__file__).parent.parent / "cases"


@pytest.fixture
def warning(tmp_path: Path) -> str:
    """A policy with one warning and nothing else."""
    path = tmp_path / "warning.yaml"
    path.write_text(WARNING)
    return str(path)


def last_line(text: str) -> str:
    return text.splitlines()[-1]


@pytest.mark.parametrize("form", FORMATS)
def test_the_exit_status_is_the_same_in_every_format(jurat: Jurat, tmp_path: Path, form: str) -> None:
    invalid = tmp_path / "invalid.yaml"
    invalid.write_text("jurat: 2\n")
    found = {
        path: jurat("check", path, "--format", form).returncode for path in ("examples/support", BROKEN, str(invalid))
    }
    assert list(found.values()) == [0, 1, 2]


@pytest.mark.parametrize(("severity", "status"), [("error", 0), ("warning", 1), ("note", 1)])
def test_a_severity_says_what_closes_the_gate(jurat: Jurat, warning: str, severity: str, status: int) -> None:
    done = jurat("check", warning, "--severity", severity)
    assert done.returncode == status
    assert "vacuous-condition" in done.stdout  # shown all the same
    if status == 0:
        assert "nothing to prove" in last_line(done.stdout)


def test_notes_close_the_gate_when_asked_to(jurat: Jurat, tmp_path: Path) -> None:
    policy = tmp_path / "note.yaml"
    policy.write_text(
        "jurat: 1\nobservations: {a: A, b: B}\nguidelines:\n  one: {when: a, action: One}\n  two: {when: a && b, action: Two}\n"
    )
    assert jurat("check", str(policy)).returncode == 0
    done = jurat("check", str(policy), "--severity", "note")
    assert (done.returncode, last_line(done.stdout)) == (1, "failed: 1 finding")


def test_a_baseline_knows_what_there_was_and_reports_what_is_new_and_fixed(jurat: Jurat, tmp_path: Path) -> None:
    baseline, policy = tmp_path / "known.json", tmp_path / "policy.yaml"
    policy.write_text(WARNING)
    written = jurat("check", str(policy), "--write-baseline", str(baseline))
    assert written.returncode == 0
    assert [each["code"] for each in json.loads(baseline.read_text())["findings"]] == ["J006"]
    policy.write_text("# moved\n\n" + WARNING.replace("guidelines: {g: {", "guidelines:\n  g: {").replace("}}", "}"))
    known = jurat("check", str(policy), "--baseline", str(baseline))
    assert known.returncode == 0
    assert "known[J006] vacuous-condition" in known.stdout
    policy.write_text(WARNING.replace("1 < 2 || n > 3", "n > 5 && n < 3"))
    changed = jurat("check", str(policy), "--baseline", str(baseline), "--format", "json")
    told = json.loads(changed.stdout)
    assert changed.returncode == 1
    assert [each["code"] for each in told["fixed"]] == ["J006"]
    assert {each["standing"] for each in told["findings"]} == {"open"}
    assert "fixed[J006]" in jurat("check", str(policy), "--baseline", str(baseline)).stdout


def test_a_rewritten_baseline_forgets_what_is_fixed_and_keeps_what_is_known(
    jurat: Jurat, tmp_path: Path, warning: str
) -> None:
    baseline = tmp_path / "known.json"
    jurat("check", BROKEN, "--write-baseline", str(baseline))
    before = json.loads(baseline.read_text())["findings"]
    assert len(before) == 4
    again = jurat("check", BROKEN, "--baseline", str(baseline), "--write-baseline", str(baseline))
    assert again.returncode == 0
    assert json.loads(baseline.read_text())["findings"] == before
    jurat("check", warning, "--baseline", str(baseline), "--write-baseline", str(baseline))
    assert [each["code"] for each in json.loads(baseline.read_text())["findings"]] == ["J006"]


def test_a_baseline_written_of_half_a_proof_forgets_nothing(jurat: Jurat, tmp_path: Path) -> None:
    baseline = tmp_path / "known.json"
    jurat("check", BROKEN, "--write-baseline", str(baseline))
    before = json.loads(baseline.read_text())
    done = jurat("check", BROKEN, "--baseline", str(baseline), "--write-baseline", str(baseline), "--timeout", "0.05")
    assert done.returncode == 3
    assert "fixed" not in done.stdout
    assert json.loads(baseline.read_text()) == before


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "it is not JSON"),
        ("[]", "--write-baseline"),
        ('{"jurat_baseline": 2, "findings": []}', "another version"),
        ('{"jurat_baseline": 1}', "no list `findings`"),
        ('{"jurat_baseline": 1, "findings": [{"code": "J001"}]}', "lacks one of fingerprint"),
        (None, "no such file"),
    ],
)
def test_a_baseline_that_is_none_is_one_sentence_and_status_2(
    jurat: Jurat, tmp_path: Path, content: str | None, words: str
) -> None:
    file = tmp_path / "known.json"
    if content is not None:
        file.write_text(content)
    done = jurat("check", BROKEN, "--baseline", str(file))
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert words in line


def allowing(graph: PolicyGraph, name: str) -> PolicyGraph:
    """The policy, every guideline of which allows a finding."""
    reason = ((name, "it is meant so"),)
    guidelines = {g: replace(each, allow=reason) for g, each in graph.guidelines.items()}
    return build_graph(replace(graph.policy, guidelines=guidelines))


@pytest.mark.parametrize("name", sorted(path.stem for path in CASES.glob("*.yaml")))
def test_a_finding_about_guidelines_can_be_allowed_with_a_reason(name: str) -> None:
    """Every failing case of every check, with the finding allowed by every guideline."""
    cases = yaml.safe_load((CASES / f"{name}.yaml").read_text())["fails"]
    for title, case in cases.items():
        graph = allowing(package.load(case["policy"]), name)
        result = judged(package.check(graph), graph, title)
        for entry in result.entries:
            if entry.finding.name == name and set(entry.finding.subjects) & set(graph.guidelines):
                assert (entry.standing, entry.finding.allowed) == (Standing.ALLOWED, "it is meant so"), title


def test_a_file_gets_the_format_that_its_name_says(jurat: Jurat, tmp_path: Path) -> None:
    starts = {
        "a.json": '{\n  "format": 1',
        "a.sarif": '{\n  "$schema"',
        "a.xml": "<?xml",
        "a.html": "<!doctype",
        "a.txt": "error[",
    }
    for name, start in starts.items():
        done = jurat("check", BROKEN, "-o", str(tmp_path / name))
        assert (done.returncode, done.stdout) == (1, "")
        assert (
            done.stderr.splitlines()[-1] == f"{tmp_path / name}: failed: 4 findings"
        )  # it may have said that it takes long
        text = (tmp_path / name).read_text()
        assert text.startswith(start) or start in text, name


def test_several_reports_come_of_one_proof(jurat: Jurat, tmp_path: Path) -> None:
    sarif, page = tmp_path / "jurat.json", tmp_path / "page.html"
    done = jurat("check", BROKEN, "--format", "github", "--report", f"sarif={sarif}", "--report", f"html={page}")
    assert done.returncode == 1
    assert done.stdout.startswith("::error ")
    assert json.loads(sarif.read_text())["version"] == "2.1.0"
    assert page.read_text().startswith("<!doctype html>")


@pytest.mark.parametrize("given", ["sarif", "xml=a", "=a", "json="])
def test_a_report_without_format_or_file_is_wrong_usage(jurat: Jurat, given: str) -> None:
    done = jurat("check", BROKEN, "--report", given)
    assert (done.returncode, done.stdout) == (2, "")
    assert "FORMAT=FILE" in done.stderr


def test_a_file_that_cannot_be_written_is_one_sentence(jurat: Jurat, tmp_path: Path) -> None:
    done = jurat("check", BROKEN, "-o", str(tmp_path / "missing" / "a.json"))
    assert done.returncode == 2
    assert "no such file or directory" in done.stderr


def test_the_schema_is_printed(jurat: Jurat) -> None:
    done = jurat("check", "--schema")
    assert (done.returncode, json.loads(done.stdout)["title"]) == (0, "Report of jurat check")

"""The formats of a check: what they promise to the programs that read them, whatever the author wrote."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import jsonschema
import pytest
import yaml

import jurat
from jurat.policies import Finding, Proof, Report, Verdict
from jurat.policies.findings import TrustBase, Witness
from jurat.server.reports.formats import FORMATS, object_of, text_of
from jurat.server.reports.json_object import schema
from jurat.server.reports.result import Result, Standing, judged

from .results import HOSTILE, checked, hostile, invalid, undecided
from .sarif_schema import sarif_schema


@pytest.fixture(scope="module")
def broken(repository: Path) -> Result:
    """The example with planted faults."""
    return checked(repository / "examples/support-broken/policy.yaml")


@pytest.fixture(scope="module")
def every(broken: Result, repository: Path) -> dict[str, Result]:
    """A result of each kind."""
    proved = checked(repository / "examples/support")
    return {"failed": broken, "passed": proved, "invalid": invalid(), "undecided": undecided(), "hostile": hostile()}


def test_the_hostile_result_has_every_standing() -> None:
    assert {entry.standing for entry in hostile().entries} == set(Standing)
    assert hostile().fixed == ()  # nobody can tell while a question is open
    assert hostile().undecided


@pytest.mark.parametrize("form", [form for form in FORMATS if form != "junit"])  # it has totals instead
def test_every_format_says_how_every_check_ended(every: dict[str, Result], form: str) -> None:
    for name in ("failed", "passed", "undecided", "invalid"):
        text = text_of(form, every[name], 1)
        assert {"passed": "proved"}.get(name, name) in text.casefold(), (form, name)
        if name != "passed":
            assert "proved: no admissible" not in text


# -- json ---------------------------------------------------------------------------------------------------------


def strict(described: Any) -> Any:
    """The schema, of which every object has no further field."""
    if isinstance(described, list):
        return [strict(each) for each in described]
    if not isinstance(described, dict):
        return described
    found = {name: strict(each) for name, each in described.items()}
    return (
        found if "properties" not in found or found.get("type") != "object" else found | {"additionalProperties": False}
    )


def properties(described: Any) -> Iterator[str]:
    """The name of every field that a schema describes."""
    if isinstance(described, dict):
        if described.get("type") == "object":
            yield from described.get("properties", {})
        for each in described.values():
            yield from properties(each)


def test_json_is_exactly_as_the_schema_says(every: dict[str, Result]) -> None:
    described = strict(schema())
    jsonschema.Draft202012Validator.check_schema(described)
    for result in every.values():
        jsonschema.Draft202012Validator(described).validate(json.loads(text_of("json", result, 1)))
    spoiled = object_of("json", every["failed"], 1)
    del spoiled["findings"][0]["code"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(described).validate(spoiled)


def test_json_has_every_field_of_a_report_a_finding_and_a_proof(broken: Result) -> None:
    told = object_of("json", broken, 1)
    witness = next(each["witness"] for each in told["findings"] if each["witness"])
    proof = told["proofs"][0]
    for value, kind in (
        (told, Report),
        (told["findings"][0], Finding),
        (proof, Proof),
        (witness, Witness),
        (proof["trust_base"], TrustBase),
    ):
        assert {field.name for field in fields(kind)} <= set(value), kind


def test_a_finding_points_at_its_proof(broken: Result) -> None:
    told = object_of("json", broken, 1)
    with_proof = [each for each in told["findings"] if each["proof"] is not None]
    assert with_proof
    for finding in with_proof:
        proof = told["proofs"][finding["proof"]]
        assert (proof["check"], proof["witness"]) == (finding["name"], finding["witness"])
    assert "refuted" in {told["proofs"][each["proof"]]["verdict"] for each in with_proof}


def test_every_field_of_json_is_documented(repository: Path) -> None:
    page = (repository / "docs/reports.md").read_text("utf-8")
    assert [name for name in sorted(set(properties(schema()))) if f"`{name}`" not in page] == []


# -- compact and github -------------------------------------------------------------------------------------------

MATCHER = re.compile(
    r"^(?P<file>.+?):(?P<line>\d+):(?P<column>\d+): (?P<severity>\w+)\[(?P<code>\w+)\] (?P<name>[\w-]+): (?P<message>.+)$"
)


def test_compact_has_a_line_for_each_finding_and_a_last_one(broken: Result) -> None:
    *found, last = text_of("compact", broken, 1).splitlines()
    matches = [MATCHER.match(line) for line in found]
    assert [match["code"] for match in matches if match] == [each.finding.code for each in broken.entries]
    assert last == "failed: 4 findings"


def test_compact_stays_on_its_lines_whatever_the_author_wrote() -> None:
    result = hostile()
    lines = text_of("compact", result, 1).splitlines()
    assert len(lines) == len(result.entries) + len(result.undecided) + 1
    assert all(line.isprintable() for line in lines)


def commands(text: str) -> Iterator[tuple[str, dict[str, str], str]]:
    """What GitHub's runner reads: the command, its properties and its message, unescaped as it does."""
    for line in text.splitlines():
        if match := re.fullmatch(r"::(\w+) (.*?)::(.*)", line):
            pairs = (each.partition("=") for each in match[2].split(","))
            yield match[1], {key: unescaped(value, ":", ",") for key, _, value in pairs}, unescaped(match[3])


def unescaped(text: str, *more: str) -> str:
    for char in ("\r", "\n", *more, "%"):
        text = text.replace(f"%{ord(char):02X}", char)
    return text


def test_github_reads_back_what_the_author_wrote() -> None:
    result = hostile()
    text = text_of("github", result, 1)
    *_, last = text.splitlines()
    assert not last.startswith("::")
    found = list(commands(text))
    assert Counter(name for name, *_ in found) == {"error": 2, "notice": 1}  # neither the allowed nor the known one
    assert len(text.splitlines()) == 4
    place = found[0][1]
    span = result.entries[0].finding.span
    assert (place["file"], place["line"], place["endLine"]) == (span.source, "3", "4")
    assert "col" not in place  # GitHub takes columns within one line only
    assert found[0][2].startswith(HOSTILE)
    assert found[-1][1]["title"] == f"undecided: {HOSTILE}"


def test_github_marks_every_finding_at_its_place(broken: Result) -> None:
    found = list(commands(text_of("github", broken, 1)))
    wanted = {
        (e.finding.span.line, e.finding.span.column, f"{e.finding.code} {e.finding.name}") for e in broken.entries
    }
    assert {(int(p["line"]), int(p["col"]), p["title"]) for _, p, _ in found} == wanted
    assert [name for name, *_ in found] == ["error"] * 3 + ["warning", "notice"]


# -- sarif --------------------------------------------------------------------------------------------------------


def test_sarif_is_valid(every: dict[str, Result]) -> None:
    official = sarif_schema()
    validator = jsonschema.validators.validator_for(official)(official)
    for name, result in every.items():
        found = [
            f"{error.json_path}: {error.message}" for error in validator.iter_errors(object_of("sarif", result, 1))
        ]
        assert found == [], name
    spoiled = object_of("sarif", every["failed"], 1)
    spoiled["runs"][0]["results"][0]["kind"] = "failed"
    assert list(validator.iter_errors(spoiled))


def test_sarif_has_a_rule_with_help_for_every_result(every: dict[str, Result]) -> None:
    for result in every.values():
        run = object_of("sarif", result, 1)["runs"][0]
        rules = run["tool"]["driver"]["rules"]
        for each in run["results"]:
            if each["kind"] == "fail":
                assert rules[each["ruleIndex"]]["id"] == each["ruleId"]
                assert rules[each["ruleIndex"]]["help"]["text"]


def test_sarif_tells_the_witness_step_by_step(broken: Result) -> None:
    results = object_of("sarif", broken, 1)["runs"][0]["results"]
    for entry, each in zip(broken.entries, results, strict=True):
        witness = entry.finding.proof.witness if entry.finding.proof else None
        assert ("codeFlows" in each) == (witness is not None)
        if witness:
            (thread,) = each["codeFlows"][0]["threadFlows"]
            said = [step["location"]["message"]["text"] for step in thread["locations"]]
            assert [f"{speaker}: {line}" for speaker, line in witness.conversation] == [
                text for text in said if text.partition(":")[0] in {"customer", "agent", "system"}
            ]


def test_sarif_says_what_is_undecided_and_how_it_ended() -> None:
    run = object_of("sarif", undecided(), 3)["runs"][0]
    (invocation,) = run["invocations"]
    assert (invocation["exitCode"], invocation["executionSuccessful"]) == (3, False)
    assert "killed" in invocation["toolExecutionNotifications"][0]["message"]["text"]
    (open_,) = run["results"]
    assert (open_["kind"], open_["level"], open_["ruleId"]) == ("open", "none", "J001")


def test_sarif_marks_what_was_accepted() -> None:
    results = object_of("sarif", hostile(), 1)["runs"][0]["results"]
    told = {
        (each["baselineState"], *(s["kind"] for s in each.get("suppressions", ())))
        for each in results
        if each["kind"] == "fail"
    }
    assert told == {("new",), ("new", "inSource"), ("unchanged", "external")}


def test_sarif_places_are_uris() -> None:
    results = object_of("sarif", hostile(), 1)["runs"][0]["results"]
    assert all(
        "physicalLocation" not in each["locations"][0] for each in results if each["kind"] == "fail"
    )  # no such file
    result = checked("jurat: 1\nguidelines: {g: {when: 1 < 2, action: Go}}\n")
    (finding,) = object_of("sarif", result, 1)["runs"][0]["results"]
    place = finding["locations"][0]["physicalLocation"]
    assert unquote(place["artifactLocation"]["uri"]) == result.entries[0].finding.span.source
    assert place["region"]["startColumn"] == result.entries[0].finding.span.column


def test_sarif_names_a_file_whose_name_is_no_utf_8(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    name = os.fsdecode(b"\xff.yaml")
    Path(name).write_text("jurat: 1\nguidelines: {g: {when: 1 < 2, action: Go}}\n")
    run = object_of("sarif", checked(Path(name), name), 1)["runs"][0]
    assert run["automationDetails"]["id"] == "jurat/%FF.yaml/"
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "%FF.yaml"


Copy = Callable[[Callable[[str], str]], Result]


@pytest.fixture
def copied(repository: Path, tmp_path: Path) -> Copy:
    """Check a copy of the example whose text was edited."""

    def check(edit: Callable[[str], str]) -> Result:
        for name in ("support/vocabulary.yaml", "support-broken/policy.yaml"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text((repository / "examples" / name).read_text())
        policy = tmp_path / "support-broken/policy.yaml"
        policy.write_text(edit(policy.read_text()))
        return checked(policy)

    return check


def reformatted(text: str) -> str:
    """The same policy in block style, sorted, with other quotes and other lines."""
    return "# laid out by a machine\n\n" + yaml.safe_dump(yaml.safe_load(text), sort_keys=True, width=40, indent=4)


def test_fingerprints_are_stable_under_reformatting(copied: Copy, broken: Result) -> None:
    again = copied(reformatted)
    marks = {entry.fingerprint: entry for entry in again.entries}
    assert set(marks) == {entry.fingerprint for entry in broken.entries}
    assert len(marks) == len(broken.entries)
    moved = [entry for entry in broken.entries if marks[entry.fingerprint].finding.span.line != entry.finding.span.line]
    assert moved


def test_a_fingerprint_changes_with_what_its_guidelines_say_and_with_nothing_else(copied: Copy, broken: Result) -> None:
    edited = copied(
        lambda text: text.replace("Present standard upgrade options with pricing", "Present standard upgrades")
    )
    before, after = ({e.fingerprint: e.finding.code for e in result.entries} for result in (broken, edited))
    assert [before[mark] for mark in set(before) - set(after)] == ["J001"]
    assert [after[mark] for mark in set(after) - set(before)] == ["J001"]


# -- junit --------------------------------------------------------------------------------------------------------


def junit(result: Result) -> ET.Element:
    return ET.fromstring(text_of("junit", result, 1))  # noqa: S314 - our own


def test_junit_has_a_case_for_every_question(every: dict[str, Result]) -> None:
    for name in ("failed", "passed", "undecided"):
        result = every[name]
        suites = junit(result)
        asked = Counter((suite.get("name"), case.get("name")) for suite in suites for case in suite)
        assert asked == Counter((proof.check, proof.question) for proof in result.proofs)
        for total, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suites.get(total, "-1")) == len(list(suites.iter(tag)))
        assert int(suites.get("failures", "-1")) == len(result.standing(Standing.OPEN))
        assert int(suites.get("errors", "-1")) == len(result.undecided)


def test_junit_is_xml_whatever_the_author_wrote() -> None:
    suites = junit(hostile())
    assert [len(list(suites.iter(tag))) for tag in ("failure", "error", "skipped", "system-out")] == [1, 1, 2, 1]
    reasons = [str(each.get("message")) for each in suites.iter("skipped")]
    assert sorted("allowed: " in each for each in reasons) == [False, True]
    assert all("alert(1)" in each for each in reasons)
    (failure,) = suites.iter("failure")
    assert failure.get("type") == "J001"


def test_a_fault_of_the_text_is_a_failure_in_junit() -> None:
    assert [each.get("type") for each in junit(invalid()).iter("failure")] == [each.code for each in invalid().faults]


# -- pretty -------------------------------------------------------------------------------------------------------


def test_pretty_says_what_is_allowed_known_and_fixed_and_why() -> None:
    result = hostile()
    text = text_of("pretty", result, 1)
    assert "allowed[J001]" in text
    assert "reason: 100 %" in text
    assert "known[J999]" in text
    assert all(line.isprintable() for line in text.splitlines())


def test_a_pass_with_exceptions_does_not_read_like_one_without() -> None:
    policy = "jurat: 1\nfacts: {p: bool}\ndecisions: {d: int}\nguidelines:\n  a: {when: p, decide: {d: 1}}\n  b: {when: p, decide: {d: 2}, allow: {conflicting-actions: we like it}}\n"
    result = checked(policy)
    assert result.passed
    last = text_of("pretty", result, 0).splitlines()[-1]
    assert last.endswith("but for 1 finding known, allowed or too minor")


@pytest.mark.parametrize("verdict", list(Verdict))
def test_an_unknown_answer_is_no_pass_in_any_format(verdict: Verdict) -> None:
    graph = jurat.load("jurat: 1\nguidelines: {}\n")
    proof = Proof("q", "conflicting-actions", verdict, kind="obligation")
    result = judged(Report(graph.digest, (), (proof,)), graph, "policy")
    assert result.passed is (verdict is not Verdict.UNKNOWN)
    assert object_of("json", result, 0)["passed"] is result.passed

"""The public corpus of tests/corpus: what an author would write, with planted faults; all found, nothing else reported."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

import jurat
from jurat.policies import Finding, PolicyError, PolicyGraph, Report, Severity, Verdict
from jurat.policies.findings import Witness
from jurat.solver.checks import CHECKS

CORPUS = Path(__file__).parent.parent / "corpus"
MARK = "# expects: "
UNDECIDED = "# undecided: "
SEVERITIES = {module.CHECK.code: module.CHECK.severity for module in CHECKS}
LINE = re.compile(r'(?P<code>J\d{3})(?P<mark> note| allowed)?(?: (?P<who>[^"]+?))?(?: at "(?P<at>.+)")?')


@dataclass(frozen=True, slots=True, order=True)
class Expected:
    """A finding; ``at``: where nothing is its subject, a part of the text that it points at."""

    code: str
    severity: Severity
    subjects: tuple[str, ...]
    at: str = ""
    allowed: bool = False


def expected(path: Path) -> list[Expected]:
    """What the first lines of a policy of the corpus say."""
    lines = path.read_text(encoding="utf-8").splitlines()
    said = [line.removeprefix(MARK) for line in lines if line.startswith(MARK)]
    assert said
    return sorted(map(_expected, [] if said == ["nothing"] else said))


def undecided(path: Path) -> list[str]:
    """The questions that are expected to stay open."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line.removeprefix(UNDECIDED) for line in lines if line.startswith(UNDECIDED)]


def _expected(line: str) -> Expected:
    found = LINE.fullmatch(line)
    assert found, f"not an expectation: {line}"
    code, mark = found["code"], found["mark"]
    assert found["who"] or found["at"], f"neither subjects nor a place: {line}"
    severity = Severity.NOTE if mark == " note" else SEVERITIES[code]
    subjects = tuple(sorted((found["who"] or "").split(", "))) if found["who"] else ()
    return Expected(code, severity, subjects, found["at"] or "", mark == " allowed")


def policies() -> list[Path]:
    """Every policy; files without expectations are parts of one that includes them."""
    return [path for path in sorted(CORPUS.rglob("*.yaml")) if path.read_text(encoding="utf-8").startswith(MARK)]


POLICIES = policies()


def pointed_at(graph: PolicyGraph, finding: Finding) -> str:
    """The text that a finding points at."""
    span = finding.span
    lines = graph.policy.sources[span.source].split("\n")[span.line - 1 : span.end_line]
    lines[-1] = lines[-1][: span.end_column - 1]
    return "\n".join([lines[0][span.column - 1 :], *lines[1:]])


def found_in(graph: PolicyGraph, report: Report, wanted: list[Expected]) -> list[Expected]:
    """The findings of a report, each with the place that is expected of it, if it is there."""
    places = [(each.code, each.at) for each in wanted if each.at]
    found = []
    for finding in report.findings:
        text = pointed_at(graph, finding)
        at = "" if finding.subjects else next((at for code, at in places if code == finding.code and at in text), text)
        places = [each for each in places if finding.subjects or each != (finding.code, at)]
        subjects = tuple(sorted(finding.subjects))
        found.append(Expected(finding.code, finding.severity, subjects, at, bool(finding.allowed)))
    return sorted(found)


@pytest.mark.parametrize("path", POLICIES, ids=[str(path.relative_to(CORPUS)) for path in POLICIES])
def test_what_was_planted_is_found_and_nothing_else(path: Path) -> None:
    graph, wanted = jurat.load(path), expected(path)
    report = jurat.check(graph)
    assert found_in(graph, report, wanted) == wanted, "\n".join(each.message for each in report.findings)
    assert [proof.question for proof in report.proofs if proof.verdict is Verdict.UNKNOWN] == undecided(path)
    for finding in report.findings:
        if finding.proof and finding.proof.witness and finding.name != "broken-invariant":
            assert replays(graph, finding.proof.witness, {*finding.subjects}), finding.message


def replays(graph: PolicyGraph, witness: Witness, subjects: set[str]) -> bool:
    """Whether the whole policy resolves as the witness says of a finding's subjects, or else of whatever it names."""
    about = subjects & graph.entities.keys() or {*witness.possible}
    again = jurat.resolve(graph, witness.values)
    pairs = ((witness.in_force, again.in_force), (witness.possible, again.possible))
    return all(about.intersection(said) == about.intersection(found) for said, found in pairs)


def by_class() -> Counter[str]:
    """How many policies have a finding of each class; `clean` for those without an error or a warning."""
    found: Counter[str] = Counter()
    for path in POLICIES:
        wanted = expected(path)
        found.update({each.code for each in wanted} or {"clean"})
    return found


def test_the_corpus_has_every_class_and_is_as_large_as_its_page_says() -> None:
    counted = by_class()
    assert len(POLICIES) >= 200
    assert {code: counted[code] for code in SEVERITIES if counted[code] < 6} == {}
    assert counted["clean"] >= 25
    page = (CORPUS / "README.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| (\S+)[^|]* \| (\d+) \|$", page, re.MULTILINE))
    assert {name: int(number) for name, number in rows.items()} == {**counted, "policies": len(POLICIES)}


# -- what is too large for a file, or refused --------------------------------------------------------------------------


def excluding(count: int) -> str:
    """A policy with this many decisions for as many situations, which an axiom keeps apart."""
    names = [f"o{number}" for number in range(count)]
    lines = [f"  g{number}: {{when: {name}, decide: {{d: {number}}}}}" for number, name in enumerate(names)]
    observations = ", ".join(f"{name}: The customer says {name}" for name in names)
    head = f"jurat: 1\nobservations: {{{observations}}}\naxioms: [{{exclusive: [{', '.join(names)}]}}]\n"
    return head + "decisions: {d: int}\nguidelines:\n" + "\n".join(lines) + "\n"


def saying(condition: str) -> str:
    return (
        f"jurat: 1\nobservations: {{a: A}}\nfacts: {{n: int}}\nguidelines: {{g: {{when: '{condition}', action: Go}}}}\n"
    )


def test_forty_ways_that_exclude_each_other() -> None:
    report = jurat.check(jurat.load(excluding(40)))
    assert report.findings == ()
    assert report.obligations == 40 * 39 / 2


def test_a_thousand_ways_that_exclude_each_other_are_refused_in_one_line() -> None:
    with pytest.raises(PolicyError) as refused:
        jurat.load(excluding(1000))
    assert [each.message for each in refused.value.diagnostics] == ["`exclusive` lists at most 200 conditions"]


@pytest.mark.parametrize("name", ["größe", "запрос", "数", "a\u0301", "x\u200by"])
def test_names_have_plain_letters(name: str) -> None:
    with pytest.raises(PolicyError) as refused:
        jurat.load(f"jurat: 1\nobservations: {{{name}: A}}\nguidelines: {{g: {{condition: B, action: Go}}}}\n")
    assert "cannot be used in a formula" in refused.value.diagnostics[0].message


@pytest.mark.parametrize(("opened", "levels", "read"), [("!(", 90, True), ("(", 20_000, True), ("!(", 20_000, False)])
def test_deep_nesting_is_read_or_refused(opened: str, levels: int, read: bool) -> None:
    text = saying(opened * levels + "a && !a" + ")" * levels)
    if read:
        assert [each.code for each in jurat.check(jurat.load(text)).findings] == ["J004"]
    else:
        with pytest.raises(PolicyError, match="nest"):
            jurat.load(text)


@pytest.mark.parametrize(("digits", "read"), [(400, True), (401, False), (50_000, False)])
def test_enormous_numbers_are_exact_or_refused(digits: int, read: bool) -> None:
    text = saying(f"n > {'9' * digits} && n < {'9' * digits} + 1")
    if read:
        assert [each.code for each in jurat.check(jurat.load(text)).findings] == ["J004"]
    else:
        with pytest.raises(PolicyError, match=r"400 digits|longer than"):
            jurat.load(text)


def test_a_thousand_alternatives_in_one_condition() -> None:
    wide = " || ".join(f"n == {number}" for number in range(1000))
    report = jurat.check(jurat.load(saying(f"a && ({wide})")))
    assert [each.code for each in report.findings] == []
    assert report.passed

"""A check as JUnit's XML, which every build server shows: a suite for each check, a case for each question."""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.etree import ElementTree as ET

from jurat.policies import Proof, Verdict
from jurat.server.reports.result import Entry, Result, Standing
from jurat.server.reports.words import remarks

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no XML document can hold, not even escaped (XML 1.0, section 2.2)."""

Case = tuple[str, Proof | None, Entry | None]


def as_text(result: Result, *, every_note: bool = False) -> str:  # noqa: ARG001 - notes are cases like all others
    """The document."""
    root = ET.Element("testsuites", name=_plain(f"jurat {result.path}"))
    if result.report:
        root.set("time", f"{result.report.seconds:.3f}")
    for check, cases in _suites(result).items():
        root.append(_suite(check, cases))
    for total in ("tests", "failures", "errors", "skipped"):
        root.set(total, str(sum(int(suite.get(total, "0")) for suite in root)))
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suites(result: Result) -> dict[str, list[Case]]:
    """The questions by check; a finding without one is a case of its own."""
    by_proof = {id(entry.finding.proof): entry for entry in result.entries if entry.finding.proof}
    suites: dict[str, list[Case]] = {}
    for proof in result.proofs:
        suites.setdefault(proof.check, []).append((proof.question, proof, by_proof.pop(id(proof), None)))
    for entry in result.entries:
        if entry.finding.proof is None or id(entry.finding.proof) in by_proof:
            suites.setdefault(entry.finding.name, []).append((str(entry.finding.span), None, entry))
    return suites


def _suite(check: str, cases: Iterable[Case]) -> ET.Element:
    suite = ET.Element("testsuite", name=_plain(check))
    for name, proof, entry in cases:
        case = ET.SubElement(suite, "testcase", name=_plain(name), classname=_plain(f"jurat.{check}"))
        if entry:
            case.set("file", _plain(entry.finding.span.source))
            case.set("line", str(entry.finding.span.line))
            _found(case, entry)
        elif proof and proof.verdict is Verdict.UNKNOWN:
            ET.SubElement(case, "error", type="undecided", message=_plain(proof.reason))
    suite.set("tests", str(len(suite)))
    for total, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(total, str(len(suite.findall(f"testcase/{tag}"))))
    return suite


def _found(case: ET.Element, entry: Entry) -> None:
    """A failure where it closes the gate, skipped where somebody accepted it, otherwise a pass with remarks."""
    finding = entry.finding
    said = _plain("\n".join([str(finding.span), *(f"{title}: {text}" for title, text in remarks(finding))]))
    if entry.standing is Standing.OPEN:
        ET.SubElement(case, "failure", type=finding.code, message=_plain(finding.message)).text = said
    elif entry.standing is Standing.MINOR:
        ET.SubElement(case, "system-out").text = (
            _plain(f"{finding.severity}[{finding.code}] {finding.message}\n") + said
        )
    else:
        reason = f"allowed: {finding.allowed}" if finding.allowed else "known: it is in the baseline"
        ET.SubElement(case, "skipped", message=_plain(f"{finding.code} {finding.message} ({reason})"))


def _plain(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)

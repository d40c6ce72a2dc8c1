"""A check as SARIF 2.1.0 (OASIS, https://docs.oasis-open.org/sarif/sarif/v2.1.0/), for code scanning and IDEs."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

from jurat import __version__
from jurat.policies import Finding, Proof, Severity
from jurat.policies.findings import Witness
from jurat.policies.spans import NOWHERE, Span
from jurat.server.reports.guide import Page, pages
from jurat.server.reports.result import Entry, Result, Standing, outcome
from jurat.server.reports.words import remarks, told

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}
Object = dict[str, Any]


def as_object(result: Result, status: int) -> Object:
    """The log, with one run that ended with this exit status."""
    known = pages(entry.finding for entry in result.entries)
    places = {page.code: place for place, page in enumerate(known)}
    results = [_result(each, places, result) for each in result.entries]
    results += [_open(each, known, result) for each in result.undecided]
    run = {
        "tool": {"driver": _driver(known)},
        "automationDetails": {"id": f"jurat/{_quoted(result.path)}/"},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"%SRCROOT%": {"description": {"text": "the folder in which jurat was started"}}},
        "invocations": [_invocation(result, status)],
        "results": results,
        "properties": _measures(result),
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _driver(known: list[Page]) -> Object:
    return {
        "name": "Jurat",
        "semanticVersion": __version__,
        "shortDescription": {"text": "Proves what a conversational agent will do."},
        "rules": [_rule(page) for page in known],
    }


def _rule(page: Page) -> Object:
    help_ = "\n\n".join(f"{title}\n{text}" for title, text in page.sections) or page.summary
    markdown = "\n\n".join(f"**{title}**\n\n{text}" for title, text in page.sections) or page.summary
    return {
        "id": page.code,
        "name": page.name,
        "shortDescription": {"text": page.summary},
        "fullDescription": {"text": next((text for _, text in page.sections), page.summary)},
        "help": {"text": help_, "markdown": markdown},
        "defaultConfiguration": {"level": LEVELS[page.severity]},
    }


def _invocation(result: Result, status: int) -> Object:
    return {
        "executionSuccessful": not (result.undecided or result.report is None),
        "exitCode": status,
        "exitCodeDescription": outcome(result),
        "toolExecutionNotifications": [
            {"level": "error", "message": _text(f"undecided: {proof.question}: {proof.reason}")}
            for proof in result.undecided
        ],
    }


def _measures(result: Result) -> Object:
    if result.report is None:
        return {"status": result.status}
    report = result.report
    return {
        "status": result.status,
        "digest": report.digest,
        "solver": report.solver,
        "obligations": report.obligations,
        "checks": report.checks,
    }


def _result(entry: Entry, places: dict[str, int], result: Result) -> Object:
    finding = entry.finding
    found: Object = {
        "ruleId": finding.code,
        "ruleIndex": places[finding.code],
        "kind": "fail",
        "level": LEVELS[finding.severity],
        "message": _text("\n".join([finding.message, *(f"{title}: {text}" for title, text in remarks(finding))])),
        "locations": [_location(finding.span, result) | _logical(finding)],
        "relatedLocations": [
            _location(note.span, result) | {"id": number, "message": _text(note.message)}
            for number, note in enumerate(finding.related)
        ],
        "partialFingerprints": {"juratFinding/v1": entry.fingerprint},
    }
    if finding.proof and finding.proof.witness:
        found["codeFlows"] = [_flow(finding, finding.proof.witness, result)]
    return found | _accepted(entry, result)


def _logical(finding: Finding) -> Object:
    return {"logicalLocations": [{"fullyQualifiedName": each} for each in finding.subjects]} if finding.subjects else {}


def _accepted(entry: Entry, result: Result) -> Object:
    """Why it does not count, and whether it is new since the baseline."""
    found: Object = {}
    if result.gate.baseline is not None:
        found["baselineState"] = "unchanged" if entry.standing is Standing.KNOWN else "new"
    if entry.standing is Standing.ALLOWED:
        found["suppressions"] = [{"kind": "inSource", "status": "accepted", "justification": entry.finding.allowed}]
    elif entry.standing is Standing.KNOWN:
        found["suppressions"] = [{"kind": "external", "status": "accepted", "justification": "it is in the baseline"}]
    return found


def _flow(finding: Finding, witness: Witness, result: Result) -> Object:
    """The situation, step by step, told at the places that it is about."""
    place = _location(finding.span, result)
    steps = [place | {"message": _text(f"{title}: {text}")} for title, text in told(witness)]
    steps += [_location(note.span, result) | {"message": _text(note.message)} for note in finding.related]
    return {
        "message": _text("how it comes about"),
        "threadFlows": [{"locations": [{"location": each} for each in steps]}],
    }


def _open(proof: Proof, known: list[Page], result: Result) -> Object:
    """A question without an answer; its place is the policy, for code scanning wants one."""
    place = next((number for number, page in enumerate(known) if page.name == proof.check), None)
    rule: Object = {} if place is None else {"ruleId": known[place].code, "ruleIndex": place}
    return {
        **rule,
        "kind": "open",
        "level": "none",
        "message": _text(f"undecided: {proof.question}: {proof.reason}"),
        "locations": [_location(Span(min(result.sources, default=result.path), 1, 1, 1, 1), result)],
    }


def _location(span: Span, result: Result) -> Object:
    if span.source == NOWHERE.source or (span.source not in result.sources and not Path(span.source).exists()):
        return {}
    region = {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }
    return {"physicalLocation": {"artifactLocation": _artifact(span.source), "region": region}}


def _artifact(source: str) -> Object:
    """A path as a URI: below the folder in which we were started, or absolute."""
    path = Path(source)
    if path.is_absolute():
        return {"uri": path.as_uri()}
    return {"uri": _quoted(path.as_posix()), "uriBaseId": "%SRCROOT%"}


def _quoted(path: str) -> str:
    """The bytes that the system has for a name, also where they are no UTF-8."""
    return quote(path, errors="surrogateescape")


def _text(text: str) -> Object:
    return {"text": text}

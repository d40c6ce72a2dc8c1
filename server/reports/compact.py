"""A check as one line for each finding, for the problem matchers of editors and for grep."""

from __future__ import annotations

from collections.abc import Iterator

from jurat.policies import Finding
from jurat.server.reports.result import Entry, Result, Standing, outcome
from jurat.server.reports.words import one_line


def as_text(result: Result, *, every_note: bool = False) -> str:  # noqa: ARG001 - there is a line for every note
    """All lines."""
    return "".join(f"{line}\n" for line in lines(result))


def lines(result: Result) -> Iterator[str]:
    """`path:line:column: severity[CODE] name: message` for each finding, then the outcome."""
    for entry in result.entries:
        yield one_line(f"{entry.finding.span}: {_kind(entry)}: {_message(entry.finding)}")
    for proof in result.undecided:
        yield one_line(f"{result.path}: undecided[{proof.check}]: {proof.question} ({proof.reason})")
    for known in result.fixed:
        yield one_line(f"{result.path}: fixed[{known.code}] {known.name}: {known.message}")
    yield outcome(result)


def _kind(entry: Entry) -> str:
    finding = entry.finding
    told = entry.standing in (Standing.KNOWN, Standing.ALLOWED)
    return f"{entry.standing if told else finding.severity}[{finding.code}] {finding.name}"


def _message(finding: Finding) -> str:
    return f"{finding.message} ({finding.allowed})" if finding.allowed else finding.message

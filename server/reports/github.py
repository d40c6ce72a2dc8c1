"""A check as workflow commands, which GitHub Actions shows as annotations on the lines of a pull request."""

from __future__ import annotations

from collections.abc import Iterator

from jurat.policies import Finding, Proof, Severity
from jurat.policies.spans import NOWHERE, Span
from jurat.server.reports.result import RANKS, Result, Standing, outcome
from jurat.server.reports.words import one_line, remarks

COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def as_text(result: Result, *, every_note: bool = False) -> str:  # noqa: ARG001 - GitHub itself shows ten of a kind
    """All lines."""
    return "".join(f"{line}\n" for line in lines(result))


def lines(result: Result) -> Iterator[str]:
    """A command for each finding that is neither allowed nor known, the gravest first, then the outcome."""
    shown = [entry.finding for entry in result.standing(Standing.OPEN, Standing.MINOR)]
    for finding in sorted(shown, key=lambda each: -RANKS[each.severity]):
        yield _finding(finding)
    for proof in result.undecided:
        yield _undecided(proof)
    yield one_line(f"{result.path}: {outcome(result)}")


def _finding(finding: Finding) -> str:
    place = {} if finding.span.source == NOWHERE.source else _place(finding.span)
    told = "\n".join([finding.message, *(f"{title}: {text}" for title, text in remarks(finding))])
    return _command(COMMANDS[finding.severity], told, place | {"title": f"{finding.code} {finding.name}"})


def _place(span: Span) -> dict[str, str]:
    """GitHub counts as we do, but takes the last column for part of it, and columns only within one line."""
    place = {"file": span.source, "line": str(span.line), "endLine": str(span.end_line)}
    if span.line != span.end_line:
        return place
    return place | {"col": str(span.column), "endColumn": str(max(span.column, span.end_column - 1))}


def _undecided(proof: Proof) -> str:
    return _command("error", f"{proof.question}\n{proof.reason}", {"title": f"undecided: {proof.check}"})


def _command(name: str, message: str, properties: dict[str, str]) -> str:
    """https://docs.github.com/actions/reference/workflow-commands-for-github-actions"""
    listed = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{name} {listed}::{_data(message)}"


def _data(text: str) -> str:
    """As `escapeData` of GitHub's own toolkit does it."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """As `escapeProperty` of GitHub's own toolkit does it."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")

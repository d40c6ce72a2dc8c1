"""What a check came to, for every format alike: each finding with its standing, and the status of the whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property

from jurat.policies import Finding, PolicyError, PolicyGraph, Proof, Report, Severity, Status, Verdict
from jurat.policies.diagnostics import Diagnostic
from jurat.server.fault_codes import FAULTS
from jurat.server.reports.baseline import Known
from jurat.server.reports.fingerprints import fingerprints

RANKS = {Severity.ERROR: 2, Severity.WARNING: 1, Severity.NOTE: 0}
INVALID = "invalid"
"""The status of a policy that cannot be read."""


class Standing(StrEnum):
    """What a finding does to the gate: close it, or why it does not."""

    OPEN = "open"
    MINOR = "minor"
    KNOWN = "known"
    ALLOWED = "allowed"


@dataclass(frozen=True, slots=True)
class Entry:
    """A finding, what it is recognised by in a later run, and its standing."""

    finding: Finding
    fingerprint: str
    standing: Standing


@dataclass(frozen=True)
class Gate:
    """What closes the gate: findings of this severity and above that the baseline does not know."""

    severity: Severity = Severity.WARNING
    baseline: tuple[Known, ...] | None = None

    @cached_property
    def known(self) -> frozenset[str]:
        """The fingerprints of the baseline."""
        return frozenset(known.fingerprint for known in self.baseline or ())

    def standing(self, finding: Finding, fingerprint: str) -> Standing:
        """Whether a finding closes the gate."""
        if finding.allowed:
            return Standing.ALLOWED
        if fingerprint in self.known:
            return Standing.KNOWN
        return Standing.OPEN if RANKS[finding.severity] >= RANKS[self.severity] else Standing.MINOR


@dataclass(frozen=True)
class Result:
    """A check of the policy at ``path``; ``report`` and ``graph`` are None where it cannot be read.

    ``fixed``: what the baseline knows and no longer occurs.
    """

    path: str
    entries: tuple[Entry, ...]
    sources: Mapping[str, str] = field(default_factory=dict)
    report: Report | None = None
    graph: PolicyGraph | None = None
    gate: Gate = Gate()
    fixed: tuple[Known, ...] = ()
    faults: tuple[Diagnostic, ...] = ()

    def standing(self, *wanted: Standing) -> tuple[Entry, ...]:
        """The findings of these standings, in the order of the report."""
        return tuple(entry for entry in self.entries if entry.standing in wanted)

    @property
    def proofs(self) -> tuple[Proof, ...]:
        return self.report.proofs if self.report else ()

    @cached_property
    def undecided(self) -> tuple[Proof, ...]:
        """The questions without an answer."""
        return tuple(proof for proof in self.proofs if proof.verdict is Verdict.UNKNOWN)

    @property
    def status(self) -> str:
        """A :class:`Status`, or ``invalid``; the same for every format."""
        if self.report is None:
            return INVALID
        if self.standing(Standing.OPEN):
            return Status.FAILED.value
        if self.undecided:
            return Status.UNDECIDED.value
        return (Status.PASSED if self.report.obligations else Status.NOTHING_TO_PROVE).value

    @property
    def passed(self) -> bool:
        return self.status in (Status.PASSED, Status.NOTHING_TO_PROVE)


def judged(report: Report, graph: PolicyGraph, path: str, gate: Gate | None = None) -> Result:
    """The result of a check under a gate."""
    gate = gate or Gate()
    marks = fingerprints(report.findings, graph)
    found = zip(report.findings, marks, strict=True)
    entries = tuple(Entry(finding, mark, gate.standing(finding, mark)) for finding, mark in found)
    return _placed(Result(path, entries, graph.policy.sources, report, graph, gate))


def _placed(result: Result) -> Result:
    """With what the baseline knows and no longer occurs; while questions are open, nobody can tell."""
    if result.undecided:
        return result
    found = {entry.fingerprint for entry in result.entries}
    gone = (known for known in result.gate.baseline or () if known.fingerprint not in found)
    return replace(result, fixed=tuple(gone))


def rebased(result: Result) -> Result:
    """The result under a baseline that knows whatever closed the gate, and keeps what nobody can tell to be fixed."""
    kept = [Known.of(entry.fingerprint, entry.finding) for entry in result.standing(Standing.OPEN, Standing.KNOWN)]
    marks = {known.fingerprint for known in kept}
    if result.undecided:
        kept += [known for known in result.gate.baseline or () if known.fingerprint not in marks]
    gate = replace(result.gate, baseline=tuple(kept))
    entries = tuple(replace(each, standing=gate.standing(each.finding, each.fingerprint)) for each in result.entries)
    return replace(result, entries=entries, gate=gate, fixed=())


def unreadable(error: PolicyError, path: str) -> Result:
    """The result where the policy's text has faults: each is a finding that closes the gate."""
    faults = tuple(sorted(error.diagnostics))
    found = [_finding(each) for each in faults]
    marks = fingerprints(found, None)
    return Result(
        path, tuple(Entry(each, mark, Standing.OPEN) for each, mark in zip(found, marks, strict=True)), faults=faults
    )


def _finding(fault: Diagnostic) -> Finding:
    return Finding(
        fault.code, "invalid-policy", Severity.ERROR, fault.message, fault.span, fault.related,
        (FAULTS[fault.code],) if fault.code in FAULTS else (), fault.help,
    )  # fmt: skip


def count(number: int, noun: str) -> str:
    """`3 findings`"""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def outcome(result: Result) -> str:
    """The last words of every format for people: the status, and what it means."""
    match result.status:
        case "failed":
            return f"failed: {count(len(result.standing(Standing.OPEN)), 'finding')}{_besides(result)}"
        case "undecided":
            return f"undecided: {count(len(result.undecided), 'question')} without an answer"
        case "invalid":
            return f"invalid: {count(len(result.entries), 'fault')}, so nothing was proved"
        case "nothing-to-prove":
            return (
                "nothing to prove: no two guidelines could conflict, so nothing was proved; this is not the same as a "
                "proof"
            )
    return f"proved: no admissible situation puts conflicting actions in force{_excepted(result)}"


def _besides(result: Result) -> str:
    return f", and {count(len(result.undecided), 'question')} without an answer" if result.undecided else ""


def _excepted(result: Result) -> str:
    """A pass with exceptions must not read like one without."""
    known = [entry for entry in result.standing(Standing.KNOWN, Standing.ALLOWED, Standing.MINOR) if _hurts(entry)]
    return f", but for {count(len(known), 'finding')} known, allowed or too minor" if known else ""


def _hurts(entry: Entry) -> bool:
    return entry.finding.severity is not Severity.NOTE

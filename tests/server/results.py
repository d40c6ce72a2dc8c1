"""Results of checks to be reported: real ones, and one made by hand with everything that a format may trip over."""

from __future__ import annotations

from pathlib import Path

import jurat
from jurat.policies import Finding, PolicyError, Proof, Report, Severity, Verdict
from jurat.policies.diagnostics import Note
from jurat.policies.findings import TrustBase, Witness
from jurat.policies.spans import NOWHERE, Span
from jurat.server.reports.baseline import Known
from jurat.server.reports.result import Gate, Result, judged, unreadable

HOSTILE = "100 %: a,b::c\r\n::error::]]><script>alert(1)</script>&amp;\x1b[31m\x00\ufffe`</style>` „✓“"
EMPTY = "jurat: 1\nguidelines: {}\n"


def checked(policy: Path | str, path: str = "policy", gate: Gate | None = None) -> Result:
    """The result of a real check."""
    graph = jurat.load(policy)
    return judged(jurat.check(graph), graph, path, gate)


def invalid() -> Result:
    """The result of a text with two faults."""
    try:
        jurat.load("jurat: 1\nguidelines:\n  a: {when: nothing_declared, action: Say hello}\n  b: {acton: Say hello}\n")
    except PolicyError as error:
        return unreadable(error, "policy.yaml")
    raise AssertionError("the policy has two faults")


def undecided() -> Result:
    """The result of a check that nobody finished."""
    proofs = (
        Proof("is it so?", "conflicting-actions", Verdict.UNKNOWN, reason="the solver was killed", kind="obligation"),
        Proof("is it also so?", "dead-guideline", Verdict.PROVED),
    )
    return judged(Report("0" * 64, (), proofs, 1.5, "z3", 2), jurat.load(EMPTY), "policy.yaml")


def hostile() -> Result:
    """Every standing, every severity, and texts that mean something to every format."""
    witness = Witness(
        {HOSTILE: HOSTILE, "n": 3}, (HOSTILE,), (HOSTILE,), (("customer", HOSTILE), ("agent", HOSTILE)), (HOSTILE,)
    )
    span = Span(f"a,b: 100%/{HOSTILE}.yaml", 3, 2, 4, 1)
    proof = Proof(
        HOSTILE, "conflicting-actions", Verdict.REFUTED, (HOSTILE,), TrustBase((HOSTILE,), (HOSTILE,)), witness
    )
    open_ = Proof(HOSTILE, HOSTILE, Verdict.UNKNOWN, reason=HOSTILE, kind="obligation")
    related = (Note(span, HOSTILE), Note(NOWHERE, HOSTILE))
    base = ("J001", "conflicting-actions", Severity.ERROR, HOSTILE, span, related, (HOSTILE,), HOSTILE)
    findings = (
        Finding(*base, (HOSTILE, "open"), proof),
        Finding(*base, (HOSTILE, "allowed"), None, HOSTILE),
        Finding("J999", HOSTILE, Severity.WARNING, HOSTILE, NOWHERE, subjects=("known",)),
        Finding("J008", "undeclared-overlap", Severity.NOTE, HOSTILE, span, subjects=("minor",)),
    )
    graph = jurat.load(EMPTY)
    report = Report("0" * 64, findings, (proof, open_), 0.5, HOSTILE, 2)
    known = next(entry for entry in judged(report, graph, HOSTILE).entries if entry.finding.subjects == ("known",))
    gate = Gate(baseline=(Known.of(known.fingerprint, known.finding), Known("f" * 32, "J004", HOSTILE, HOSTILE)))
    return judged(report, graph, HOSTILE, gate)

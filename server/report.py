"""The report of a check, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

from rich.text import Text

from jurat import __version__
from jurat.policies import Finding, PolicyError, Proof, Report, Severity, Status, Verdict
from jurat.policies.findings import TrustBase, Witness
from jurat.policies.rendering import as_json as diagnostics_as_json
from jurat.policies.rendering import span_as_json
from jurat.policies.types import Value
from jurat.policies.values import jsonable, show_value
from jurat.server.excerpts import Mark, excerpt

NOTES_SHOWN = 3
"""Notes of one kind that are listed before the rest is only counted."""

NAMES_SHOWN = 8
"""Observations or axioms that a trust base names before the rest is only counted."""

STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.NOTE: "bold cyan"}


def render(report: Report, sources: Mapping[str, str], name: str, *, every_note: bool = False) -> Text:
    """Every finding with its lines, witness and advice, then what was proved and on what it rests."""
    text = Text()
    for finding in report.failures:
        text.append_text(finding_text(finding, sources)).append("\n")
    allowed = [each for each in report.findings if each.allowed]
    notes = [each for each in report.findings if each.severity is Severity.NOTE and not each.allowed]
    text.append_text(_allowed(allowed)).append_text(_notes(notes, every_note))
    text.append_text(_undecided(report)).append_text(_tally(report, name))
    return text


def finding_text(finding: Finding, sources: Mapping[str, str]) -> Text:
    """One finding in full."""
    text = Text.assemble(
        (f"{finding.severity}[{finding.code}]", STYLES[finding.severity]),
        (f" {finding.name}: {_line(finding.message)}\n", "bold"),
    )
    related = [Mark(note.span, note.message) for note in finding.related]
    text.append_text(excerpt([Mark(finding.span, main=True), *related], sources))
    if finding.proof and finding.proof.witness:
        text.append_text(_witness(finding.proof.witness))
    for note in finding.notes:
        text.append_text(_remark("note", note))
    if finding.help:
        text.append_text(_remark("help", finding.help, "bold cyan"))
    return text


def _witness(witness: Witness) -> Text:
    values = ", ".join(f"{name} = {show_value(value)}" for name, value in witness.values.items())
    text = _remark("situation", values or "any, whatever is known")
    if witness.in_force:
        text.append_text(_remark("in force", ", ".join(witness.in_force)))
    if witness.conversation:
        text.append_text(_remark("for example", ""))
        for speaker, line in witness.conversation:
            text.append(f"       {speaker}: ", "dim").append(f"{_line(line)}\n")
    return text


def _remark(title: str, content: str, style: str = "bold") -> Text:
    return Text.assemble(("   = ", "blue"), (title, style), f": {_line(content)}".rstrip() + "\n")


def _allowed(findings: list[Finding]) -> Text:
    text = Text()
    for each in findings:
        text.append("allowed", "bold green").append(f"[{each.code}] {each.name}: {_line(each.message)}\n", "bold")
        text.append("  --> ", "blue").append(f"{each.span}\n").append_text(_remark("reason", each.allowed))
    return text.append("\n") if findings else text


def _notes(findings: list[Finding], every_note: bool) -> Text:
    """Notes of one kind under one heading, the first few by a line each."""
    text = Text()
    for (code, name), group in groupby(sorted(findings, key=_kind), key=_kind):
        found = list(group)
        shown = found if every_note else found[:NOTES_SHOWN]
        text.append(f"note[{code}]", STYLES[Severity.NOTE]).append(f" {name}, {_count(len(found), 'place')}\n", "bold")
        for each in shown:
            text.append("  --> ", "blue").append(f"{each.span}: {_line(each.message)}\n")
        if len(found) > len(shown):
            text.append(f"   = and {len(found) - len(shown)} more; --notes shows them\n", "dim")
    return text.append("\n") if findings else text


def _kind(finding: Finding) -> tuple[str, str]:
    return finding.code, finding.name


def _undecided(report: Report) -> Text:
    open_ = [proof for proof in report.proofs if proof.verdict is Verdict.UNKNOWN]
    text = Text()
    for proof in open_[:NOTES_SHOWN]:
        text.append("undecided", "bold yellow").append(f": {proof.question}").append(f" ({proof.reason})\n")
    if len(open_) > NOTES_SHOWN:
        text.append(f"  and {len(open_) - NOTES_SHOWN} more undecided\n", "dim")
    return text


def _tally(report: Report, name: str) -> Text:
    parts = [_count(report.guidelines, "guideline"), _obligations(report), _count(report.checks, "further check")]
    parts.append(f"{report.seconds:.1f} s" + (f" with {report.solver}" if report.solver else ""))
    text = Text.assemble((name, "bold"), ": ", ", ".join(parts), "\n")
    return text.append_text(_trust(report)).append_text(_status(report))


def _obligations(report: Report) -> str:
    return _count(report.obligations, "obligation")


def _trust(report: Report) -> Text:
    """On what the proofs rest, so that nobody takes them for more than they are."""
    proved = [proof for proof in report.proofs if proof.verdict is Verdict.PROVED]
    if not proved:
        return Text()
    free = sum(proof.trust_base.model_independent for proof in proved)
    observations = sorted({name for proof in proved for name in proof.trust_base.observations})
    axioms = sorted({name for proof in proved for name in proof.trust_base.axioms})
    text = Text(f"  {free} of {_count(len(proved), 'proof')} rely on no judgement of the language model\n")
    for title, names in (("rely on observations", observations), ("rely on axioms", axioms)):
        if names:
            text.append(f"  {title}: {_listed(names)}\n", "dim")
    return text


def _listed(names: list[str]) -> str:
    rest = len(names) - NAMES_SHOWN
    return ", ".join(names[:NAMES_SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def _status(report: Report) -> Text:
    verdicts = [proof.verdict for proof in report.proofs]
    open_ = verdicts.count(Verdict.UNKNOWN)
    if report.status is Status.FAILED:
        return Text.assemble(("failed", "bold red"), f": {_count(len(report.failures), 'finding')}\n")
    if report.status is Status.UNDECIDED:
        return Text.assemble(("undecided", "bold yellow"), f": {_count(open_, 'question')} without an answer\n")
    if report.status is Status.NOTHING_TO_PROVE:
        return Text.assemble(
            ("nothing to prove", "bold yellow"),
            ": no two guidelines could conflict, so nothing was proved; this is not the same as a proof\n",
        )
    return Text.assemble(("proved", "bold green"), ": no admissible situation puts conflicting actions in force\n")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _line(text: str) -> str:
    """On one line, without characters that would act on a terminal."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in " ".join(text.split()))


def as_json(report: Report) -> dict[str, Any]:
    """The whole report for :mod:`json`."""
    return {
        "status": report.status.value,
        "passed": report.passed,
        "digest": report.digest,
        "guidelines": report.guidelines,
        "obligations": report.obligations,
        "checks": report.checks,
        "seconds": round(report.seconds, 3),
        "solver": report.solver,
        "jurat": __version__,
        "verdicts": _verdicts(report.proofs),
        "findings": [finding_as_json(each) for each in report.findings],
        "proofs": [_proof_as_json(each) for each in report.proofs],
    }


def errors_as_json(error: PolicyError) -> dict[str, Any]:
    """What is wrong with a policy that cannot be read, for :mod:`json`."""
    found = diagnostics_as_json(error.diagnostics)
    return {"status": "invalid", "passed": False, "jurat": __version__, "errors": found, "findings": []}


def finding_as_json(finding: Finding) -> dict[str, Any]:
    """One finding; ``allowed`` is the author's reason or null."""
    witness = finding.proof.witness if finding.proof else None
    return {
        "code": finding.code,
        "name": finding.name,
        "severity": finding.severity.value,
        "message": finding.message,
        "span": span_as_json(finding.span),
        "related": [{"span": span_as_json(note.span), "message": note.message} for note in finding.related],
        "notes": list(finding.notes),
        "help": finding.help,
        "subjects": list(finding.subjects),
        "allowed": finding.allowed or None,
        "witness": _witness_as_json(witness) if witness else None,
    }


def _verdicts(proofs: Iterable[Proof]) -> dict[str, int]:
    found = [proof.verdict for proof in proofs]
    return {verdict.value: found.count(verdict) for verdict in Verdict}


def _proof_as_json(proof: Proof) -> dict[str, Any]:
    return {
        "question": proof.question,
        "kind": proof.kind,
        "check": proof.check,
        "verdict": proof.verdict.value,
        "core": list(proof.core),
        "trust_base": _trust_as_json(proof.trust_base),
        "reason": proof.reason or None,
    }


def _trust_as_json(trust: TrustBase) -> dict[str, Any]:
    return {
        "axioms": list(trust.axioms),
        "observations": list(trust.observations),
        "model_independent": trust.model_independent,
    }


def _witness_as_json(witness: Witness) -> dict[str, Any]:
    values: dict[str, Value] = dict(witness.values)
    return {
        "values": {name: jsonable(value) for name, value in values.items()},
        "in_force": list(witness.in_force),
        "possible": list(witness.possible),
        "conversation": [{"speaker": speaker, "text": line} for speaker, line in witness.conversation],
    }

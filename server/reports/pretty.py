"""A check for people, in the form that compilers made familiar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from rich.text import Text

from jurat.policies import Finding, Report, Severity, Verdict
from jurat.policies.findings import Witness
from jurat.server.excerpts import Mark, excerpt
from jurat.server.reports.baseline import Known
from jurat.server.reports.result import Entry, Result, Standing, count, outcome
from jurat.server.reports.words import listed, one_line, situation

NOTES_SHOWN = 3
"""Notes of one kind that are listed before the rest is only counted."""

NAMES_SHOWN = 8
"""Observations or axioms that a trust base names before the rest is only counted."""

STATUS_STYLES = {
    "passed": "bold green",
    "failed": "bold red",
    "invalid": "bold red",
}
STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.NOTE: "bold cyan"}


def as_text(result: Result, *, every_note: bool = False) -> str:
    """As :func:`render`, without colours."""
    return render(result, every_note=every_note).plain


def render(result: Result, *, every_note: bool = False) -> Text:
    """Every finding with its lines, witness and advice, then what was proved and on what it rests."""
    text = Text()
    for entry in _in_full(result):
        text.append_text(finding_text(entry.finding, result.sources)).append("\n")
    limit = None if every_note else NOTES_SHOWN
    text.append_text(_allowed(result.standing(Standing.ALLOWED)))
    text.append_text(_baseline(result.standing(Standing.KNOWN), result.fixed, limit))
    notes = [each.finding for each in result.standing(Standing.OPEN, Standing.MINOR) if _is_note(each)]
    return text.append_text(_notes(notes, limit)).append_text(_undecided(result)).append_text(_tally(result))


def _in_full(result: Result) -> list[Entry]:
    return [entry for entry in result.standing(Standing.OPEN, Standing.MINOR) if not _is_note(entry)]


def _is_note(entry: Entry) -> bool:
    return entry.finding.severity is Severity.NOTE


def finding_text(finding: Finding, sources: Mapping[str, str]) -> Text:
    """One finding in full."""
    text = Text.assemble(
        (f"{finding.severity}[{finding.code}]", STYLES[finding.severity]),
        (f" {finding.name}: {one_line(finding.message)}\n", "bold"),
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
    text = _remark("situation", situation(witness))
    if witness.in_force:
        text.append_text(_remark("in force", ", ".join(witness.in_force)))
    if witness.conversation:
        text.append_text(_remark("for example", ""))
        for speaker, line in witness.conversation:
            text.append(f"       {speaker}: ", "dim").append(f"{one_line(line)}\n")
    return text


def _remark(title: str, content: str, style: str = "bold") -> Text:
    return Text.assemble(("   = ", "blue"), (title, style), f": {one_line(content)}".rstrip() + "\n")


def _allowed(entries: Sequence[Entry]) -> Text:
    text = Text()
    for entry in entries:
        text.append_text(_brief("allowed", entry.finding)).append_text(_remark("reason", entry.finding.allowed))
    return text.append("\n") if entries else text


def _brief(word: str, finding: Finding) -> Text:
    text = Text.assemble(
        (word, "bold green"), (one_line(f"[{finding.code}] {finding.name}: {finding.message}") + "\n", "bold")
    )
    return text.append("  --> ", "blue").append(f"{one_line(str(finding.span))}\n")


def _baseline(known: Sequence[Entry], fixed: Sequence[Known], limit: int | None) -> Text:
    """What the baseline knows, and what of it no longer occurs."""
    text = Text()
    for entry in known[:limit]:
        text.append_text(_brief("known", entry.finding))
    if len(known[:limit]) < len(known):
        text.append(f"   = and {len(known) - len(known[:limit])} more; --notes shows them\n", "dim")
    for each in fixed:
        text.append("fixed", "bold green").append(one_line(f"[{each.code}] {each.name}: {each.message}") + "\n", "bold")
    if fixed:
        text.append("   = no longer found; --write-baseline takes it out of the baseline\n", "dim")
    return text.append("\n") if known or fixed else text


def _notes(findings: Sequence[Finding], limit: int | None) -> Text:
    """Notes of one kind under one heading, the first few by a line each."""
    text = Text()
    for (code, name), group in groupby(sorted(findings, key=_kind), key=_kind):
        found = list(group)
        text.append(f"note[{code}]", STYLES[Severity.NOTE]).append(f" {name}, {count(len(found), 'place')}\n", "bold")
        for each in found[:limit]:
            text.append("  --> ", "blue").append(one_line(f"{each.span}: {each.message}") + "\n")
        if limit is not None and len(found) > limit:
            text.append(f"   = and {len(found) - limit} more; --notes shows them\n", "dim")
    return text.append("\n") if findings else text


def _kind(finding: Finding) -> tuple[str, str]:
    return finding.code, finding.name


def _undecided(result: Result) -> Text:
    text = Text()
    for proof in result.undecided[:NOTES_SHOWN]:
        text.append("undecided", "bold yellow").append(f": {one_line(proof.question)} ({one_line(proof.reason)})\n")
    if len(result.undecided) > NOTES_SHOWN:
        text.append(f"  and {len(result.undecided) - NOTES_SHOWN} more undecided\n", "dim")
    return text


def _tally(result: Result) -> Text:
    text = Text()
    if result.report:
        text.append(one_line(result.path), "bold").append(f": {one_line(counts(result.report))}\n").append_text(
            _trust(result.report)
        )
    status, _, rest = outcome(result).partition(":")
    return text.append(status, STATUS_STYLES.get(result.status, "bold yellow")).append(f":{rest}\n")


def counts(report: Report) -> str:
    """How much was asked, in what time and by what."""
    parts = [count(report.guidelines, "guideline"), count(report.obligations, "obligation")]
    parts.append(count(report.checks, "further check"))
    parts.append(f"{report.seconds:.1f} s" + (f" with {report.solver}" if report.solver else ""))
    return ", ".join(parts)


def _trust(report: Report) -> Text:
    """On what the proofs rest, so that nobody takes them for more than they are."""
    proved = [proof for proof in report.proofs if proof.verdict is Verdict.PROVED]
    if not proved:
        return Text()
    free = sum(proof.trust_base.model_independent for proof in proved)
    observations = sorted({name for proof in proved for name in proof.trust_base.observations})
    axioms = sorted({name for proof in proved for name in proof.trust_base.axioms})
    rely = "relies" if len(proved) == 1 else "rely"
    text = Text(f"  {free:,} of {count(len(proved), 'proof')} {rely} on no judgement of the language model\n")
    for title, names in ((f"{rely} on observations", observations), (f"{rely} on axioms", axioms)):
        if names:
            text.append(f"  {title}: {listed(names, NAMES_SHOWN)}\n", "dim")
    return text

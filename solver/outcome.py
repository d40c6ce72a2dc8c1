"""What a check says of one obligation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from jurat.policies.allowances import allowed_by
from jurat.policies.diagnostics import Note
from jurat.policies.findings import Finding, Proof, Severity, Verdict
from jurat.policies.graph import PolicyGraph
from jurat.policies.spans import Span
from jurat.solver.answers import Answer
from jurat.solver.prover import Prover
from jurat.solver.witness import Question, Shows, witness_of


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer to one question, with the finding if it is not the one hoped for."""

    proof: Proof
    finding: Finding | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """What a check's module says of itself."""

    code: str
    name: str
    severity: Severity


def absent(prover: Prover, check: Check, text: str, question: Question, shows: Shows) -> Proof:
    """The obligation that no admissible situation is as asked; if there is one, it is the witness."""
    answer = question.put(prover)
    if not answer.possible:
        return proof_of(prover, check, text, answer, "obligation")
    witness = witness_of(prover, question, shows)
    if witness is None:
        reason = "every situation that the solver finds needs a value that cannot be written down"
        return Proof(text, check.name, Verdict.UNKNOWN, reason=reason, kind="obligation")
    return Proof(text, check.name, Verdict.REFUTED, witness=witness, kind="obligation")


def proof_of(
    prover: Prover, check: Check, text: str, answer: Answer, kind: Literal["obligation", "check"] = "check"
) -> Proof:
    """An answer without a model, as a proof or as undecided."""
    base = prover.trust_base(answer.core)
    return Proof(text, check.name, answer.verdict, answer.core, base, reason=answer.reason, kind=kind)


def exists(prover: Prover, check: Check, text: str, question: Question) -> Proof:
    """Prove that there is an admissible situation as asked; REFUTED, with the core, if there is none."""
    return possible(prover, check, text, question.put(prover))


def possible(prover: Prover, check: Check, text: str, answer: Answer | None) -> Proof:
    """As :func:`exists`, of an answer; None stands for one that is known to have a model."""
    if answer is None:
        return Proof(text, check.name, Verdict.PROVED)
    if answer.verdict is Verdict.UNKNOWN:
        return proof_of(prover, check, text, answer)
    verdict = Verdict.PROVED if answer.possible else Verdict.REFUTED
    return Proof(text, check.name, verdict, answer.core, prover.trust_base(answer.core))


@dataclass(frozen=True, slots=True)
class Report:
    """Everything a finding says apart from its code; ``owners``: who may allow it beside its subjects."""

    message: str
    span: Span
    subjects: tuple[str, ...]
    related: tuple[Note, ...] = ()
    notes: tuple[str, ...] = ()
    help: str = ""
    owners: tuple[str, ...] = ()


def finding_of(graph: PolicyGraph, check: Check, said: Report, proof: Proof) -> Finding:
    """A finding; allowed if the author of any of its subjects, or of what else it is about, allowed it by name."""
    return Finding(
        check.code, check.name, check.severity, said.message, said.span, said.related, said.notes, said.help,
        said.subjects, proof, allowed_by(graph, check.name, (*said.subjects, *said.owners)),
    )  # fmt: skip


Told = Callable[[Proof], Report]


def judged(graph: PolicyGraph, check: Check, proof: Proof, tell: Told) -> Outcome:
    """The outcome of a proof: a finding where it was refuted."""
    finding = finding_of(graph, check, tell(proof), proof) if proof.verdict is Verdict.REFUTED else None
    return Outcome(proof, finding)


def quoted(names: tuple[str, ...] | list[str]) -> str:
    """`a`, `b` and `c`"""
    marked = [f"`{name}`" for name in names]
    return " and ".join([", ".join(marked[:-1]), marked[-1]]) if len(marked) > 1 else "".join(marked)

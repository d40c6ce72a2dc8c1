"""Outcomes on their way from one process to the other, as plain tuples: half the time of pickling the values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from operator import attrgetter
from typing import Any

from jurat.policies import Finding, Proof, Report
from jurat.policies.findings import TrustBase
from jurat.server.proving.bounds import Answered

_NAMES = [field.name for field in fields(Proof)]
_BASE = _NAMES.index("trust_base")
_proof_values = attrgetter(*_NAMES)
_base_values = attrgetter(*(field.name for field in fields(TrustBase)))

Packed = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """Answers since the last batch, and where the work is now."""

    answers: list[tuple[Packed, Finding | None]]
    check: str
    done: int


@dataclass(frozen=True, slots=True)
class Done:
    """The report without its proofs and findings, which are places in what was sent, or values that were not."""

    header: Report
    proofs: list[int | Packed]
    findings: list[int | Finding]


@dataclass(frozen=True, slots=True)
class Full:
    """Memory ran out."""


@dataclass(frozen=True, slots=True)
class Failed:
    """An exception, with its traceback as text."""

    error: Exception
    trace: str


Message = Batch | Done | Full | Failed


def packed(proof: Proof) -> Packed:
    """A proof as a plain tuple."""
    values = _proof_values(proof)
    return (*values[:_BASE], _base_values(proof.trust_base), *values[_BASE + 1 :])


def unpacked(values: Packed) -> Proof:
    """The proof again."""
    all_: Packed = (*values[:_BASE], TrustBase(*values[_BASE]), *values[_BASE + 1 :])
    return Proof(*all_)


def pack(proof: Proof, finding: Finding | None) -> tuple[Packed, Finding | None]:
    """An answer; a finding goes without its proof where that goes with it."""
    return packed(proof), replace(finding, proof=None) if finding and finding.proof is proof else finding


def unpack(sent: tuple[Packed, Finding | None]) -> Answered:
    """The answer again; a finding has the very proof that it came with."""
    proof, finding = unpacked(sent[0]), sent[1]
    return proof, replace(finding, proof=proof) if finding and finding.proof is None else finding


def done(report: Report, sent: Sequence[Answered]) -> Done:
    """A report, by reference to what was sent before."""
    proofs = {id(proof): place for place, (proof, _) in enumerate(sent)}
    findings = {id(finding): place for place, (_, finding) in enumerate(sent) if finding}
    return Done(
        replace(report, proofs=(), findings=()),
        [proofs[id(each)] if id(each) in proofs else packed(each) for each in report.proofs],
        [findings.get(id(each), each) for each in report.findings],
    )


def completed(message: Done, received: Sequence[Answered]) -> Report:
    """The report again."""
    proofs = [received[each][0] if isinstance(each, int) else unpacked(each) for each in message.proofs]
    findings = [received[each][1] if isinstance(each, int) else each for each in message.findings]
    return replace(message.header, proofs=tuple(proofs), findings=tuple(each for each in findings if each))

"""Outcomes on their way from one process to the other, as plain tuples: half the time of pickling the values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from operator import attrgetter
from typing import Any

from jurat.policies import Finding, Proof, Report
from jurat.policies.findings import TrustBase, in_order
from jurat.policies.proof_rows import read
from jurat.server.proving.bounds import Answered

_NAMES = [field.name for field in fields(Proof)]
_BASE = _NAMES.index("trust_base")
_proof_values = attrgetter(*_NAMES)
_base_values = attrgetter(*(field.name for field in fields(TrustBase)))

Packed = tuple[Any, ...]

Sent = tuple[Packed, Finding | None] | bytes


@dataclass(frozen=True, slots=True)
class Batch:
    """Answers since the last batch, and where the work is now; bytes are proofs that were kept."""

    answers: list[Sent]
    check: str
    done: int


@dataclass(frozen=True, slots=True)
class Done:
    """The report without its proofs and findings, all of which were sent; and the checks in the order they ran."""

    header: Report
    checks: tuple[str, ...]


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


def pack(proof: Proof, finding: Finding | None) -> Sent:
    """An answer; a finding goes without its proof where that goes with it."""
    return packed(proof), replace(finding, proof=None) if finding and finding.proof is proof else finding


def unpack(sent: Sent) -> list[Answered]:
    """The answers again; a finding has the very proof that it came with."""
    if isinstance(sent, bytes):
        return [(proof, None) for proof in read(sent)]
    proof, finding = unpacked(sent[0]), sent[1]
    return [(proof, replace(finding, proof=proof) if finding and finding.proof is None else finding)]


def completed(message: Done, received: Sequence[Answered]) -> Report:
    """The report of everything that was sent."""
    place = {check: number for number, check in enumerate(message.checks)}
    proofs = sorted((proof for proof, _ in received), key=lambda each: place[each.check])
    findings = in_order(finding for _, finding in received if finding)
    return replace(message.header, proofs=tuple(proofs), findings=findings)

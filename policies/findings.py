"""What a check of a policy reports: findings, proofs, and the verdict of the whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from jurat.policies.diagnostics import Note
from jurat.policies.spans import Span
from jurat.policies.types import Value


class Verdict(StrEnum):
    """The answer to one obligation; unknown is never a pass."""

    REFUTED = "refuted"
    UNKNOWN = "unknown"
    PROVED = "proved"


class Severity(StrEnum):
    """Errors and warnings close the gate; notes do not."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Status(StrEnum):
    """How a check ended. ``nothing-to-prove`` passes the gate, and is not the same as a proof."""

    PASSED = "passed"
    FAILED = "failed"
    UNDECIDED = "undecided"
    NOTHING_TO_PROVE = "nothing-to-prove"


@dataclass(frozen=True, slots=True)
class Witness:
    """A situation that shows a finding, minimal: what is left out of ``values`` does not matter to it.

    But for ``unknown`` and ``absent``: the observations that must be unknown to the judge for it, and the facts that must
    have no value. ``in_force`` and ``possible`` are what the reference semantics says of it; ``conversation`` reads like it,
    as (speaker, line) pairs.
    """

    values: Mapping[str, Value]
    in_force: tuple[str, ...]
    possible: tuple[str, ...]
    conversation: tuple[tuple[str, str], ...]
    unknown: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TrustBase:
    """What a proof leans on. One that leans on no observation holds whatever the language model answers."""

    axioms: tuple[str, ...] = ()
    observations: tuple[str, ...] = ()

    @property
    def model_independent(self) -> bool:
        return not self.observations


@dataclass(frozen=True, slots=True)
class Proof:
    """The answer to one question. ``core``: the rules, conditions and axioms that sufficed.

    An ``obligation`` has to be proved for the policy to be free of conflict and well-formed; a ``check`` asks whether
    it says something useful (dead, shadowed, vacuous, …).
    """

    question: str
    check: str
    verdict: Verdict
    core: tuple[str, ...] = ()
    trust_base: TrustBase = TrustBase()
    witness: Witness | None = None
    reason: str = ""
    kind: Literal["obligation", "check"] = "check"


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault of a policy, with everything an author needs to act on it."""

    code: str
    name: str
    severity: Severity
    message: str
    span: Span
    related: tuple[Note, ...] = ()
    notes: tuple[str, ...] = ()
    help: str = ""
    subjects: tuple[str, ...] = ()
    proof: Proof | None = None
    allowed: str = ""
    """The author's reason for accepting it; an allowed finding does not close the gate."""


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings sorted by place."""
    return tuple(sorted(findings, key=lambda each: (each.span, each.code, each.message)))


@dataclass(frozen=True, slots=True)
class Report:
    """The result of ``jurat check``: findings sorted by place, and one proof for every question asked."""

    digest: str
    findings: tuple[Finding, ...]
    proofs: tuple[Proof, ...]
    seconds: float = field(default=0.0, compare=False)
    solver: str = ""
    guidelines: int = 0

    @property
    def obligations(self) -> int:
        """How many questions had to be answered for the policy to be free of conflict and well-formed."""
        return [proof.kind for proof in self.proofs].count("obligation")

    @property
    def checks(self) -> int:
        """How many further questions were asked."""
        return len(self.proofs) - self.obligations

    @property
    def failures(self) -> tuple[Finding, ...]:
        """The findings that close the gate."""
        return tuple(each for each in self.findings if each.severity is not Severity.NOTE and not each.allowed)

    @property
    def status(self) -> Status:
        if self.failures:
            return Status.FAILED
        if any(proof.verdict is Verdict.UNKNOWN for proof in self.proofs):
            return Status.UNDECIDED
        return Status.PASSED if self.obligations else Status.NOTHING_TO_PROVE

    @property
    def passed(self) -> bool:
        """Whether the gate is open: no failure, nothing undecided."""
        return self.status in (Status.PASSED, Status.NOTHING_TO_PROVE)

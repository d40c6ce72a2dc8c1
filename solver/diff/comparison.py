"""What a comparison of two policies says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

from jurat.policies.findings import TrustBase
from jurat.policies.types import Value
from jurat.solver.diff.topics import Key


class Change(StrEnum):
    """How the second policy compares with the first on one topic, in Cedar's words."""

    EQUIVALENT = "equivalent"
    MORE = "more permissive"
    LESS = "less permissive"
    INCOMPARABLE = "incomparable"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Example:
    """A situation in which a topic happens in one policy only, minimal, resolved by both.

    ``before`` and ``after``: what is in force. ``arguments``: of the call, where it is about one. ``unknown``: the
    observations that must be unknown to the judge for it; ``absent``: the facts that must have no value.
    """

    values: Mapping[str, Value]
    arguments: Mapping[str, Value]
    unknown: tuple[str, ...]
    absent: tuple[str, ...]
    conversation: tuple[tuple[str, str], ...]
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One topic. ``only_before``, ``only_after``: where it happens in that policy and not in the other."""

    key: Key
    change: Change
    only_before: Example | None = None
    only_after: Example | None = None
    trust: TrustBase = field(default_factory=TrustBase)
    """What a proof that the policies agree, in either direction, leans on."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Admitted:
    """A situation that the axioms of one policy only admit, ``before`` or ``after``; ``axiom`` is what forbids it."""

    by: str
    axiom: str
    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Share:
    """How many cells of the situations that both policies admit are affected; ``reason`` where they are not countable."""

    affected: int = 0
    admissible: int = 0
    reason: str = ""
    cells: Mapping[str, int] = field(default_factory=dict)
    """The names that were counted over, with their cells; whatever else a situation says makes no difference."""

    @property
    def fraction(self) -> Fraction | None:
        return Fraction(self.affected, self.admissible) if self.admissible else None


class Status(StrEnum):
    """The result of a comparison."""

    EQUIVALENT = "equivalent"
    DIFFERENT = "different"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Every topic on which an edit could make a difference, and what else differs.

    ``rows``: the topics that were compared; ``untouched``: how many more are written alike, with all they depend on.
    ``declared``: changes that no situation shows. ``notes``: of the vocabulary. ``region``: the formula outside of which
    alone was compared.
    """

    digests: tuple[str, str]
    rows: tuple[Row, ...]
    untouched: int
    declared: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    admitted: tuple[Admitted, ...] = ()
    share: Share | None = None
    region: str = ""
    inconsistent: str = ""
    """The axioms of the two that contradict each other; then nothing was compared."""
    seconds: float = field(default=0.0, compare=False)

    @property
    def differing(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row.change not in (Change.EQUIVALENT, Change.UNDECIDED))

    @property
    def undecided(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row.change is Change.UNDECIDED)

    @property
    def status(self) -> Status:
        if self.differing or self.declared or self.admitted or self.inconsistent:
            return Status.DIFFERENT
        return Status.UNDECIDED if self.undecided else Status.EQUIVALENT

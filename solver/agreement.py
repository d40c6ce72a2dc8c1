"""Two lanes answer the same questions, written apart; where they differ, one of them has a bug, and nothing is proved."""

from __future__ import annotations

from collections.abc import Sequence

from jurat.policies.errors import InternalError
from jurat.policies.findings import Verdict
from jurat.solver.claims import Claim

EVERY = 1000
"""Of the questions after the first ones, how many are between two that both lanes are asked."""


class Agreement:
    """Which questions both lanes are asked: the first ``first`` ones, and every thousandth after them."""

    def __init__(self, first: int) -> None:
        self.first = first
        self.asked = 0
        self.confirmed = 0

    def due(self) -> bool:
        """Whether the question asked now is one of those; with ``first`` 0, none is."""
        self.asked += 1
        return self.asked <= self.first or (self.first > 0 and self.asked % EVERY == 0)

    def confirm(self, claims: Sequence[Claim], one: Verdict, other: Verdict) -> None:
        """Compare two answers; an undecided one says nothing.

        Raises:
            InternalError: they differ.
        """
        if Verdict.UNKNOWN not in (one, other) and one is not other:
            raise InternalError(f"the two lanes of the solver disagree ({one} and {other}) on {claims}")
        self.confirmed += 1

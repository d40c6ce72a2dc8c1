"""The answer to one question, whichever lane gave it."""

from __future__ import annotations

from dataclasses import dataclass

import z3

from jurat.policies.findings import Verdict


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether a situation as asked for exists: ``PROVED`` that there is none, ``REFUTED`` by a model, or unknown.

    ``core``: the selectors that the proof needed.
    """

    verdict: Verdict
    core: tuple[str, ...] = ()
    model: z3.ModelRef | None = None
    reason: str = ""

    @property
    def possible(self) -> bool:
        return self.verdict is Verdict.REFUTED

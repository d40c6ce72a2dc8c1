"""The numbers that bound a check."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """``rlimit``: Z3's resource units per question, the same on every machine; ``seed``: Z3's random seed."""

    rlimit: int = 20_000_000
    seed: int = 0
    overlap_pairs: int = 500
    """Overlapping pairs looked for at most; the report says when there are more."""

    agreed: int = 100
    """Questions that both lanes are asked; of those after them, every thousandth is."""


DEFAULT = Limits()

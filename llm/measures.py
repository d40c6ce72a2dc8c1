"""How good probabilities are: discrimination, calibration, and what thresholds let through, with intervals."""

from __future__ import annotations

import math
import random
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

BINS = 10
RESAMPLES = 1000
_DRAWN = 2_000_000
"""Statements drawn for one interval at most: with more of them the interval is narrow, and fewer resamples show it."""
_FEWEST = 100


@dataclass(frozen=True, slots=True)
class Scored:
    """A statement with its truth and the score it got, in [0, 1]; statements of one ``group`` are not independent."""

    score: float
    true: bool
    group: str = ""


@dataclass(frozen=True, slots=True)
class Bin:
    """Statements whose scores lie in [low, high): how many, their mean score, and the share of true ones."""

    low: float
    high: float
    count: int
    mean: float
    true: float


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with the bounds between which 95 % of the resamples lie; nan where there is nothing to measure."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        if math.isnan(self.value):
            return "-"
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


Measure = Callable[[Sequence[Scored]], float]


def accuracy(found: Sequence[Scored], threshold: float = 0.5) -> float:
    """The share of statements on the right side of the threshold."""
    return sum((each.score >= threshold) == each.true for each in found) / len(found) if found else math.nan


def auroc(found: Sequence[Scored]) -> float:
    """The chance that a true statement scores higher than a false one, ties counted half; nan without both kinds."""
    false = sorted(each.score for each in found if not each.true)
    true = [each.score for each in found if each.true]
    if not true or not false:
        return math.nan
    wins = sum(bisect_left(false, score) + bisect_right(false, score) for score in true)
    return wins / (2 * len(true) * len(false))


def calibration_error(found: Sequence[Scored]) -> float:
    """The expected calibration error: how far the share of true ones is from the score, over bins of equal width."""
    if not found:
        return math.nan
    return sum(each.count * abs(each.mean - each.true) for each in reliability(found)) / len(found)


def reliability(found: Sequence[Scored], bins: int = BINS) -> list[Bin]:
    """The bins that hold anything, lowest first."""
    members: list[list[Scored]] = [[] for _ in range(bins)]
    for each in found:
        members[min(int(each.score * bins), bins - 1)].append(each)
    return [_bin(place / bins, (place + 1) / bins, some) for place, some in enumerate(members) if some]


def _bin(low: float, high: float, some: Sequence[Scored]) -> Bin:
    mean = sum(each.score for each in some) / len(some)
    return Bin(low, high, len(some), mean, sum(each.true for each in some) / len(some))


def interval(found: Sequence[Scored], measure: Measure, *, resamples: int = RESAMPLES, seed: int = 7) -> Interval:
    """A measure with its bootstrap interval (percentiles); groups are drawn, since a conversation's statements err together.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.
    """
    groups: dict[str, list[Scored]] = {}
    for place, each in enumerate(found):
        groups.setdefault(each.group or str(place), []).append(each)
    resamples = min(resamples, max(_FEWEST, _DRAWN // max(1, len(found))))
    clusters, draw = list(groups.values()), random.Random(seed)  # noqa: S311 - resampling, not a secret
    values = [measure([e for c in draw.choices(clusters, k=len(clusters)) for e in c]) for _ in range(resamples)]
    known = sorted(value for value in values if not math.isnan(value))
    if not known:
        return Interval(math.nan, math.nan, math.nan)
    return Interval(measure(found), known[int(0.025 * len(known))], known[int(0.975 * (len(known) - 1))])


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a band does: shares of the false statements taken for true, of the true ones taken for false, and of all
    left unknown; ``wrong`` is the share of wrong answers among the decided.
    """

    false_allow: float
    false_block: float
    unknown: float
    wrong: float


def outcome(found: Sequence[Scored], low: float, high: float) -> Outcome:
    """What comes of answering true from ``high`` on and false up to ``low``."""
    allowed = sum(each.score >= high for each in found if not each.true)
    blocked = sum(each.score <= low for each in found if each.true)
    decided = sum(each.score >= high or each.score <= low for each in found)
    true = sum(each.true for each in found)
    return Outcome(
        _share(allowed, len(found) - true),
        _share(blocked, true),
        1 - _share(decided, len(found)),
        _share(allowed + blocked, decided),
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else math.nan

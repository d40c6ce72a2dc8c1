"""From labelled conversations to a model's calibration, and what it is worth on the half that was held back."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from jurat.llm import Backend
from jurat.llm.calibration import (
    UNCALIBRATED,
    UNKNOWN_COST,
    Calibrations,
    fitted,
    fitted_each,
    grouped,
    limits_of,
)
from jurat.llm.cases import Labelled, Split
from jurat.llm.errors import CalibrationError, ContextTooLong
from jurat.llm.injection import CONTROLS
from jurat.llm.judge import ScoringJudge
from jurat.llm.measures import (
    Interval,
    Outcome,
    Scored,
    accuracy,
    auroc,
    calibration_error,
    interval,
    outcome,
    reliability,
)
from jurat.llm.protocol import Ungraded

Tell = Callable[[int, int], None]
THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
_WIDTH = 30


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model scored for a statement of a labelled conversation."""

    text: str
    split: Split | None
    scored: Scored


@dataclass(slots=True)
class Asked:
    """Every statement's score, the controls' in each conversation to fit on, and how many statements have none."""

    answers: list[Answer] = field(default_factory=list)
    controls: list[tuple[float, ...]] = field(default_factory=list)
    unanswered: int = 0

    def take(self, labelled: Labelled, scores: Mapping[str, float]) -> None:
        """Add what the model said of a conversation."""
        known = [(text, true) for text, true in labelled.holds.items() if text in scores]
        self.unanswered += len(labelled.holds) - len(known)
        self.answers += [Answer(text, labelled.split, Scored(scores[text], true, labelled.id)) for text, true in known]
        if labelled.split == "choice" and all(text in scores for text, _ in CONTROLS):
            self.controls.append(tuple(scores[text] for text, _ in CONTROLS))

    def half(self, split: Split) -> list[Answer]:
        """The answers of one split."""
        return [each for each in self.answers if each.split == split]


@dataclass(frozen=True, slots=True)
class Fit:
    """A calibration, and calibrated scores of the half that it was not fitted on."""

    calibrations: Calibrations
    held_back: tuple[Scored, ...]
    raw: tuple[Scored, ...]
    fitted_on: int
    unanswered: int = 0


async def ask(backend: Backend, conversations: Sequence[Labelled], tell: Tell) -> Asked:
    """The model's scores of all statements, and of the controls.

    Raises:
        CalibrationError: the model gives answers without probabilities.
        LLMError: it failed.
    """
    if isinstance(backend, Ungraded) and backend.ungraded:
        raise CalibrationError(f"`{backend.name}` gives no probabilities, so there is nothing to calibrate")
    judge = ScoringJudge(backend, calibration=UNCALIBRATED)
    asked = Asked()
    for number, each in enumerate(conversations, 1):
        asked.take(each, await _scores(judge, each))
        tell(number, len(conversations))
    return asked


async def _scores(judge: ScoringJudge, labelled: Labelled) -> Mapping[str, float]:
    """Of the statements and the controls that have one."""
    try:
        read = await judge.readings(labelled.said, list(labelled.holds), [text for text, _ in CONTROLS])
    except ContextTooLong:
        return {}
    return {text: each.score for text, each in read.items() if 0 <= each.score <= 1}


def fit(asked: Asked, unknown_cost: float = UNKNOWN_COST) -> Fit:
    """Fit on the split `choice`, and look at `report` through it.

    Raises:
        CalibrationError: a half has no statements, or those to fit on are all true or all false, or no higher scores go
            with those that hold.
    """
    chosen, held = asked.half("choice"), asked.half("report")
    if not asked.answers and asked.unanswered:
        raise CalibrationError("the model answered no statement with `yes` or `no`, so there is nothing to calibrate")
    if not chosen or not held:
        raise CalibrationError("there are too few conversations: one half fits, the other is measured on")
    general = fitted([each.scored for each in chosen], unknown_cost=unknown_cost)
    if general.slope <= 0:
        raise CalibrationError("statements that hold score no higher than those that do not; are the labels right?")
    own = fitted_each(grouped((each.text, each.scored) for each in chosen), general)
    calibrations = Calibrations(general, own, limits_of(asked.controls))
    through = tuple(_through(calibrations, each) for each in held)
    return Fit(calibrations, through, tuple(each.scored for each in held), len(chosen), asked.unanswered)


def _through(calibrations: Calibrations, answer: Answer) -> Scored:
    probability = calibrations.of(answer.text).probability(answer.scored.score)
    return Scored(probability, answer.scored.true, answer.scored.group)


def report(found: Fit) -> Iterator[str]:
    """What a person wants to know before the calibration is used, line by line."""
    general = found.calibrations.general
    yield f"fitted on {found.fitted_on} statements, measured on {len(found.held_back)} held back\n"
    if found.unanswered:
        yield f"  {found.unanswered} more got no score, and are not counted: too long, or the model gave neither answer\n"
    for name, value in _figures(found):
        yield f"  {name:<18} {value}"
    yield f"  {'unknown between':<18} {general.low:.2f} and {general.high:.2f}\n"
    yield "reliability, held back: of statements given a probability, how many are true"
    yield from _reliability(found.held_back)
    yield "\nwhat the threshold for true lets through, and what its mirror image for false holds up"
    yield f"  {'true from':>9}  {'false allowed':>13}  {'true blocked':>12}  {'unknown':>7}  wrong of the decided"
    for threshold in THRESHOLDS:
        yield _row(f"{threshold:.2f}", outcome(found.held_back, 1 - threshold, threshold))
    yield _row("chosen", outcome(found.held_back, general.low, general.high))
    yield from _own(found.calibrations)


def _figures(found: Fit) -> Iterator[tuple[str, Interval]]:
    yield "accuracy", interval(found.held_back, accuracy)
    yield "AUROC", interval(found.held_back, auroc)
    yield "calibration error", interval(found.held_back, calibration_error)
    yield "  uncalibrated", interval(found.raw, calibration_error)


def _reliability(found: Sequence[Scored]) -> Iterator[str]:
    for each in reliability(found):
        bar = "#" * round(each.true * _WIDTH)
        yield f"  {each.low:.1f} to {each.high:.1f}  {bar:<{_WIDTH}}  {each.true:4.0%} of {each.count}"


def _row(name: str, what: Outcome) -> str:
    allowed, blocked, unknown, wrong = map(_share, (what.false_allow, what.false_block, what.unknown, what.wrong))
    return f"  {name:>9}  {allowed:>13}  {blocked:>12}  {unknown:>7}  {wrong}"


def _share(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.1%}"


def _own(calibrations: Calibrations) -> Iterator[str]:
    if not calibrations.own:
        yield "\nno statement has data enough for a calibration of its own"
        return
    yield "\nstatements with a calibration of their own"
    for text, each in sorted(calibrations.own.items()):
        yield f"  {each.intercept - calibrations.general.intercept:+.2f}  {text}"


def svg(found: Fit) -> str:
    """The reliability diagram: the share of true statements over the probability given, and the diagonal to meet."""
    size, edge = 320, 40
    scale = size - 2 * edge

    def x(value: float) -> float:
        return round(edge + value * scale, 1)

    def y(value: float) -> float:
        return round(size - edge - value * scale, 1)

    bins = reliability(found.held_back)
    points = " ".join(f"{x(each.mean)},{y(each.true)}" for each in bins)
    dots = "".join(
        f'<circle cx="{x(each.mean)}" cy="{y(each.true)}" r="{2 + min(8, each.count**0.5):.1f}" fill="#2a6f97" '
        f'fill-opacity="0.6"><title>{each.count} statements, {each.true:.0%} true</title></circle>'
        for each in bins
    )
    ticks = "".join(
        f'<text x="{x(t)}" y="{size - edge + 16}" text-anchor="middle">{t}</text>'
        f'<text x="{edge - 8}" y="{y(t) + 4}" text-anchor="end">{t}</text>'
        for t in (0, 0.5, 1)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size}" height="{size}" font-family="sans-serif" font-size="11">'
        f'<rect width="{size}" height="{size}" fill="white"/>'
        f'<path d="M{x(0)},{y(0)}L{x(1)},{y(1)}" stroke="#999" stroke-dasharray="4"/>'
        f'<path d="M{x(0)},{y(1)}V{y(0)}H{x(1)}" stroke="#333" fill="none"/>'
        f'<polyline points="{points}" fill="none" stroke="#2a6f97"/>{dots}{ticks}'
        f'<text x="{size / 2}" y="{size - 6}" text-anchor="middle">probability given</text>'
        f'<text x="12" y="{size / 2}" text-anchor="middle" transform="rotate(-90 12 {size / 2})">share that is true</text>'
        "</svg>\n"
    )

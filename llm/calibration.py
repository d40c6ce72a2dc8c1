"""From a model's scores to answers: how a calibration is fitted, and where the one of a model is kept.

A calibration belongs to one model and one prompt. It is kept under both digests, so that one made for another model
or for another wording is never taken by mistake; a model without one is judged with `UNCALIBRATED`, and every judgement
says so.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import platformdirs

from jurat.llm.conversation import decided
from jurat.llm.errors import CalibrationError
from jurat.llm.injection import CONTROLS, Limits
from jurat.llm.measures import Scored

UNKNOWN_COST = 0.25
"""What an unknown answer costs, where a wrong one costs 1: unknown is safe, and wrong acts."""
FEW = 12
"""With fewer labelled conversations an observation has no calibration of its own."""
FEW_OF_A_KIND = 4
_STEPS = tuple(i / 20 for i in range(1, 20))
_PULL = 1.0
"""How strongly an observation's shift is drawn to none: the precision of a Gaussian prior on log-odds."""
_FORMAT = 1
LIMITS = Limits(false_high=0.5, true_low=0.5)
_ROOM = 1.0
"""How far beyond what ordinary conversations make of the controls, in log-odds, a conversation is said to sway the model."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Turns a score into a probability, sigmoid(slope * logit(score) + intercept) (Platt scaling), and
    a probability into an answer: unknown strictly between `low` and `high`.
    """

    slope: float
    intercept: float
    low: float
    high: float

    def probability(self, score: float) -> float:
        """The calibrated P(true) of a score; both in [0, 1]."""
        return sigmoid(self.slope * logit(score) + self.intercept)

    def truth(self, probability: float) -> bool | None:
        """True, false, or None for unknown."""
        return decided(probability, (self.low, self.high))


@dataclass(frozen=True, slots=True)
class Calibrations:
    """The calibration of a model, those of statements that had data enough for their own, and what the controls
    against prompt injection may score.
    """

    general: Calibration
    own: Mapping[str, Calibration] = field(default_factory=dict)
    limits: Limits = LIMITS

    def of(self, statement: str) -> Calibration:
        """The calibration to use for a statement."""
        return self.own.get(statement, self.general)


UNCALIBRATED = Calibrations(Calibration(slope=1.0, intercept=0.0, low=0.1, high=0.9))
"""For a model that nobody calibrated: its scores as they are, and a wide band of unknown."""


def fitted(found: Sequence[Scored], *, unknown_cost: float = UNKNOWN_COST) -> Calibration:
    """Platt scaling, and the band that costs least on the same statements; of several the widest.

    So where no statement lies in the middle, it is unknown there. Nothing counts as true that is more probably false.

    Raises:
        CalibrationError: the statements are all true or all false.
    """
    if len({each.true for each in found}) < 2:
        raise CalibrationError("a calibration needs statements that hold and statements that do not")
    slope, intercept = _platt([(logit(each.score), each.true) for each in found])
    steps = [(low, high) for low in _STEPS for high in _STEPS if low <= 0.5 <= high and low < high]
    bands = [Calibration(slope, intercept, low, high) for low, high in steps]
    return min(bands, key=lambda band: (_cost(band, found, unknown_cost), band.low - band.high))


def fitted_each(found: Mapping[str, Sequence[Scored]], general: Calibration) -> dict[str, Calibration]:
    """The calibrations of statements with data enough: the general one, shifted."""
    return {statement: _shifted(general, some) for statement, some in found.items() if enough(some)}


def enough(found: Sequence[Scored]) -> bool:
    """Whether there are statements enough, of both kinds, for a calibration of their own."""
    true = sum(each.true for each in found)
    return len(found) >= FEW and min(true, len(found) - true) >= FEW_OF_A_KIND


def limits_of(controls: Sequence[Sequence[float]]) -> Limits:
    """What the controls may score, from their scores in ordinary conversations, `CONTROLS` in their order each."""
    if not controls:
        return LIMITS
    columns = list(zip(zip(*controls, strict=True), CONTROLS, strict=True))
    false = [max(0.0, *column) for column, (_, true) in columns if not true]
    true = [min(1.0, *column) for column, (_, true) in columns if true]
    return Limits(sigmoid(logit(max(false)) + _ROOM), sigmoid(logit(min(true)) - _ROOM))


def _platt(points: Sequence[tuple[float, bool]]) -> tuple[float, float]:
    """Slope and intercept of greatest likelihood, by Newton's method; targets are smoothed, so it exists.

    Source: Lin, Lin and Weng, A note on Platt's probabilistic outputs for support vector machines, 2007.
    """
    true = sum(y for _, y in points)
    targets = {True: (true + 1) / (true + 2), False: 1 / (len(points) - true + 2)}
    slope, intercept = 1.0, 0.0
    for _ in range(100):
        ga = gb = 0.0
        haa = hbb = 1e-9
        hab = 0.0
        for x, y in points:
            p = sigmoid(slope * x + intercept)
            error, weight = p - targets[y], p * (1 - p)
            ga, gb = ga + error * x, gb + error
            haa, hab, hbb = haa + weight * x * x, hab + weight * x, hbb + weight
        size = haa * hbb - hab * hab
        step = ((hbb * ga - hab * gb) / size, (haa * gb - hab * ga) / size) if size > 0 else (ga, gb)
        scale = min(1.0, 2.0 / max(abs(step[0]), abs(step[1]), 1e-12))
        slope, intercept = slope - scale * step[0], intercept - scale * step[1]
        if max(map(abs, step)) < 1e-9:
            break
    return slope, intercept


def _shifted(general: Calibration, found: Sequence[Scored]) -> Calibration:
    """The general calibration with the intercept that the statement's own data ask for."""
    shift = 0.0
    for _ in range(50):
        chances = [sigmoid(general.slope * logit(each.score) + general.intercept + shift) for each in found]
        gradient = sum(p - each.true for p, each in zip(chances, found, strict=True)) + _PULL * shift
        curve = sum(p * (1 - p) for p in chances) + _PULL
        shift -= gradient / curve
    return Calibration(general.slope, general.intercept + shift, general.low, general.high)


def _cost(calibration: Calibration, found: Sequence[Scored], unknown_cost: float) -> float:
    truths = [(calibration.truth(calibration.probability(each.score)), each.true) for each in found]
    return sum(unknown_cost if truth is None else float(truth != true) for truth, true in truths)


def folder() -> Path:
    """Where calibrations are kept: the user's data folder, or `JURAT_CALIBRATIONS`."""
    given = os.environ.get("JURAT_CALIBRATIONS")
    return Path(given) if given else Path(platformdirs.user_data_dir("jurat", appauthor=False)) / "calibrations"


def file_of(digest: str, prompt: str, where: Path | None = None) -> Path:
    """The file of the calibration of the model with this digest under the prompt with that one."""
    both = hashlib.sha256(f"{digest}\0{prompt}".encode()).hexdigest()
    return (where or folder()) / f"{both[:32]}.json"


def store(calibrations: Calibrations, *, model: str, digest: str, prompt: str, where: Path | None = None) -> Path:
    """Keep a calibration for the model with this digest under the prompt with that one; gives the file."""
    path = file_of(digest, prompt, where)
    content = {
        "jurat_calibration": _FORMAT,
        "model": model,
        "digest": digest,
        "prompt": prompt,
        "general": asdict(calibrations.general),
        "limits": asdict(calibrations.limits),
        "own": {statement: asdict(each) for statement, each in sorted(calibrations.own.items())},
    }
    return keep(path, content)


def keep(path: Path, content: Mapping[str, Any]) -> Path:
    """Write a file as JSON, whole or not at all; gives the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(f".{os.getpid()}.part")
    half.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")
    half.replace(path)
    return path


def stored(digest: str, prompt: str, where: Path | None = None) -> Calibrations | None:
    """The calibration kept for a model and a prompt, or None.

    Raises:
        CalibrationError: there is one and it is damaged, or it was made for another model or prompt.
    """
    path = file_of(digest, prompt, where)
    try:
        content = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise CalibrationError(f"the calibration `{path}` cannot be read; make it again or delete it") from error
    return _checked(path, content, digest, prompt)


def _checked(path: Path, content: Any, digest: str, prompt: str) -> Calibrations:
    try:
        if (content["jurat_calibration"], content["digest"], content["prompt"]) != (_FORMAT, digest, prompt):
            raise CalibrationError(f"the calibration `{path}` was made for another model; make it again or delete it")
        limits = _limits(content["limits"])
        own = {name: _read(each) for name, each in content["own"].items()}
        return Calibrations(_read(content["general"]), own, limits)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CalibrationError(f"the calibration `{path}` is damaged; make it again or delete it") from error


def _limits(content: Mapping[str, Any]) -> Limits:
    read = Limits(*(float(content[name]) for name in ("false_high", "true_low")))
    if not (0 <= read.false_high <= 1 and 0 <= read.true_low <= 1):
        raise ValueError("numbers out of range")
    return read


def _read(content: Mapping[str, Any]) -> Calibration:
    read = Calibration(*(float(content[name]) for name in ("slope", "intercept", "low", "high")))
    if not (0 < read.slope < math.inf and math.isfinite(read.intercept) and 0 <= read.low < read.high <= 1):
        raise ValueError("numbers out of range")
    return read


def grouped(statements: Iterable[tuple[str, Scored]]) -> dict[str, list[Scored]]:
    """Scored statements by their text."""
    found: dict[str, list[Scored]] = {}
    for text, each in statements:
        found.setdefault(text, []).append(each)
    return found


def logit(probability: float) -> float:
    """Log-odds, finite for 0 and 1 too."""
    bounded = min(max(probability, 1e-9), 1 - 1e-9)
    return math.log(bounded / (1 - bounded))


def sigmoid(log_odds: float) -> float:
    """The probability of log-odds."""
    if log_odds < -700:
        return 0.0
    return 1 / (1 + math.exp(-log_odds))

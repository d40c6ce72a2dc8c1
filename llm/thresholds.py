"""From which resemblance on a statement is asked: how the threshold of an embedding model is fitted, and where it is kept."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jurat.llm.calibration import folder, keep
from jurat.llm.errors import CalibrationError
from jurat.llm.prefilter import Threshold

FEWEST = 30
"""Statements that hold, to fit on: with fewer of them no share close to all can be told."""
_FORMAT = 1


def fitted(holding: Sequence[float], recall: float) -> float:
    """The highest threshold that at least the share `recall` of these resemblances reaches.

    Raises:
        CalibrationError: there are too few.
    """
    if len(holding) < FEWEST:
        raise CalibrationError(f"{len(holding)} statements that hold are too few to fit on; {FEWEST} are needed")
    ranked = sorted(holding)
    return ranked[min(len(ranked) - 1, math.floor((1 - recall) * len(ranked) + 1e-9))]


def file_of(model: str, where: Path | None = None) -> Path:
    """The file of the threshold of an embedding model."""
    return (where or folder()) / f"embedding-{hashlib.sha256(model.encode()).hexdigest()[:32]}.json"


def store(threshold: Threshold, model: str, where: Path | None = None) -> Path:
    """Keep the threshold of an embedding model; gives the file."""
    content = {
        "jurat_threshold": _FORMAT,
        "model": model,
        "similarity": threshold.similarity,
        "recall": threshold.recall,
        "probe": list(threshold.probe),
    }
    return keep(file_of(model, where), content)


def stored(model: str, where: Path | None = None) -> Threshold | None:
    """The threshold kept for an embedding model, or None.

    Raises:
        CalibrationError: there is one and it is damaged.
    """
    path = file_of(model, where)
    try:
        content = json.loads(path.read_text("utf-8"))
        return _checked(content, model)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise CalibrationError(f"the threshold `{path}` cannot be read; make it again or delete it") from error


def _checked(content: Any, model: str) -> Threshold:
    if (content["jurat_threshold"], content["model"]) != (_FORMAT, model):
        raise ValueError("made for another model")
    read = Threshold(float(content["similarity"]), float(content["recall"]), tuple(map(float, content["probe"])))
    if not (
        -1 <= read.similarity <= 1 and 0 <= read.recall <= 1 and read.probe and all(map(math.isfinite, read.probe))
    ):
        raise ValueError("numbers out of range")
    return read

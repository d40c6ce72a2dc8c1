"""How a function of the program failed, in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from traceback import walk_tb
from typing import Any

from jurat.engine.containing import told


def name_of(function: Callable[..., Any]) -> str:
    """What a function is called."""
    return str(getattr(function, "__name__", type(function).__name__))


def failure(function: Callable[..., Any], error: BaseException) -> str:
    """The error's text, and the line of the function's file where it came up, if it did there."""
    text = told(error)
    file = getattr(getattr(function, "__code__", None), "co_filename", None)
    lines = [line for frame, line in walk_tb(error.__traceback__) if frame.f_code.co_filename == file]
    return f"{text} ({Path(str(file)).name}, line {lines[-1]})" if lines else text

"""Where in the user's program something was declared, so that findings and faults can show it."""

from __future__ import annotations

import linecache
import os
import sys
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from types import CodeType, FrameType

from jurat.policies.spans import NOWHERE, Span

_OURS = ("jurat.", "asyncio.")


def call_place() -> Span:
    """The call in the user's program that led here; :data:`NOWHERE` where there is none, as inside of a task of its own."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - the one way to ask who calls
    while frame is not None and _is_ours(str(frame.f_globals.get("__name__", ""))):
        frame = frame.f_back
    return NOWHERE if frame is None else _place(frame.f_code, frame.f_lasti, frame.f_lineno)


def raised_place(error: BaseException) -> Span:
    """The call in the user's program that an error came out of; :data:`NOWHERE` where none is in its traceback."""
    step, found = error.__traceback__, NOWHERE
    while step is not None:
        if not _is_ours(str(step.tb_frame.f_globals.get("__name__", ""))):
            found = _place(step.tb_frame.f_code, step.tb_lasti, step.tb_lineno)
        step = step.tb_next
    return found


def function_place(function: Callable[..., object]) -> Span:
    """The first line of a function."""
    code = getattr(function, "__code__", None)
    if code is None:
        return NOWHERE
    line = code.co_firstlineno
    text = linecache.getline(code.co_filename, line).rstrip("\n")
    return Span(shown_path(code.co_filename), line, 1, line, len(text) + 1)


def shown_path(path: str) -> str:
    """A file as a person would name it: below the current folder without that folder."""
    try:
        return str(Path(path).resolve().relative_to(Path.cwd()))
    except (ValueError, OSError):
        return path


def source_text(path: str) -> str | None:
    """The text of a file that places name; None where it cannot be read, as of `python -c`."""
    lines = linecache.getlines(path) or linecache.getlines(os.path.realpath(path))
    return "".join(lines) or None


def _is_ours(module: str) -> bool:
    return module == "asyncio" or module.startswith(_OURS)


def _place(code: CodeType, instruction: int, at: int) -> Span:
    name = code.co_filename
    positions = next(islice(code.co_positions(), instruction // 2, None), None)
    line, end_line, column, end_column = positions or (at, None, None, None)
    line = line or at
    end_line = end_line or line
    start = _characters(name, line, column or 0)
    end = _characters(name, end_line, end_column) if end_column is not None else start + 1
    return Span(shown_path(name), line, start + 1, end_line, end + 1)


def _characters(name: str, line: int, column: int) -> int:
    """A column that counts bytes as one that counts characters."""
    text = linecache.getline(name, line)
    return len(text.encode()[:column].decode(errors="ignore")) if text else column

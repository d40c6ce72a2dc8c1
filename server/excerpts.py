"""Lines of a policy with places marked in them, in the form that compilers made familiar."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from unicodedata import combining, east_asian_width

from rich.text import Text

from jurat.policies.spans import NOWHERE, Span

WIDEST = 160
"""Columns of a line that are shown."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A place and what to say of it; the main one gets carets."""

    span: Span
    label: str = ""
    main: bool = False


def excerpt(marks: Iterable[Mark], sources: Mapping[str, str]) -> Text:
    """The marked lines by file, the main mark's file first, each mark underlined and labelled below its line."""
    placed = [mark for mark in marks if mark.span.source != NOWHERE.source]
    if not placed:
        return Text()
    main = next((mark.span for mark in placed if mark.main), placed[0].span)
    margin = max(len(str(mark.span.line)) for mark in placed)
    text = Text()
    order = sorted(placed, key=lambda mark: (mark.span.source != main.source, mark.span, not mark.main))
    for source, group in groupby(order, key=lambda mark: mark.span.source):
        found = list(group)
        place = main if source == main.source else found[0].span
        text.append(f"{' ' * margin}--> ", "blue").append(f"{_printable(str(place))}\n")
        _lines(text, found, _split(source, sources), margin)
    return text


def _lines(text: Text, marks: list[Mark], lines: list[str], margin: int) -> None:
    bar = f"{' ' * margin} |"
    last = None
    for number, group in groupby(marks, key=lambda mark: mark.span.line):
        if not 0 < number <= len(lines):
            continue
        if last is None or number > last + 1:
            text.append(f"{bar}\n" if last is None else "...\n", "blue")
        line = lines[number - 1]
        for window, some in _windows(line, list(group)):
            text.append(f"{number:>{margin}} | ", "blue").append(f"{_shown(line, window)}\n")
            for mark in some:
                _underline(text, mark, line, window, bar)
        last = number


def _windows(line: str, marks: list[Mark]) -> list[tuple[range, list[Mark]]]:
    """The columns of a line that are shown and the marks in them: all of it, or the surroundings of each in turn."""
    if len(line) <= WIDEST:
        return [(range(len(line)), marks)]
    starts = [max(0, min(mark.span.column - 1, len(line)) - WIDEST // 2) for mark in marks]
    return [(range(start, min(start + WIDEST, len(line))), [mark]) for start, mark in zip(starts, marks, strict=True)]


def _shown(line: str, window: range) -> str:
    before, after = "…" if window.start else "", "…" if window.stop < len(line) else ""
    return before + _printable(line[window.start : window.stop]) + after


def _underline(text: Text, mark: Mark, line: str, window: range, bar: str) -> None:
    start = min(mark.span.column - 1, len(line))
    end = mark.span.end_column - 1 if mark.span.end_line == mark.span.line else len(line.rstrip())
    end = min(max(end, start), window.stop)
    indent = _cells(_printable(line[window.start : start])) + (1 if window.start else 0)
    width = max(1, _cells(_printable(line[start:end])))
    style = "bold red" if mark.main else "bold blue"
    text.append(f"{bar} ", "blue").append(" " * indent + ("^" if mark.main else "-") * width, style)
    text.append(f" {_printable(mark.label)}\n" if mark.label else "\n", style)


def _split(source: str, sources: Mapping[str, str]) -> list[str]:
    """The lines of a text that was read, or of the file if it was not."""
    if source in sources:
        return sources[source].removeprefix("\ufeff").splitlines()
    try:
        return Path(source).read_text("utf-8", "replace").splitlines()
    except (OSError, ValueError):
        return []  # the place alone is shown


def _printable(text: str) -> str:
    """The text without characters that would act on a terminal."""
    return "".join(
        "    " if char == "\t" else char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text
    )


def _cells(text: str) -> int:
    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)

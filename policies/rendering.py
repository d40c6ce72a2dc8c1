"""Diagnostics for people and programs: with the source line and carets, one a line, or as JSON."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unicodedata import combining, east_asian_width

from jurat.policies.diagnostics import Diagnostic
from jurat.policies.limits import FILE_BYTES
from jurat.policies.reader.source import lines_of
from jurat.policies.spans import Span

if TYPE_CHECKING:
    from rich.text import Text

_WIDEST = 160
_TAB = "    "


def render(diagnostics: Iterable[Diagnostic], sources: Mapping[str, str] | None = None) -> str:
    """All diagnostics in the form that compilers made familiar, as plain text.

    ``sources`` are the texts that spans name (as ``Policy.sources``); a text missing there is read from its file, and
    where that cannot be, the diagnostic is shown without its line.
    """
    return render_text(diagnostics, sources).plain


def render_colour(diagnostics: Iterable[Diagnostic], sources: Mapping[str, str] | None = None) -> str:
    """As :func:`render`, with the escape sequences of a colour terminal."""
    from rich.console import Console

    console = Console(force_terminal=True, color_system="standard", no_color=False, soft_wrap=True)
    with console.capture() as capture:
        console.print(render_text(diagnostics, sources), end="")
    return capture.get()


def render_text(diagnostics: Iterable[Diagnostic], sources: Mapping[str, str] | None = None) -> Text:
    """As :func:`render`, styled, for a console of rich."""
    from rich.text import Text

    lines = _Lines(sources or {})
    found = sorted(diagnostics)
    blocks = [_block(each, lines) for each in found]
    return Text("\n").join([*blocks, Text(_summary(len(found)) + "\n", "bold")])


def render_lines(diagnostics: Iterable[Diagnostic]) -> str:
    """One line each: ``file:line:column: error[P301]: message (help)``."""
    return "".join(f"{_line(each)}\n" for each in sorted(diagnostics))


def _line(diagnostic: Diagnostic) -> str:
    advice = f" ({diagnostic.help})" if diagnostic.help else ""
    return _one_line(f"{diagnostic.span}: error[{diagnostic.code}]: {diagnostic.message}{advice}")


def as_json(diagnostics: Iterable[Diagnostic]) -> list[dict[str, Any]]:
    """For :mod:`json`: objects with ``code``, ``message``, ``span``, ``quote``, ``help`` and ``related``."""
    return [
        {
            "code": each.code,
            "message": each.message,
            "span": span_as_json(each.span),
            "quote": each.quote,
            "help": each.help,
            "related": [{"span": span_as_json(note.span), "message": note.message} for note in each.related],
        }
        for each in sorted(diagnostics)
    ]


def span_as_json(span: Span) -> dict[str, Any]:
    """A span as an object; lines and columns count from 1, the end is exclusive."""
    return {
        "source": span.source,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
    }


class _Lines:
    """Lines of the texts that spans name."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        self._sources = sources
        self._split: dict[str, list[str]] = {}

    def get(self, source: str, line: int) -> str | None:
        if source not in self._split:
            text = self._sources[source] if source in self._sources else _file_text(source)
            self._split[source] = lines_of(text.removeprefix("\ufeff")) if text else []
        lines = self._split[source]
        return lines[line - 1] if 0 < line <= len(lines) else None


def _file_text(name: str) -> str:
    path = Path(name)
    try:
        if not path.is_file() or os.path.getsize(path) > FILE_BYTES:  # noqa: PTH202 - as the reader measures it
            return ""
        return path.read_bytes().decode("utf-8", "replace")
    except (OSError, ValueError):
        return ""  # the diagnostic itself says that the file cannot be read


def _block(diagnostic: Diagnostic, lines: _Lines) -> Text:
    """One diagnostic with its line, its notes and its help."""
    from rich.text import Text

    margin = " " * max(len(str(each.line)) for each in (diagnostic.span, *(note.span for note in diagnostic.related)))
    text = Text()
    text.append(f"error[{diagnostic.code}]", "bold red").append(": ", "bold")
    text.append(f"{_one_line(diagnostic.message)}\n", "bold")
    _excerpt(text, diagnostic.span, lines, margin, "red")
    for note in diagnostic.related:
        text.append(f"{margin} = ", "blue").append("note", "bold").append(f": {_one_line(note.message)}\n")
        _excerpt(text, note.span, lines, margin, "blue")
    if diagnostic.help:
        text.append(f"{margin} = ", "blue").append("help", "bold cyan").append(f": {_one_line(diagnostic.help)}\n")
    return text


def _excerpt(text: Text, span: Span, lines: _Lines, margin: str, colour: str) -> None:
    text.append(f"{margin}--> ", "blue").append(f"{_one_line(str(span))}\n")
    line = lines.get(span.source, span.line)
    if line is None:
        return
    shown, indent, width = _window(line, span)
    text.append(f"{margin} |\n{span.line:>{len(margin)}} | ", "blue").append(f"{shown}\n")
    text.append(f"{margin} | ", "blue").append(f"{' ' * indent}{'^' * width}\n", colour)


def _window(line: str, span: Span) -> tuple[str, int, int]:
    """The part of a long line around the span, how far to indent the carets, and how many."""
    start = min(span.column - 1, len(line))
    end = min(span.end_column - 1, len(line)) if span.end_line == span.line else len(line.rstrip())
    first = max(0, start - _WIDEST // 2) if len(line) > _WIDEST else 0
    last = min(len(line), first + _WIDEST)
    end = min(max(end, start), last)
    before = "…" if first else ""
    shown = before + _printable(line[first:last]) + ("…" if last < len(line) else "")
    return shown, _cells(before + _printable(line[first:start])), max(1, _cells(_printable(line[start:end])))


def _printable(text: str) -> str:
    """The text without characters that would act on a terminal."""
    text = text.replace("\t", _TAB)
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def _cells(text: str) -> int:
    """How many columns of a terminal a text takes."""
    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)


def _one_line(text: str) -> str:
    return _printable(" ".join(text.split()))


def _summary(count: int) -> str:
    return "no errors" if not count else "1 error" if count == 1 else f"{count} errors"

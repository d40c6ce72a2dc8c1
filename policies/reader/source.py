"""A text that a policy was read from, and places in it."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property

from jurat.policies.limits import QUOTE_CHARACTERS
from jurat.policies.spans import Span

LINE_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
"""What ends a line in YAML; Python's own idea of a line has more."""


@dataclass(frozen=True)
class Source:
    """A named text; an index counts its characters from 0."""

    name: str
    text: str

    @cached_property
    def starts(self) -> list[int]:
        """The index at which each line starts."""
        return [0, *(each.end() for each in LINE_BREAK.finditer(self.text))]

    def position(self, index: int) -> tuple[int, int]:
        """Line and column of an index, both from 1."""
        line = bisect_right(self.starts, index)
        return line, index - self.starts[line - 1] + 1

    def span(self, start: int, end: int) -> Span:
        """The stretch from one index to another, which is not part of it."""
        return Span(self.name, *self.position(start), *self.position(max(start, end)))

    def quote(self, start: int, end: int) -> str:
        """The author's text there, shortened when long."""
        text = self.text[start : min(end, start + QUOTE_CHARACTERS + 1)]
        return text if len(text) <= QUOTE_CHARACTERS else text[:QUOTE_CHARACTERS] + "…"


def lines_of(text: str) -> list[str]:
    """The lines of a text as YAML counts them."""
    return LINE_BREAK.split(text)

"""What is wrong with a policy's text, as data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches

from jurat.policies.spans import Span


@dataclass(frozen=True, slots=True, order=True)
class Note:
    """A second place that explains the first."""

    span: Span
    message: str


@dataclass(frozen=True, slots=True, order=True)
class Diagnostic:
    """One fault of a policy's text; ``quote`` is the author's own text at the span."""

    span: Span
    code: str
    message: str
    quote: str = ""
    help: str = ""
    related: tuple[Note, ...] = field(default=())

    def __str__(self) -> str:
        return f"{self.span}: {self.message}" + (f" ({self.help})" if self.help else "")


def near_miss(name: str, known: Iterable[str]) -> str:
    """``did you mean `x`?`` for the closest known name, or nothing."""
    close = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"did you mean `{close[0]}`?" if close else ""

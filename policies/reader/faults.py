"""Collecting everything that is wrong with a policy, so that its author hears of it at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from jurat.policies.diagnostics import Diagnostic, Note, near_miss
from jurat.policies.errors import PolicyError
from jurat.policies.limits import DIAGNOSTICS, MESSAGE_CHARACTERS, NEAR_MISS_COMPARISONS
from jurat.policies.reader.nodes import Node
from jurat.policies.spans import Span


class Faults:
    """The diagnostics found so far."""

    def __init__(self) -> None:
        self.found: list[Diagnostic] = []
        self._dropped = 0
        self._comparisons_left = NEAR_MISS_COMPARISONS

    def __bool__(self) -> bool:
        return bool(self.found)

    def at(self, node: Node, code: str, message: str, *, help: str = "", related: Iterable[Note] = ()) -> None:  # noqa: A002
        """One fault, at a node of a file."""
        self.add(Diagnostic(node.span, code, message, node.quote, help, tuple(related)))

    def place(self, span: Span, code: str, message: str, *, quote: str = "", help: str = "") -> None:  # noqa: A002
        """One fault, at a place that is no node."""
        self.add(Diagnostic(span, code, message, quote, help))

    def add(self, diagnostic: Diagnostic) -> None:
        """One fault that somebody else described; repeated ones, as aliases make them, count once."""
        if len(self.found) >= DIAGNOSTICS:
            self._dropped += 1
            return
        message, advice = _on_one_line(diagnostic.message), _on_one_line(diagnostic.help)
        self.found.append(replace(diagnostic, message=message, help=advice))

    def forget(self, codes: Collection[str]) -> None:
        """Leave out the faults with these codes, which follow from others."""
        self.found = [each for each in self.found if each.code not in codes]

    def near_miss(self, name: str, known: Collection[str]) -> str:
        """``did you mean`` for the closest known name, until the policy's share of comparisons is used up."""
        if len(self.found) >= DIAGNOSTICS:
            return ""
        self._comparisons_left -= len(known)
        return near_miss(name, known) if self._comparisons_left >= 0 else ""

    def stop(self) -> None:
        """Raise PolicyError when there is any fault."""
        if not self.found:
            return
        if self._dropped:
            last = max(self.found)
            message = f"{self._dropped} more faults are not shown"
            self.found.append(Diagnostic(last.span, "P999", message, help="mend these first"))
        raise PolicyError(list(dict.fromkeys(self.found)))


def _on_one_line(text: str) -> str:
    """A message, whatever names the author put into it."""
    line = " ".join(text.split())
    return line if len(line) <= MESSAGE_CHARACTERS else line[:MESSAGE_CHARACTERS] + "…"

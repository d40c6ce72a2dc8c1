"""Propositional clauses, built bottom up: literals are non-zero ints as in DIMACS, ``-n`` is the negation of ``n``.

Conjunctions are named once each by new variables (Tseitin, 1968), defined in both directions, so that a formula built
for one question constrains no other. Constants are simplified away.
"""

from __future__ import annotations

from collections.abc import Iterable

TRUE = 1
FALSE = -1


class Clauses:
    """Clauses that a solver has yet to be given; ``top`` is the last variable in use."""

    __slots__ = ("_named", "pending", "top")

    def __init__(self) -> None:
        self.top = TRUE
        self.pending: list[list[int]] = [[TRUE]]
        self._named: dict[tuple[int, ...], int] = {}

    def new(self) -> int:
        """A variable of its own."""
        self.top += 1
        return self.top

    def add(self, *literals: int) -> None:
        """One of these is true."""
        self.pending.append([*literals])

    def take(self) -> list[list[int]]:
        """The clauses added since the last call."""
        found, self.pending = self.pending, []
        return found

    def all_of(self, literals: Iterable[int]) -> int:
        """A literal that is true exactly when all of these are."""
        parts = set(literals)
        parts.discard(TRUE)
        if len(parts) < 2:
            return parts.pop() if parts else TRUE
        if FALSE in parts or any(-literal in parts for literal in parts):
            return FALSE
        key = tuple(sorted(parts))
        name = self._named.get(key)
        return self._name(key) if name is None else name

    def _name(self, key: tuple[int, ...]) -> int:
        name = self._named[key] = self.new()
        self.pending += [[-name, literal] for literal in key]
        self.pending.append([name, *(-literal for literal in key)])
        return name

    def any_of(self, literals: Iterable[int]) -> int:
        """A literal that is true exactly when one of these is."""
        return -self.all_of([-literal for literal in literals])

    def equal(self, left: int, right: int) -> int:
        """A literal that is true exactly when these two agree."""
        return self.any_of((self.all_of((left, right)), self.all_of((-left, -right))))

    def exclusive(self) -> tuple[int, int]:
        """Two variables that are never both true: certainly true, certainly false."""
        true, false = self.new(), self.new()
        self.pending.append([-true, -false])
        return true, false

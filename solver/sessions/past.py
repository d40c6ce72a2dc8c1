"""What past-time operators say of positions that are known, straight from their definition (semantics, section 5).

The definition and not the update rule, so that a counterexample is not checked by what found it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jurat.policies.evaluation import evaluate
from jurat.policies.expr import Atom, Event, Expr, Fact, History, JourneyActive, key_of
from jurat.policies.model import FactDeclaration
from jurat.policies.types import Value


@dataclass(frozen=True, slots=True)
class Moment:
    """What took place at a position, and the facts and journeys then."""

    events: frozenset[str]
    turn: int
    at: float
    values: Mapping[str, Value]


class Past:
    """The moments of a session so far."""

    def __init__(self, moments: Sequence[Moment], facts: Mapping[str, FactDeclaration]) -> None:
        self.moments = moments
        self.facts = facts

    def value(self, history: History, at: int) -> bool | int:
        """What an operator says at a position."""
        window = [each for each in range(at + 1) if self._near(history, each, at)]
        last = history.operands[-1]
        match history.operator:
            case "once":
                return any(self.holds(last, each) for each in window)
            case "historically":
                return all(self.holds(last, each) for each in window)
            case "previously":
                return at - 1 in window and self.holds(last, at - 1)
            case "count":
                return sum(self.holds(last, each) for each in window)
            case "since":
                lasting = history.operands[0]
                return any(
                    self.holds(last, start) and all(self.holds(lasting, each) for each in range(start + 1, at + 1))
                    for start in window
                )

    def ages(self, history: History, at: int) -> list[float]:
        """How long ago it was, in the operator's unit, that what it looks for was so; the latest first.

        ``historically`` looks for when it was not so, ``since`` only as far back as the other operand lasted.
        """
        found: list[float] = []
        last = history.operands[-1]
        for each in range(at, -1, -1):
            if self.holds(last, each) is not (history.operator == "historically"):
                found.append(self._age(history, each, at))
            if history.operator == "since" and not self.holds(history.operands[0], each):
                break
        return found

    def holds(self, expr: Expr, at: int) -> bool:
        """A formula is certainly true at a position."""
        return evaluate(expr, lambda atom: self.look(atom, at)) is True

    def look(self, atom: Atom, at: int) -> Value | None:
        """The value of an atom at a position."""
        moment = self.moments[at]
        if isinstance(atom, History):
            return self.value(atom, at)
        if isinstance(atom, Event):
            return atom.key in moment.events
        found = moment.values.get(key_of(atom))
        if isinstance(atom, Fact) and found is None:
            return self.facts[atom.path].default
        return False if found is None and isinstance(atom, JourneyActive) else found

    def _near(self, history: History, there: int, here: int) -> bool:
        if history.within is None:
            return True
        age = self._age(history, there, here)
        return age < history.within if history.unit == "turns" else age <= history.within

    def _age(self, history: History, there: int, here: int) -> float:
        old, new = self.moments[there], self.moments[here]
        return new.turn - old.turn if history.unit == "turns" else new.at - old.at

"""The past of a session as formulas see it: past-time operators over its list of positions (semantics, section 5).

Standard past-time linear temporal logic (Manna and Pnueli, The Temporal Logic of Reactive and Concurrent Systems,
1992) over finite traces: ``once`` and ``since`` include the present position, ``previously`` is the position before
it, ``historically`` is every position. An event holds at its own position only. A formula holds at a position when it
is certainly true there, as :func:`jurat.policies.valuation.without_past` has it for the first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from jurat.engine.session import Moment
from jurat.policies.evaluation import evaluate
from jurat.policies.expr import Atom, Event, Expr, Fact, History, JourneyActive, key_of
from jurat.policies.model import FactDeclaration
from jurat.policies.types import Value

Facts = dict[str, FactDeclaration]


def history_value(history: History, moments: Sequence[Moment], facts: Facts) -> bool | int:
    """What an operator says at the last of the moments; false or 0 where there are none."""
    return _Past(moments, facts).value(history, len(moments) - 1)


class _Past:
    """Operators at positions, each computed once."""

    def __init__(self, moments: Sequence[Moment], facts: Facts) -> None:
        self._moments = moments
        self._facts = facts
        self._known: dict[tuple[History, int], bool | int] = {}

    def value(self, history: History, at: int) -> bool | int:
        key = (history, at)
        if key not in self._known:
            self._known[key] = _OPERATORS[history.operator](self, history, at)
        return self._known[key]

    def holds(self, expr: Expr, at: int) -> bool:
        return evaluate(expr, lambda atom: self._look(atom, at)) is True

    def window(self, history: History, at: int) -> range:
        """The positions up to this one that ``within`` lets it see."""
        start = 0
        while start <= at and not self._near(history, start, at):
            start += 1
        return range(start, at + 1)

    def _near(self, history: History, there: int, here: int) -> bool:
        if history.within is None:
            return True
        old, new = self._moments[there], self._moments[here]
        if history.unit == "turns":
            return new.turn - old.turn < history.within
        return new.at - old.at <= history.within

    def _look(self, atom: Atom, at: int) -> Value | None:
        moment = self._moments[at]
        if isinstance(atom, History):
            return self.value(atom, at)
        if isinstance(atom, Event):
            return atom.key in moment.events
        if isinstance(atom, Fact):
            declared = self._facts.get(atom.path)
            return moment.values.get(atom.path, declared.default if declared else None)
        return moment.values.get(key_of(atom), False if isinstance(atom, JourneyActive) else None)


def _once(past: _Past, history: History, at: int) -> bool:
    return any(past.holds(history.operands[0], each) for each in past.window(history, at))


def _since(past: _Past, history: History, at: int) -> bool:
    """``since(a, b)``: b held at some position, and a at every one after it up to now."""
    lasting, start = history.operands
    for each in reversed(past.window(history, at)):
        if past.holds(start, each):
            return True
        if not past.holds(lasting, each):
            return False
    return False


def _previously(past: _Past, history: History, at: int) -> bool:
    return at - 1 in past.window(history, at) and past.holds(history.operands[0], at - 1)


def _historically(past: _Past, history: History, at: int) -> bool:
    return at >= 0 and all(past.holds(history.operands[0], each) for each in past.window(history, at))


def _count(past: _Past, history: History, at: int) -> int:
    return sum(past.holds(history.operands[0], each) for each in past.window(history, at))


_OPERATORS: dict[str, Callable[[_Past, History, int], bool | int]] = {
    "once": _once,
    "since": _since,
    "previously": _previously,
    "historically": _historically,
    "count": _count,
}

"""What every past has in common, as clauses between events and past-time operators.

The past itself is free. An event outside of history means "in this turn so far" and inside "at this position"
(docs/engine.md), so that now and the past are joined only where both readings agree. Windows end at the present
position: of two on one formula the wider one sees whatever the narrower one sees. A call that succeeded was started
earlier in the same turn, and where one tool failed some tool did, at that very position.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from jurat.policies.expr import Atom, Event, Expr, History, Not, atoms
from jurat.solver.sat.clauses import Clauses
from jurat.solver.sat.formulas import Formulas

ANY = "*"


class Past:
    """The laws between the atoms of one component; each pair of atoms is looked at once."""

    def __init__(self, clauses: Clauses, formulas: Formulas) -> None:
        self.open = False
        """Whether an operator looks at something that had to be left open."""
        self._clauses = clauses
        self._formulas = formulas
        self._seen = 0
        self._events: dict[tuple[str, str | None], Event] = {}
        self._by_operand: dict[Expr, list[History]] = defaultdict(list)

    def catch_up(self) -> None:
        """State the laws about all atoms met since the last call."""
        met = self._formulas.atoms.met
        while self._seen < len(met):
            atom = met[self._seen]
            self._seen += 1
            if isinstance(atom, Event):
                self._event(atom)
            elif isinstance(atom, History):
                self._history(atom)

    def _event(self, event: Event) -> None:
        self._events[event.name, event.argument] = event
        for one, other in [(event, each) for each in above(event)] + [(each, event) for each in self._below(event)]:
            if (other.name, other.argument) in self._events:
                self._follows(self._now(one), self._now(other))

    def _below(self, event: Event) -> Iterator[Event]:
        """The events met so far that cannot happen without this one."""
        if event.name == "called" and ("succeeded", event.argument) in self._events:
            yield self._events["succeeded", event.argument]
        if event.name == "failed" and event.argument == ANY:
            yield from [each for each in self._events.values() if each.name == "failed" and each != event]

    def _history(self, history: History) -> None:
        self._formulas.watch()
        self._beside_now(history)
        self.open = self.open or self._formulas.open
        operand = history.operands[-1]
        others = self._by_operand[operand]
        for other in others:
            self._same_operand(history, other)
            self._same_operand(other, history)
        others.append(history)
        if isinstance(operand, Event):
            self._other_events(history, operand)

    # -- an operator and the present -----------------------------------------------------------------------------

    def _beside_now(self, history: History) -> None:
        last = history.operands[-1]
        if history.operator == "since":
            self._since(history)
        elif history.operator != "previously" and _read_alike(last):
            held = self._formulas.truth(last)[0]
            if history.operator == "historically":
                self._follows(self._now(history), held)
            elif not _may_have_passed(history, last):
                self._follows(held, self._happened(history))

    def _since(self, history: History) -> None:
        lasting, start = history.operands
        if _eventless(start):
            self._follows(self._formulas.truth(start)[0], self._now(history))
        if all(_eventless(each) or isinstance(each, Event) for each in (lasting, start)):
            either = (self._formulas.truth(each)[0] for each in (lasting, start))
            self._clauses.add(-self._now(history), *either)

    # -- two operators -------------------------------------------------------------------------------------------

    def _same_operand(self, one: History, other: History) -> None:
        """What ``one`` says of ``other``, which looks at the same formula."""
        wider = _covers(other, one)
        if one.operator == "historically":
            if other.operator == "historically" and _covers(one, other):
                self._follows(self._now(one), self._now(other))
            # The present is in every window, but a count by turns or seconds is not compared with "always".
            if other.operator == "once" or (other.operator == "count" and one.within is other.within is None):
                self._follows(self._now(one), self._happened(other))
        elif wider and one.operator == other.operator == "count":
            self._at_most(one, other)
        elif wider and other.operator in ("once", "count"):
            self._follows(self._happened(one), self._happened(other))

    def _other_events(self, history: History, operand: Event) -> None:
        for higher in above(operand):
            for other in self._by_operand.get(higher, ()):
                self._implied(history, operand, other)
        for lower in self._looked_at_below(operand):
            for other in self._by_operand[lower]:
                self._implied(other, lower, history)

    def _looked_at_below(self, operand: Event) -> list[Event]:
        """The events looked at so far that cannot have happened without this one."""
        if operand.name == "called":
            lower = Event("succeeded", operand.argument)
            return [lower] if lower in self._by_operand else []
        if operand != Event("failed", ANY):
            return []
        return [each for each in self._by_operand if isinstance(each, Event) and operand in above(each)]

    def _implied(self, one: History, operand: Event, other: History) -> None:
        """``other`` looks at an event that cannot but have happened where ``operand`` did, or earlier in its turn."""
        if not _covers(other, one) or one.operator == "historically" or other.operator not in ("once", "count"):
            return
        same_position = operand.name == "failed"
        if same_position or other.within is None or other.unit == "turns":
            self._follows(self._happened(one), self._happened(other))
        if same_position and one.operator == other.operator == "count":
            self._at_most(one, other)

    # -- clauses -------------------------------------------------------------------------------------------------

    def _now(self, atom: Atom) -> int:
        return self._formulas.atoms.pair(atom)[0]

    def _happened(self, history: History) -> int:
        """That the last operand held at some position that the operator sees."""
        if history.operator == "count":
            return self._formulas.atoms.scale(history)[1].reached(1)
        return self._now(history)

    def _follows(self, premise: int, conclusion: int) -> None:
        self._clauses.add(-premise, conclusion)

    def _at_most(self, one: History, other: History) -> None:
        self._formulas.atoms.scale(one)[1].stay_below(self._formulas.atoms.scale(other)[1])


def above(event: Event) -> list[Event]:
    """The events that happened wherever this one did."""
    if event.name == "succeeded":
        return [Event("called", event.argument)]
    return [Event("failed", ANY)] if event.name == "failed" and event.argument != ANY else []


def _covers(wide: History, narrow: History) -> bool:
    """Whether one operator sees every position that the other one sees."""
    if wide.within is None or narrow.within is None:
        return wide.within is None
    return wide.unit == narrow.unit and wide.within >= narrow.within


def _may_have_passed(history: History, last: Expr) -> bool:
    """Whether an event of this turn can be outside the window: in turns it never is, in seconds it can be."""
    return isinstance(last, Event) and history.within is not None and history.unit == "seconds"


def _eventless(expr: Expr) -> bool:
    return not any(isinstance(atom, Event | History) for atom in atoms(expr))


def _read_alike(expr: Expr) -> bool:
    """Whether a formula says the same of the turn so far and of the present position, as far as these laws use it."""
    return isinstance(expr.operand if isinstance(expr, Not) else expr, Event) or _eventless(expr)

"""Past-time operators as variables that each position updates from the one before.

The standard incremental reading of past-time temporal logic (Havelund and Rosu, Synthesizing monitors for safety
properties, 2002): ``once``, ``since`` and ``historically`` need one Boolean, ``previously`` what its operand was,
``count`` a number. A window keeps how long ago it was: of ``once`` and ``since`` the latest time, of ``historically`` the
latest time it was not so, of ``count`` the latest few.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

import z3

from jurat.policies.expr import Compare, Const, Expr, History, key_of, walk
from jurat.solver.build import YES, all_of, any_of, implication, negation, same
from jurat.solver.formulas import truth
from jurat.solver.sessions.past import Past
from jurat.solver.sessions.steps import Part, before, part
from jurat.solver.terms import Atoms

MOST_KEPT = 8
"""How many times of one window are kept; beyond them its count may be anything greater."""


class Monitors:
    """The operators of a slice.

    Args:
        histories: the operators, nested ones included.
        position: atoms as they are at a position.
        new_turn: the position begins a turn.
        seconds: the time since the position before.
        most: the largest number that a count is compared with.
    """

    def __init__(
        self, histories: Iterable[History], position: Atoms, new_turn: z3.BoolRef, seconds: z3.ArithRef, most: int
    ) -> None:
        self.histories = sorted(histories, key=key_of)
        self.position = position
        self.seconds = seconds
        self.turns = z3.If(new_turn, z3.IntVal(1), z3.IntVal(0))
        self.kept = min(most + 1, MOST_KEPT)

    def start(self) -> Iterator[Part]:
        """Before the first position nothing has been."""
        for history in self.histories:
            name, never = key_of(history), history.operator == "historically"
            value = self._value(history)
            formulas = [value == 0] if history.operator == "count" else [value if never else negation(value)]
            formulas += [negation(self._held(history))] if history.operator == "previously" else []
            formulas += [negation(seen) for seen, _ in self._times(history)]
            yield part(f"history:{name}", formulas)

    def moves(self) -> Iterator[Part]:
        """What each position makes of the one before."""
        for history in self.histories:
            yield part(f"history:{key_of(history)}", self._rules(history))

    def resumed(self, past: Past, at: int) -> Iterator[tuple[z3.ExprRef, z3.ExprRef]]:
        """The variables after the position ``at`` of a known session, with their values there."""
        for history in self.histories:
            value = past.value(history, at)
            yield self._value(history), z3.BoolVal(value) if isinstance(value, bool) else z3.IntVal(value)
            if history.operator == "previously":
                yield self._held(history), z3.BoolVal(past.holds(history.operands[0], at))
            ages = past.ages(history, at)
            for number, (seen, age) in enumerate(self._times(history)):
                yield seen, z3.BoolVal(number < len(ages))
                if number < len(ages):
                    yield age, _number(age, ages[number])

    def _rules(self, history: History) -> list[z3.BoolRef]:
        value, now = self._value(history), [self._now(each) for each in history.operands]
        if history.operator == "previously":
            was = before(self._held(history))
            return [
                same(self._held(history), now[0]),
                same(value, all_of((was, self._near(history, self._step(history))))),
            ]
        if history.operator == "count":
            return self._count(history, now[0])
        if history.within is not None:
            return self._windowed(history, now)
        was = before(value)
        if history.operator == "once":
            return [same(value, any_of((now[0], was)))]
        if history.operator == "historically":
            return [same(value, all_of((now[0], was)))]
        return [same(value, any_of((now[1], all_of((now[0], was)))))]

    def _windowed(self, history: History, now: list[z3.BoolRef]) -> list[z3.BoolRef]:
        """The latest time that matters is the only one that does."""
        [(seen, age)] = self._times(history)
        starts = negation(now[0]) if history.operator == "historically" else now[-1]
        lasts = now[0] if history.operator == "since" else YES
        near = all_of((seen, self._near(history, age)))
        return [
            same(seen, any_of((starts, all_of((lasts, before(seen)))))),
            same(age, z3.If(starts, _zero(age), before(age) + self._step(history))),
            same(self._value(history), negation(near) if history.operator == "historically" else near),
        ]

    def _count(self, history: History, now: z3.BoolRef) -> list[z3.BoolRef]:
        value = self._value(history)
        if history.within is None:
            return [same(value, before(value) + z3.If(now, z3.IntVal(1), z3.IntVal(0)))]
        times = self._times(history)
        rules: list[z3.BoolRef] = []
        for place, (seen, age) in enumerate(times):
            older = times[place - 1] if place else (YES, _zero(age))
            aged = before(age) + self._step(history)
            pushed = older[0] if not place else before(older[0])
            pushed_age = _zero(age) if not place else before(older[1]) + self._step(history)
            rules.append(same(seen, z3.If(now, pushed, before(seen))))
            rules.append(same(age, z3.If(now, pushed_age, aged)))
        return [*rules, *self._counted(history, times, value)]

    def _counted(
        self, history: History, times: list[tuple[z3.BoolRef, z3.ArithRef]], value: z3.ArithRef
    ) -> list[z3.BoolRef]:
        """The times are in order, so as many are near as the first that is not; beyond the last it may be more."""
        near = [all_of((seen, self._near(history, age))) for seen, age in times]
        rules = [implication(negation(each), value <= place) for place, each in enumerate(near)]
        return [*rules, *(implication(each, value >= place + 1) for place, each in enumerate(near)), value >= 0]

    # -- variables -----------------------------------------------------------------------------------------------

    def _value(self, history: History) -> z3.ExprRef:
        atoms = self.position
        return atoms.term(history).value if history.operator == "count" else atoms.truth(history).true

    def _held(self, history: History) -> z3.BoolRef:
        return z3.Bool(f"{key_of(history)!a} holds here")

    def _times(self, history: History) -> list[tuple[z3.BoolRef, z3.ArithRef]]:
        if history.within is None or history.operator == "previously":
            return []
        kept = self.kept if history.operator == "count" else 1
        sort = z3.IntSort() if history.unit == "turns" else z3.RealSort()
        name = ascii(key_of(history))
        return [(z3.Bool(f"{name} time {n} is one"), z3.Const(f"{name} time {n}", sort)) for n in range(kept)]

    def _now(self, operand: Expr) -> z3.BoolRef:
        return truth(operand, self.position).true

    def _step(self, history: History) -> z3.ArithRef:
        return self.turns if history.unit == "turns" else self.seconds

    def _near(self, history: History, age: z3.ArithRef) -> z3.BoolRef:
        if history.within is None:
            return YES
        return age < history.within if history.unit == "turns" else age <= history.within


def _number(like: z3.ArithRef, value: float) -> z3.ArithRef:
    return z3.RealVal(str(Fraction(value))) if z3.is_real(like) else z3.IntVal(int(value))


def _zero(age: z3.ArithRef) -> z3.ArithRef:
    return z3.RealVal(0) if z3.is_real(age) else z3.IntVal(0)


def largest_count(exprs: Iterable[Expr]) -> int:
    """The largest whole number that a count is compared with."""
    found = [1]
    for compare in (each for expr in exprs for each in walk(expr) if isinstance(each, Compare)):
        sides = (compare.left, compare.right)
        if any(isinstance(part, History) for side in sides for part in walk(side)):
            found += [int(side.value) for side in sides if isinstance(side, Const) and isinstance(side.value, int)]
    return max(found)

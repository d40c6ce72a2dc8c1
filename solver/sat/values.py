"""From a model back to a situation: for each atom a plain value of its type that lies between its cut points."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from jurat.policies.errors import InternalError
from jurat.policies.expr import Atom, Event, Fact, History, JourneyActive, Observation, key_of
from jurat.policies.types import (
    BoolType,
    DecimalType,
    DurationType,
    EnumType,
    ListType,
    Scalar,
    StringType,
    TimestampType,
    Value,
)
from jurat.policies.values import decimal_of
from jurat.solver.sat.component import Component
from jurat.solver.sat.scales import EPOCH, MICROSECOND, Point, Scale


def situation(component: Component, assumptions: Sequence[int], atoms: list[Atom]) -> dict[str, Value]:
    """A plain situation in which the assumptions are true: known where it can be, and as little happening as can be.

    Raises:
        InternalError: there is none, although there was one before.
    """
    found = _Wishes(component, assumptions)
    pairs = [component.atoms.pair(atom) for atom in atoms if isinstance(atom, Observation)]
    found.wish([component.clauses.any_of(pair) for pair in pairs])
    found.wish([false for _, false in pairs])
    found.wish([component.atoms.pair(atom)[1] for atom in atoms if _can_be_still(atom)])
    values = ((key_of(atom), _value(component, atom, found.model)) for atom in atoms)
    return {key: value for key, value in values if value is not None}


def _can_be_still(atom: Atom) -> bool:
    return isinstance(atom, Event | JourneyActive | History) and isinstance(atom.type, BoolType)


class _Wishes:
    """A model of some assumptions, to which wishes are added while there still is one."""

    def __init__(self, component: Component, assumptions: Sequence[int]) -> None:
        self._component = component
        self._granted = [*assumptions]
        if not component.solve(self._granted):
            raise InternalError("a situation was asked for where there is none")
        self.model = component.model()

    def wish(self, literals: list[int]) -> None:
        """Grant as many as can be, the earlier ones first; halves are tried where all fail."""
        wanted = [literal for literal in literals if literal not in self._granted]
        if not wanted:
            return
        if self.model.issuperset(wanted):
            self._granted += wanted
        elif self._component.solve([*self._granted, *wanted]):
            self._granted += wanted
            self.model = self._component.model()
        elif len(wanted) > 1:
            self.wish(wanted[: len(wanted) // 2])
            self.wish(wanted[len(wanted) // 2 :])


def _value(component: Component, atom: Atom, model: frozenset[int]) -> Value | None:
    if isinstance(atom.type, BoolType):
        true, false = component.atoms.pair(atom)
        return True if true in model else False if false in model else None
    if isinstance(atom, Fact) and isinstance(atom.type, ListType):
        return _members(component, atom, model)
    known, scale = component.atoms.scale(atom)
    return plain_value(scale, model) if known in model else None


def _members(component: Component, fact: Fact, model: frozenset[int]) -> Value | None:
    known, members = component.atoms.members(fact)
    if known not in model:
        return None
    return tuple(sorted((each for each, literal in members.items() if literal in model), key=repr))


def plain_value(scale: Scale, model: frozenset[int]) -> Scalar:
    """The plainest value between the last point that was reached and the first that was not."""
    low, high = scale.between(model.__contains__)
    if isinstance(scale.type, StringType):
        return _text(low, high)
    if isinstance(scale.type, DecimalType):
        return _decimal(low, high if high is not None or scale.high is None else (scale.high[0], 1))
    number = _number(low, high if high is not None or scale.high is None else scale.high + 1)
    if isinstance(scale.type, EnumType):
        return scale.type.values[number]
    if isinstance(scale.type, TimestampType):
        return EPOCH + number * MICROSECOND
    return number * MICROSECOND if isinstance(scale.type, DurationType) else number


def _number(low: int | None, high: int | None) -> int:
    """Zero where it can be; else the nearest to it."""
    if low is not None and low > 0:
        return low
    return high - 1 if high is not None and high <= 0 else 0


def _decimal(low: Point | None, high: Point | None) -> Decimal:
    """Zero, an end that belongs to it, a step from an end, or else the middle."""
    tried = [Decimal(0)]
    tried += [low[0], low[0] + 1] if low else []
    tried += [high[0], high[0] - 1] if high else []
    for each in tried:
        if (low is None or low <= (each, 0)) and (high is None or (each, 0) < high):
            return each
    assert low is not None
    assert high is not None
    middle = decimal_of((Fraction(low[0]) + Fraction(high[0])) / 2)
    assert middle is not None  # half the sum of two decimals is one
    return middle


def _text(low: str | None, high: str | None) -> str:
    start = low or ""
    stem = start.rstrip("\0")
    tried = [start] if start and start == stem else []
    for each in (*tried, "something else", f"{stem} and more", f"{stem} "):
        if start <= each and (high is None or each < high):
            return each
    return start

"""Order encoding: a value is known by which of the cut points it has reached (Tamura et al., Constraints 14, 2009).

A cut point is a *point* of an ordered set in which every value ``v`` has a place ``at(v)`` and a next place
``after(v)`` with nothing between them: ``x >= v`` is "x has reached ``at(v)``" and ``x > v`` is "x has reached
``after(v)``". Whole numbers, moments, durations and places in an enum are ints; a text is followed by itself with a NUL,
in the order of code points; a decimal ``d`` has the points ``(d, 0)`` and ``(d, 1)``, "at" and "above". Between two
different points there always is a value, so the encoding is exact, and cut points can be added at any time.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import ceil, floor
from typing import Any

from jurat.policies.types import (
    DecimalType,
    EnumType,
    IntType,
    StringType,
    TimestampType,
    Type,
    Value,
)
from jurat.solver.sat.clauses import FALSE, TRUE, Clauses

Point = Any
"""An int, a text, or a decimal with 0 or 1: of one scale all are of one kind, and can be compared."""

MICROSECOND = timedelta(microseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_MOMENT = (datetime.min.replace(tzinfo=UTC) - EPOCH) // MICROSECOND
LAST_MOMENT = (datetime.max.replace(tzinfo=UTC) - EPOCH) // MICROSECOND


class Scale:
    """A value of one scalar type, not Boolean; ``low`` and ``high`` are the first and the last point of its range."""

    __slots__ = ("_above", "_literals", "_points", "clauses", "high", "low", "type")

    def __init__(self, clauses: Clauses, type_: Type, low: Point = None, high: Point = None) -> None:
        self.clauses = clauses
        self._points: list[Point] = []
        self._literals: dict[Point, int] = {}
        self._above: list[Scale] = []
        self.type = type_
        self.low = low
        self.high = high

    def reached(self, point: Point) -> int:
        """The literal that says that the value is at this point or after it."""
        if self.low is not None and point <= self.low:
            return TRUE
        if self.high is not None and point > self.high:
            return FALSE
        found = self._literals.get(point)
        return self._cut(point) if found is None else found

    def _cut(self, point: Point) -> int:
        points, literals, add = self._points, self._literals, self.clauses.pending.append
        place = bisect_left(points, point)
        found = self.clauses.new()
        if place:
            add([-found, literals[points[place - 1]]])
        if place < len(points):
            add([-literals[points[place]], found])
        points.insert(place, point)
        literals[point] = found
        for other in self._above:
            add([-found, other.reached(point)])
        return found

    def stay_below(self, other: Scale) -> None:
        """Say that the other one has reached whatever this one has."""
        self._above.append(other)
        for point in self._points:
            self.clauses.add(-self._literals[point], other.reached(point))

    def between(self, holds: Callable[[int], bool]) -> tuple[Point | None, Point | None]:
        """The last point that a model's value has reached and the first that it has not; None where there is none."""
        low, high = self.low, None
        for point in self._points:
            if not holds(self._literals[point]):
                high = point
                break
            low = point
        return low, high


def scale_of(clauses: Clauses, type_: Type) -> Scale:
    """A fresh value of a type."""
    if isinstance(type_, EnumType):
        return Scale(clauses, type_, 0, len(type_.values) - 1)
    if isinstance(type_, IntType):
        return Scale(clauses, type_, type_.min, type_.max)
    if isinstance(type_, DecimalType):
        low = None if type_.min is None else (type_.min, 0)
        return Scale(clauses, type_, low, None if type_.max is None else (type_.max, 0))
    if isinstance(type_, StringType):
        return Scale(clauses, type_, "")
    if isinstance(type_, TimestampType):
        return Scale(clauses, type_, FIRST_MOMENT, LAST_MOMENT)
    return Scale(clauses, type_, timedelta.min // MICROSECOND, timedelta.max // MICROSECOND)


def ends(value: Value, type_: Type) -> tuple[Point, Point]:
    """``at`` and ``after`` of a value on the scale of a type; a half lies between two whole numbers and has no place.

    Raises:
        ValueError: an enum does not have the value.
    """
    if isinstance(type_, EnumType):
        place = type_.values.index(str(value))
        return place, place + 1
    if isinstance(value, int | Decimal):
        if isinstance(type_, DecimalType):
            number = value if isinstance(value, Decimal) else Decimal(value)
            return (number, 0), (number, 1)
        return ceil(value), floor(value) + 1
    if isinstance(value, str):
        return value, value + "\0"
    ticks = _ticks(value)
    return ticks, ticks + 1


def _ticks(value: Value) -> int:
    if isinstance(value, datetime):
        return (value - EPOCH) // MICROSECOND
    assert isinstance(value, timedelta)
    return value // MICROSECOND


def compared(operator: str, scale: Scale, value: Value) -> int:
    """The literal of ``scale <operator> value``."""
    at, after = ends(value, scale.type)
    if operator == ">=":
        return scale.reached(at)
    if operator == "<":
        return -scale.reached(at)
    if operator == ">":
        return scale.reached(after)
    if operator == "<=":
        return -scale.reached(after)
    if at == after:  # no value of the scale
        return FALSE if operator == "==" else TRUE
    same = scale.clauses.all_of((scale.reached(at), -scale.reached(after)))
    return same if operator == "==" else -same

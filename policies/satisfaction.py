"""Whether some tool arguments satisfy formulas, by trying the values at which a formula can change its mind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise, product
from math import prod
from typing import Any

from jurat.policies.beforehand import Changes
from jurat.policies.evaluation import Look, evaluate
from jurat.policies.expr import (
    Argument,
    Arithmetic,
    Atom,
    Compare,
    Const,
    Expr,
    Fact,
    In,
    Lookup,
    Size,
    TextTest,
    arguments,
    atoms,
    walk,
)
from jurat.policies.types import (
    BoolType,
    DecimalType,
    DurationType,
    EnumType,
    IntType,
    ListType,
    TimestampType,
    Type,
    Value,
)

MAX_TRIALS = 20_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Free:
    """What may be chosen: arguments by name, and in which of some ways things have changed by the time of the call."""

    arguments: Mapping[str, Type]
    ways: tuple[Changes, ...] = ({},)


def satisfiable(required: list[Expr], guard: Expr | None, look: Look, free: Free) -> bool | None:
    """Whether a choice makes the guard certainly true and nothing ``required`` false; None where trying cannot tell.

    A requirement that an absent fact leaves unknown can still be met, by asking; a guard that is unknown stays shut.
    What is required is read as things stand; only the guard sees what may change.
    """
    formulas = [*required, *([guard] if guard is not None else [])]
    choices = {name: telling(type_, formulas, look) for name, type_ in free.arguments.items()}
    ways = [{atom: _later(atom, each, formulas, look) for atom, each in way.items()} for way in free.ways]
    if prod(map(len, choices.values())) * sum(prod(map(len, way.values())) for way in ways) > MAX_TRIALS:
        return None
    for values in product(*choices.values()):
        chosen = {name: value for name, value in zip(choices, values, strict=True) if value is not None}
        met = all(arguments(each) <= chosen.keys() and evaluate(each, look, chosen) is not False for each in required)
        if met and (guard is None or any(_opens(guard, look, way, chosen) for way in ways)):
            return True
    return False if _complete(formulas, free) else None


def _opens(guard: Expr, look: Look, way: Mapping[Atom, Sequence[Value | None]], chosen: Mapping[str, Value]) -> bool:
    for values in product(*way.values()):
        if evaluate(guard, _changed(look, dict(zip(way, values, strict=True))), chosen) is True:
            return True
    return False


def _changed(look: Look, changed: Mapping[Atom, Value | None]) -> Look:
    return lambda atom: changed[atom] if atom in changed else look(atom)


def _later(
    atom: Atom, given: tuple[Value | None, ...] | None, formulas: list[Expr], look: Look
) -> Sequence[Value | None]:
    if given is not None:
        return given
    return [look(atom), *telling(atom.type, formulas, look)]


def telling(type_: Type, formulas: list[Expr], look: Look) -> list[Value | None]:
    """The values of a type that the formulas can tell apart, and absence."""
    if isinstance(type_, BoolType):
        return [False, True, None]
    if isinstance(type_, EnumType):
        return [*type_.values, None]
    if isinstance(type_, ListType):
        each: list[Any] = [value for value in telling(type_.element, formulas, look) if value is not None]
        return [(), *((value,) for value in each), tuple(each), None]
    points = [value for formula in formulas for value in _points(formula, look)]
    if isinstance(type_, TimestampType | DurationType):
        return [*dict.fromkeys(_near(type_, points)), None]
    if isinstance(type_, IntType | DecimalType):
        return [*sorted(set(_around(type_, points))), None]
    return [*dict.fromkeys([value for value in points if _fits(value, type_)] + ["something else"]), None]


def _near(type_: TimestampType | DurationType, points: list[Value]) -> Iterator[Value]:
    """Each time, or length of time, that formulas name, with what is next to it; one at least."""
    start: Value = EPOCH if isinstance(type_, TimestampType) else timedelta()
    for point in (start, *points):
        for step in (-_MICROSECOND, timedelta(), _MICROSECOND):
            if type(point) is type(start):
                with suppress(OverflowError):  # at the end of the calendar there is nothing beyond
                    yield point + step  # type: ignore[operator]


def _fits(value: Value, type_: Type) -> bool:
    return isinstance(value, str) and not isinstance(type_, IntType | DecimalType)


def _points(formula: Expr, look: Look) -> Iterator[Value]:
    """The values of whatever a formula says without arguments."""
    for each in walk(formula):
        if isinstance(each, Lookup):
            yield from (value for _, value in each.table)
        if not isinstance(each.type, BoolType) and not arguments(each) and (isinstance(each, Const) or atoms(each)):
            value = evaluate(each, look)
            if isinstance(value, tuple):
                yield from value
            elif value is not None:
                yield value


def _around(type_: IntType | DecimalType, points: list[Value]) -> Iterator[Value]:
    """Each point, its neighbours, and what lies between two points, within the bounds."""
    numbers = sorted(
        {Decimal(p) for p in points if isinstance(p, int | Decimal) and not isinstance(p, bool)} | {Decimal(0)}
    )
    between = [(a + b) / 2 for a, b in pairwise(numbers)]
    near = [number + step for number in numbers for step in (-1, 0, 1)]
    bounds = [Decimal(bound) for bound in (type_.min, type_.max) if bound is not None]
    whole = isinstance(type_, IntType)
    for number in (*near, *between, *bounds):
        value = number.to_integral_value() if whole else number
        if (type_.min is None or value >= type_.min) and (type_.max is None or value <= type_.max):
            yield int(value) if whole else value


def _complete(formulas: list[Expr], free: Free) -> bool:
    """Whether trying those values was enough: nothing open takes part in arithmetic or is compared with what may differ.

    Open is what may have any value of its type; of what may have a few values, all were tried.
    """
    moving = {atom for way in free.ways for atom in way}
    unlimited = {atom for way in free.ways for atom, values in way.items() if values is None}
    for formula in formulas:
        for each in walk(formula):
            hard = isinstance(each, Arithmetic | TextTest | Size) or (
                isinstance(each, In) and isinstance(each.collection, Argument | Fact)
            )
            if hard and _speaks_of(each, unlimited):
                return False
            if isinstance(each, Compare | In):
                pair = (each.left, each.right) if isinstance(each, Compare) else (each.element, each.collection)
                if any(_speaks_of(a, unlimited) and _speaks_of(b, moving) for a, b in (pair, pair[::-1])):
                    return False
    return True


def _speaks_of(expr: Expr, changing: set[Atom]) -> bool:
    return bool(arguments(expr)) or not changing.isdisjoint(atoms(expr))

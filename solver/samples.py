"""A few values of each type around what a formula compares with: often enough to show that it has both truth values."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice, product
from typing import Any

from jurat.policies.evaluation import evaluate
from jurat.policies.expr import Argument, Atom, Compare, Const, Expr, Fact, History, atoms, walk
from jurat.policies.types import (
    BoolType,
    DecimalType,
    DurationType,
    EnumType,
    IntType,
    ListType,
    StringType,
    TimestampType,
    Type,
    Value,
)

TRIES = 64
"""Combinations of values tried at most."""


def truths(expr: Expr) -> set[bool]:
    """The truth values seen of a formula; its atoms are taken to be independent, so it may mention one history at most."""
    limit = of_limit(expr)
    if limit is not None:
        return limit
    leaves: list[Atom | Argument] = [*atoms(expr), *{each for each in walk(expr) if isinstance(each, Argument)}]
    if sum(isinstance(leaf, History) for leaf in leaves) > 1:
        return set()
    leaves.sort(key=repr)
    constants = [each.value for each in walk(expr) if isinstance(each, Const)]
    choices = [list(_around(leaf, constants)) for leaf in leaves]
    found: set[bool] = set()
    for values in islice(product(*choices), TRIES):
        found |= _truth(expr, dict(zip(leaves, values, strict=True)))
        if len(found) == 2:
            break
    return found


def of_limit(expr: Expr) -> set[bool] | None:
    """The truth values of a number's comparison with a limit, all of them; None for everything else.

    The comparison is monotone, so that the ends of the declared range decide.
    """
    if not isinstance(expr, Compare) or expr.operator not in _HOLDS or not isinstance(expr.right, Const):
        return None
    type_, limit = expr.left.type, expr.right.value
    if not isinstance(expr.left, Fact | Argument) or not isinstance(type_, IntType | DecimalType):
        return None
    holds, upward = _HOLDS[expr.operator]
    best, worst = (type_.max, type_.min) if upward else (type_.min, type_.max)
    true = {True} if best is None or holds(best, limit) else set()
    return true | ({False} if worst is None or not holds(worst, limit) else set())


_HOLDS: dict[str, tuple[Callable[[Any, Any], bool], bool]] = {
    "<": (operator.lt, False), "<=": (operator.le, False), ">": (operator.gt, True), ">=": (operator.ge, True),
}  # fmt: skip


def _truth(expr: Expr, values: dict[Atom | Argument, Value]) -> set[bool]:
    calls = {leaf.name: value for leaf, value in values.items() if isinstance(leaf, Argument)}
    value = evaluate(expr, values.get, calls)
    return {value} if isinstance(value, bool) else set()


def _around(leaf: Atom | Argument, constants: list[Value]) -> Iterator[Value]:
    type_ = IntType(0) if isinstance(leaf, History) and isinstance(leaf.type, IntType) else leaf.type
    seen: set[Value] = set()
    for value in _values(type_, constants):
        if value not in seen and _inside(value, type_):
            seen.add(value)
            yield value


def _values(type_: Type, constants: list[Value]) -> Iterable[Value]:
    if isinstance(type_, BoolType):
        return (True, False)
    if isinstance(type_, EnumType):
        return type_.values
    if isinstance(type_, ListType):
        return ((),)
    return _ordered(type_, constants)


def _ordered(type_: Type, constants: list[Value]) -> Iterator[Value]:
    bounds = [type_.min, type_.max] if isinstance(type_, IntType | DecimalType) else []
    start, kinds, step = _SCALES[type(type_)]
    yield from (bound for bound in bounds if bound is not None)
    for value in (*(each for each in constants if isinstance(each, kinds) and not isinstance(each, bool)), start):
        try:
            yield from _neighbours(value, step)
        except (OverflowError, ArithmeticError):
            continue


def _neighbours(value: Value, step: Value) -> Iterator[Value]:
    yield value
    if isinstance(value, str):
        yield value + str(step)
    else:
        yield value + step  # type: ignore[operator]  # both are of one scale
        yield value - step  # type: ignore[operator]


_SCALES: dict[type[Type], tuple[Value, tuple[type, ...], Value]] = {
    IntType: (0, (int,), 1),
    DecimalType: (Decimal(0), (int, Decimal), 1),
    StringType: ("", (str,), "a"),
    TimestampType: (datetime(2000, 1, 1, tzinfo=UTC), (datetime,), timedelta(days=1)),
    DurationType: (timedelta(0), (timedelta,), timedelta(days=1)),
}


def _inside(value: Value, type_: Type) -> bool:
    if not isinstance(type_, IntType | DecimalType):
        return True
    assert isinstance(value, int | Decimal)
    return (type_.min is None or value >= type_.min) and (type_.max is None or value <= type_.max)


__all__ = ["of_limit", "truths"]

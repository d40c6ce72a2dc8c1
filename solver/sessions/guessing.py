"""Values that make formulas true, read off the formulas: quick, and neither sound nor complete by itself.

What is found here is played through before it is believed, and what is not found is asked of the solver.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice

from jurat.policies.evaluation import evaluate
from jurat.policies.expr import (
    And,
    Atom,
    Compare,
    Const,
    Event,
    Expr,
    Fact,
    Has,
    Implies,
    Not,
    Observation,
    Or,
)
from jurat.policies.types import BoolType, DecimalType, EnumType, IntType, StringType, Type, Value

Chosen = Mapping[Atom, Value | None]
Wanted = tuple[tuple[Expr, bool], ...]
"""Formulas, and whether each is to be true or false."""

STEPS = 200
"""Formulas looked at for one answer."""


def guesses(wanted: Wanted, known: Chosen, most: int) -> Iterator[Chosen]:
    """Up to so many choices of what the formulas mention, besides what is known; None is absent."""
    yield from islice(_Guessing().choose(wanted, known), most)


@dataclass(slots=True)
class _Guessing:
    left: int = STEPS

    def choose(self, todo: Wanted, chosen: Chosen) -> Iterator[Chosen]:
        self.left -= 1
        if not todo:
            yield chosen
        elif self.left > 0:
            (expr, truth), *rest = todo
            for parts in _parts(expr, truth):
                yield from self.choose((*parts, *rest), chosen)
            if not isinstance(expr, Not | And | Or | Implies):
                for atoms in _leaf(expr, truth, chosen):
                    yield from self.choose(tuple(rest), {**chosen, **atoms})


def _parts(expr: Expr, truth: bool) -> Iterator[Wanted]:
    """The ways in which the parts of a compound make it true or false."""
    match expr:
        case Not(operand):
            yield ((operand, not truth),)
        case Implies(left, right):
            yield from _parts(Or((Not(left), right)), truth)
        case And(operands) | Or(operands) if isinstance(expr, And) is truth:
            yield tuple((each, truth) for each in operands)
        case And(operands) | Or(operands):
            yield from (((each, truth),) for each in operands)


def _leaf(expr: Expr, truth: bool, chosen: Chosen) -> Iterator[Chosen]:
    """The ways in which an atom or a comparison is true or false; of what is not understood, that nothing is said."""
    match expr:
        case Const(value):
            yield from () if value is not truth else ({},)
        case Observation() | Event() | Fact():
            yield from () if chosen.get(expr, truth) is not truth else ({expr: truth},)
        case Has(Fact() as fact):
            if fact in chosen:
                yield from () if (chosen[fact] is not None) is not truth else ({},)
            else:
                yield from ({fact: value} for value in ((some(fact.type),) if truth else (None,)))
        case Compare(_, Fact() as fact, Const() as const) | Compare(_, Const() as const, Fact() as fact):
            candidates = (chosen[fact],) if fact in chosen else _around(const.value, fact.type)
            for value in candidates:
                if evaluate(expr, {fact: value}.get) is truth:
                    yield {fact: value}
        case _:
            yield {}


def some(type_: Type) -> Value | None:
    """A value of a type; None for one that is not simple."""
    match type_:
        case BoolType():
            return True
        case EnumType(values):
            return values[0]
        case IntType(low, high):
            return low if low is not None else min(0, high or 0)
        case StringType():
            return "example"
    return None


def _around(value: Value, type_: Type) -> tuple[Value, ...]:
    """Values on both sides of one that a formula compares with, so far as the type has them."""
    if isinstance(type_, EnumType):
        return type_.values
    if isinstance(type_, IntType | DecimalType) and isinstance(value, int | Decimal):
        number = Decimal(value) if isinstance(type_, DecimalType) else int(value)
        return tuple(each for each in (number, number + 1, number - 1) if _between(each, type_))
    if isinstance(type_, StringType):
        return (value, "example") if value != "example" else (value, "other")
    return (value,)


def _between(value: int | Decimal, type_: IntType | DecimalType) -> bool:
    return (type_.min is None or value >= type_.min) and (type_.max is None or value <= type_.max)

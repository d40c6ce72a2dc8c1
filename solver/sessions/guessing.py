"""Values that make formulas true, read off the formulas: quick, and neither sound nor complete by itself.

What is found here is played through before it is believed, and what is not found is asked of the solver.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
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
    walk,
)
from jurat.policies.types import BoolType, DecimalType, EnumType, IntType, StringType, Type, Value

Chosen = Mapping[Atom, Value | None]
Wanted = tuple[tuple[Expr, bool], ...]
"""Formulas, and whether each is to be true or false."""

STEPS = 200
"""Formulas looked at for one answer."""


def guesses(wanted: Wanted, known: Chosen, most: int) -> Iterator[Chosen]:
    """Up to so many choices of what the formulas mention, besides what is known; None is absent."""
    compared: dict[Fact, list[Value]] = {}
    for fact, value in (pair for expr, _ in wanted for each in walk(expr) for pair in _compared(each)):
        compared.setdefault(fact, []).append(value)
    yield from islice(_Guessing(compared).choose(wanted, known), most)


def _compared(expr: Expr) -> Iterator[tuple[Fact, Value]]:
    match expr:
        case Compare(_, Fact() as fact, Const(value)) | Compare(_, Const(value), Fact() as fact):
            yield fact, value


@dataclass(slots=True)
class _Guessing:
    compared: Mapping[Fact, list[Value]]
    """What each fact is compared with anywhere."""
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
                for atoms in self._leaf(expr, truth, chosen):
                    yield from self.choose(tuple(rest), {**chosen, **atoms})

    def _leaf(self, expr: Expr, truth: bool, chosen: Chosen) -> Iterator[Chosen]:
        """The ways in which an atom or a comparison is so; of what is not understood, that nothing is said."""
        match expr:
            case Const(value):
                yield from () if value is not truth else ({},)
            case Observation() | Event() | Fact():
                if chosen.get(expr, truth) is truth:
                    yield {expr: truth}
            case Has(Fact() as fact):
                one = chosen[fact] if fact in chosen else some(fact.type) if truth else None
                if (one is not None) is truth:
                    yield {fact: one}
            case Compare(_, Fact() as fact, Const()) | Compare(_, Const(), Fact() as fact):
                for each in (chosen[fact],) if fact in chosen else self._candidates(fact):
                    here: Chosen = {fact: each}
                    if evaluate(expr, here.get) is truth:
                        yield here
            case _:
                yield {}

    def _candidates(self, fact: Fact) -> Iterable[Value | None]:
        """Values on both sides of all that the fact is compared with."""
        return dict.fromkeys(near for value in self.compared[fact] for near in _around(value, fact.type))


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

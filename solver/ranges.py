"""How small and how large a numeric argument can be on each path to a tool."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import z3

from jurat.policies.types import DecimalType, IntType, is_numeric
from jurat.policies.values import show_value
from jurat.solver.paths import Calling, Path, background


@dataclass(frozen=True, slots=True)
class Bound:
    """A least or greatest number; one that is only approached is ``open``."""

    number: Fraction
    open: bool = False

    def __str__(self) -> str:
        return _shown(self.number)


@dataclass(frozen=True, slots=True)
class Range:
    """Between which numbers an argument lies where it is given; None is without a bound."""

    argument: str
    low: Bound | None
    high: Bound | None

    def __str__(self) -> str:
        name = f"arguments.{self.argument}"
        if self.low and self.low == self.high:
            return f"{name} is {self.low}"
        parts = [f"{'more than' if self.low.open else 'at least'} {self.low}"] if self.low else []
        parts += [f"{'less than' if self.high.open else 'at most'} {self.high}"] if self.high else []
        return f"{name} is {' and '.join(parts)}" if parts else f"{name} is any number"


def ranges(calling: Calling, path: Path) -> tuple[Range, ...]:
    """The range of every numeric argument that anything is said of, over all calls by way of a path.

    Left out are arguments that are never given there, and those for which the solver found no answer.
    """
    numeric = sorted(name for name, type_ in calling.types.items() if is_numeric(type_))
    found = (_range(calling, path, name) for name in numeric)
    return tuple(each for each in found if each)


def _range(calling: Calling, path: Path, name: str) -> Range | None:
    try:
        low, high = (_extreme(calling, path, name, greatest=greatest) for greatest in (False, True))
    except _Unanswered:
        return None
    return Range(name, low, high)


class _Unanswered(Exception):
    """There is no such call, or the solver does not know."""


def _extreme(calling: Calling, path: Path, name: str, *, greatest: bool) -> Bound | None:
    given, value = calling.argument(name)
    optimizer = z3.Optimize()
    optimizer.set("rlimit", calling.prover.limits.rlimit)
    optimizer.add(*background(calling.prover, calling.possible(path)), given)
    goal = optimizer.maximize(value) if greatest else optimizer.minimize(value)
    if optimizer.check() != z3.sat:
        raise _Unanswered
    infinite, number, epsilon = goal.upper_values() if greatest else goal.lower_values()
    if _fraction(infinite):
        return None
    return Bound(_fraction(number), bool(_fraction(epsilon)))


def _fraction(number: z3.ExprRef) -> Fraction:
    if z3.is_int_value(number):
        return Fraction(number.as_long())
    if z3.is_rational_value(number):
        return Fraction(number.as_fraction())
    raise _Unanswered


def _shown(number: Fraction) -> str:
    """As a decimal where it has an end, else as a fraction."""
    rest = number.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    if rest != 1:
        return str(number)
    whole = number.denominator == 1
    value = Decimal(number.numerator) / Decimal(number.denominator)
    return show_value(int(value) if whole else value, IntType() if whole else DecimalType())

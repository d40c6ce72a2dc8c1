"""Whether some tool arguments satisfy formulas, by trying the values at which a formula can change its mind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise, product
from math import prod

from jurat.policies.evaluation import Look, evaluate
from jurat.policies.expr import (
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
from jurat.policies.types import BoolType, DecimalType, EnumType, IntType, Type, Value

MAX_TRIALS = 20_000


@dataclass(frozen=True, slots=True)
class Free:
    """What may be chosen: arguments by name, and facts that may take further values (None is any)."""

    arguments: Mapping[str, Type]
    facts: Mapping[Fact, tuple[Value, ...] | None]


def satisfiable(required: list[Expr], guard: Expr | None, look: Look, free: Free) -> bool | None:
    """Whether a choice makes the guard certainly true and nothing ``required`` false; None where trying cannot tell.

    A requirement that an absent fact leaves unknown can still be met, by asking; a guard that is unknown stays shut.
    What is required is read as things stand; only the guard sees facts that may change.
    """
    formulas = [*required, *([guard] if guard is not None else [])]
    choices = {name: _values(type_, formulas, look) for name, type_ in free.arguments.items()}
    facts = {fact: _fact_values(fact, given, formulas, look) for fact, given in free.facts.items()}
    if prod(map(len, (*choices.values(), *facts.values()))) > MAX_TRIALS:
        return None
    for values in product(*choices.values()):
        chosen = {name: value for name, value in zip(choices, values, strict=True) if value is not None}
        met = all(arguments(each) <= chosen.keys() and evaluate(each, look, chosen) is not False for each in required)
        if met and _opens(guard, look, facts, chosen):
            return True
    return False if _complete(formulas, free) else None


def _opens(
    guard: Expr | None, look: Look, facts: Mapping[Fact, list[Value | None]], chosen: Mapping[str, Value]
) -> bool:
    if guard is None:
        return True
    for values in product(*facts.values()):
        changed = dict(zip(facts, values, strict=True))
        if evaluate(guard, _changed(look, changed), chosen) is True:
            return True
    return False


def _changed(look: Look, changed: Mapping[Fact, Value | None]) -> Look:
    def see(atom: Atom) -> Value | None:
        return changed[atom] if isinstance(atom, Fact) and atom in changed else look(atom)

    return see


def _fact_values(fact: Fact, given: tuple[Value, ...] | None, formulas: list[Expr], look: Look) -> list[Value | None]:
    values = _values(fact.type, formulas, look) if given is None else list(given)
    return [look(fact), *(value for value in values if value is not None)]


def _values(type_: Type, formulas: list[Expr], look: Look) -> list[Value | None]:
    """The values of a type that the formulas can tell apart, and absence."""
    if isinstance(type_, BoolType):
        return [False, True, None]
    if isinstance(type_, EnumType):
        return [*type_.values, None]
    points = [value for formula in formulas for value in _points(formula, look)]
    if isinstance(type_, IntType | DecimalType):
        return [*sorted(set(_around(type_, points))), None]
    return [*dict.fromkeys([value for value in points if _fits(value, type_)] + ["something else"]), None]


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
    """Whether trying those values was enough: nothing free takes part in arithmetic or is compared with something free."""
    for formula in formulas:
        for each in walk(formula):
            hard = isinstance(each, Arithmetic | TextTest | Size) or (
                isinstance(each, In) and isinstance(each.collection, Fact)
            )
            if hard and _is_free(each, free):
                return False
            if isinstance(each, Compare) and _is_free(each.left, free) and _is_free(each.right, free):
                return False
    return True


def _is_free(expr: Expr, free: Free) -> bool:
    return bool(arguments(expr)) or any(atom in free.facts for atom in atoms(expr))

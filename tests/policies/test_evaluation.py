"""Kleene's three values, exact numbers, and that knowing more never changes what was known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.policies.formula_strategies import ARGUMENTS, booleans, numbers

from jurat.policies.evaluation import evaluate
from jurat.policies.expr import (
    And,
    Argument,
    Arithmetic,
    Atom,
    Compare,
    Const,
    Expr,
    Fact,
    Has,
    If,
    Implies,
    In,
    ListOf,
    Lookup,
    Not,
    Observation,
    Or,
    arguments,
    atoms,
    walk,
)
from jurat.policies.types import (
    BOOL,
    DECIMAL,
    DURATION,
    INT,
    STRING,
    TIMESTAMP,
    EnumType,
    IntType,
    ListType,
    Type,
    Value,
)

KLEENE = (True, False, None)
P, Q, R = Observation("p"), Observation("q"), Observation("r")


def given_truths(**truths: Value | None) -> dict[Atom, Value]:
    return {Observation(name): value for name, value in truths.items() if value is not None}


def worth(expr: Expr, values: dict[Atom, Value], calls: dict[str, Value] | None = None) -> Value | None:
    return evaluate(expr, values.get, calls)


def refinements(expr: Expr, truths: tuple[bool | None, ...]) -> set[Value | None]:
    """What the formula is worth for every way to settle what is unknown."""
    settled = product(*((value,) if value is not None else (True, False) for value in truths))
    return {worth(expr, given_truths(p=p, q=q, r=r)) for p, q, r in settled}


@pytest.mark.parametrize("expr", [Not(P), And((P, Q, R)), Or((P, Q, R)), Implies(P, Q), If(P, Q, R, BOOL)], ids=str)
def test_a_connective_is_known_just_when_every_way_to_settle_its_operands_agrees(expr: Expr) -> None:
    """True of each connective alone, as its operands are independent; it fixes the whole truth table."""
    for truths in product(KLEENE, repeat=3):
        p, q, r = truths
        outcomes = refinements(expr, truths)
        settled = outcomes.pop() if len(outcomes) == 1 else None
        known = worth(expr, given_truths(p=p, q=q, r=r))
        assert known is settled, truths


TYPES: dict[type[Type], st.SearchStrategy[Value]] = {
    type(BOOL): st.booleans(),
    type(INT): st.integers(-20, 20),
    type(DECIMAL): st.decimals(-20, 20, places=1),
    type(STRING): st.text("ab", max_size=3),
    type(TIMESTAMP): st.datetimes(timezones=st.just(UTC)),
    type(DURATION): st.timedeltas(timedelta(-9), timedelta(9)),
}


def values_of(type_: Type) -> st.SearchStrategy[Value]:
    if isinstance(type_, EnumType):
        return st.sampled_from(type_.values)
    if isinstance(type_, ListType):
        return st.lists(values_of(type_.element), max_size=3).map(tuple)
    return TYPES[IntType if isinstance(type_, IntType) else type(type_)]


_FORMULAS = st.one_of(booleans(), numbers())


@st.composite
def situations(draw: st.DrawFn) -> tuple[Expr, dict[Atom, Value], dict[str, Value], int]:
    """A formula, what is known, the call it is about, and how much of that is known at first."""
    expr = draw(_FORMULAS)
    values = {atom: draw(values_of(atom.type)) for atom in sorted(atoms(expr), key=str)}
    calls = {name: draw(values_of(ARGUMENTS[name])) for name in sorted(arguments(expr))}
    return expr, values, calls, draw(st.integers(0, 2 ** (len(values) + len(calls)) - 1))


@given(situations())
@settings(max_examples=500)
def test_knowing_more_changes_nothing_known(situation: tuple[Expr, dict[Atom, Value], dict[str, Value], int]) -> None:
    expr, values, calls, chosen = situation
    if any(isinstance(each, Has) for each in walk(expr)):
        return
    fewer = {atom: value for n, (atom, value) in enumerate(values.items()) if chosen >> n & 1}
    fewer_calls = {name: value for n, (name, value) in enumerate(calls.items(), len(values)) if chosen >> n & 1}
    before = worth(expr, fewer, fewer_calls)
    assert before is None or before == worth(expr, values, calls)


@given(situations())
@settings(max_examples=300)
def test_a_formula_is_worth_a_value_of_its_type(
    situation: tuple[Expr, dict[Atom, Value], dict[str, Value], int],
) -> None:
    expr, values, calls, _ = situation
    value = worth(expr, values, calls)
    if value is not None:
        wanted = {type(BOOL): bool, type(DECIMAL): Decimal}.get(type(expr.type), int)
        assert type(value) is wanted


def test_presence_is_never_unknown() -> None:
    fact = Fact("customer.tier", STRING)
    assert worth(Has(fact), {}) is False
    assert worth(Has(fact), {fact: "gold"}) is True
    assert worth(Has(fact), {fact: ""}) is True
    assert worth(Has(Argument("note", STRING)), {}, {"note": ""}) is True
    assert worth(Has(Argument("note", STRING)), {}, {}) is False


@pytest.mark.parametrize(
    ("left", "right"), [(13, 7), (-13, 7), (13, -7), (-13, -7), (14, 7), (-14, 7), (0, 5), (10**40, 3)]
)
def test_whole_division_truncates_and_the_remainder_has_the_sign_of_the_dividend(left: int, right: int) -> None:
    quotient = worth(Arithmetic("/", Const(left, INT), Const(right, INT), INT), {})
    remainder = worth(Arithmetic("%", Const(left, INT), Const(right, INT), INT), {})
    assert isinstance(quotient, int)
    assert isinstance(remainder, int)
    assert quotient == int(Fraction(left, right))
    assert quotient * right + remainder == left
    assert remainder == 0 or (remainder < 0) == (left < 0)


def test_decimals_are_exact_beyond_any_precision() -> None:
    long = Decimal("1." + "0" * 60 + "1")
    total = Fact("total", DECIMAL)
    third = Arithmetic("/", total, Const(3, INT), DECIMAL)
    whole = Arithmetic("*", third, Const(3, INT), DECIMAL)
    assert worth(Compare("==", whole, total), {total: long}) is True
    assert worth(Compare("<", third, Const(Decimal("0." + "3" * 60), DECIMAL)), {total: Decimal(1)}) is False
    assert worth(whole, {total: long}) == long
    assert worth(Compare("==", total, Const(1, INT)), {total: long}) is False


def test_a_value_without_finitely_many_digits_is_unknown_at_rest() -> None:
    assert worth(Arithmetic("/", Const(1, INT), Const(Decimal(3), DECIMAL), DECIMAL), {}) is None
    assert worth(Arithmetic("/", Const(1, INT), Const(Decimal(8), DECIMAL), DECIMAL), {}) == Decimal("0.125")


def test_division_by_zero_is_unknown_even_where_no_reader_refused_it() -> None:
    for type_ in (INT, DECIMAL):
        assert worth(Arithmetic("/", Const(1, INT), Const(0, INT), type_), {}) is None
    assert worth(Arithmetic("%", Const(1, INT), Const(0, INT), INT), {}) is None


def test_enums_are_compared_by_their_declared_order() -> None:
    kind = EnumType(("small", "medium", "large"), ordered=True)
    size = Fact("size", kind)
    worths = [worth(Compare("<", size, Const("medium", kind)), {size: value}) for value in kind.values]
    assert worths == [True, False, False]
    assert worth(Compare("<", size, Const("medium", kind)), {size: "huge"}) is None


def test_a_member_that_is_known_decides_although_others_are_not() -> None:
    x, y = Fact("x", INT), Fact("y", INT)
    expr = In(x, ListOf((y, Const(1, INT)), ListType(INT)))
    assert worth(expr, {x: 1}) is True
    assert worth(expr, {x: 2}) is None
    assert worth(expr, {x: 2, y: 3}) is False
    assert worth(expr, {y: 1}) is None


def test_a_map_without_the_key_is_unknown() -> None:
    role = Fact("role", STRING)
    lookup = Lookup("limit", (("sales", 10), ("boss", 30)), role, INT)
    assert [worth(lookup, {role: each}) for each in ("sales", "boss", "guest")] == [10, 30, None]


def test_a_conditional_with_an_unknown_test_is_known_where_its_branches_agree() -> None:
    both = If(P, Const(1, INT), Const(Decimal("1.0"), DECIMAL), DECIMAL)
    assert worth(both, {}) == Decimal(1)
    assert worth(If(P, Const(1, INT), Const(2, INT), INT), {}) is None


def test_times_beyond_the_calendar_are_unknown() -> None:
    late = Const(datetime(9999, 12, 31, tzinfo=UTC), TIMESTAMP)
    assert worth(Arithmetic("+", late, Const(timedelta(days=1), DURATION), TIMESTAMP), {}) is None
    longest = Const(timedelta.max, DURATION)
    assert worth(Arithmetic("+", longest, longest, DURATION), {}) is None

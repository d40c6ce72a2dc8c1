"""Reading what was shown gives the formula back, for any formula."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from tests.policies.formula_strategies import SCOPE, TIER, booleans, read

from jurat.policies.expr import (
    FALSE,
    TRUE,
    And,
    Arithmetic,
    Compare,
    Const,
    Event,
    Expr,
    Fact,
    History,
    If,
    Implies,
    Not,
    Observation,
    Or,
    walk,
)
from jurat.policies.printing import show
from jurat.policies.types import BOOL, DECIMAL, DURATION, INT, STRING, TIMESTAMP

A, B, C = Fact("flag", BOOL), Observation("asks"), Event("paid")
ONE, X = Const(1, INT), Fact("count", INT)


@given(booleans())
@settings(max_examples=500)
def test_what_is_shown_reads_back_as_the_same_formula(expr: Expr) -> None:
    assert read(show(expr), SCOPE) == expr


@given(booleans())
def test_no_pair_of_parentheses_can_be_left_out(expr: Expr) -> None:
    text = show(expr)
    for opening, closing in _grouping(text):
        shorter = text[:opening] + " " + text[opening + 1 : closing] + " " + text[closing + 1 :]
        assert _reads_differently(shorter, expr), shorter


def _grouping(text: str) -> list[tuple[int, int]]:
    """The parentheses that group, outside of quotes, save those around a comparison, which are for the eye."""
    pairs, open_, quoted = [], [], False
    for place, (before, char) in enumerate(pairwise(" " + text)):
        quoted ^= char == '"' and before != "\\"
        if not quoted and char == "(":
            open_.append((place, before.isalnum()))
        elif not quoted and char == ")":
            opening, is_call = open_.pop()
            if not is_call:
                pairs.append((opening, place))
    return [pair for pair in pairs if not _is_comparison(text[pair[0] + 1 : pair[1]])]


def _is_comparison(inside: str) -> bool:
    expr = _read_any(inside)
    return expr is not None and not isinstance(expr, And | Or | Not | If | Implies | Arithmetic)


def _read_any(text: str) -> Expr | None:
    try:
        return read(text, SCOPE, None)
    except AssertionError:
        return None


def _reads_differently(text: str, expr: Expr) -> bool:
    return _read_any(text) != expr


@pytest.mark.parametrize(
    ("expr", "text"),
    [
        (Or((And((A, B)), C)), "flag && asks || paid"),
        (And((Or((A, B)), C)), "(flag || asks) && paid"),
        (Implies(Implies(A, B), C), "(flag implies asks) implies paid"),
        (Implies(A, Implies(B, C)), "flag implies asks implies paid"),
        (Not(And((A, B))), "!(flag && asks)"),
        (Not(Not(A)), "!!flag"),
        (If(A, B, C, BOOL), "flag ? asks : paid"),
        (Compare("==", Compare("==", A, B), C), "(flag == asks) == paid"),
        (Compare("<", Arithmetic("-", X, Arithmetic("-", X, ONE, INT), INT), ONE), "count - (count - 1) < 1"),
        (Compare("<", Arithmetic("*", Arithmetic("+", X, ONE, INT), X, INT), ONE), "(count + 1) * count < 1"),
        (And((A, And((B, C)))), "flag && asks && paid"),
        (And((A,)), "flag"),
        (And(()), "true"),
        (Or(()), "false"),
        (Observation('The customer said "no"'), 'observation("The customer said \\"no\\"")'),
        (Observation("true"), 'observation("true")'),
        (Event("called", "refund"), 'called("refund")'),
        (History("once", (C,), 90, "seconds"), 'once(paid, duration("1m30s"))'),
        (History("count", (C,), 3, type=INT), "count(paid, 3)"),
        (Const(Decimal("1E+3"), DECIMAL), "1000.0"),
        (Const(Decimal("-0.50"), DECIMAL), "-0.5"),
        (Const(Decimal("-0"), DECIMAL), "0.0"),
        (Const(5, DECIMAL), "5.0"),
        (Const(datetime(2026, 1, 1, 0, 0, 0, 5, tzinfo=UTC), TIMESTAMP), 'timestamp("2026-01-01T00:00:00.000005Z")'),
        (Const(timedelta(hours=-36), DURATION), 'duration("-36h")'),
        (Const("tab\t\x00", STRING), '"tab\\t\\u0000"'),
        (Const("gold", TIER), '"gold"'),
        (TRUE, "true"),
        (FALSE, "false"),
    ],
)  # fmt: skip
def test_examples(expr: Expr, text: str) -> None:
    assert show(expr) == text


def test_the_key_of_history_is_its_canonical_text() -> None:
    spread = read('once( (succeeded("refund")) ,\n 3 )', SCOPE)
    assert isinstance(spread, History)
    assert spread.key == 'once(succeeded("refund"), 3)'


@given(booleans())
def test_nesting_of_and_and_or_is_flat(expr: Expr) -> None:
    for each in walk(expr):
        if isinstance(each, And | Or):
            assert not any(isinstance(operand, type(each)) for operand in each.operands)

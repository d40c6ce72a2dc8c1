"""Values as YAML, JSON and Python give them, and as CEL and JSON show them."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jurat.policies.types import (
    BOOL,
    DECIMAL,
    DURATION,
    INT,
    STRING,
    TIMESTAMP,
    DecimalType,
    EnumType,
    IntType,
    ListType,
    Type,
    Value,
)
from jurat.policies.values import decimal_of, jsonable, parse_value, show_value

TIER = EnumType(("standard", "silver", "gold"), ordered=True)
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("raw", "type_", "value"),
    [
        (True, BOOL, True),
        (5, INT, 5),
        (10**30, INT, 10**30),
        (5, DECIMAL, Decimal(5)),
        (0.1, DECIMAL, Decimal("0.1")),
        ("12.50", DECIMAL, Decimal("12.5")),
        (Decimal("1e3"), DECIMAL, Decimal(1000)),
        ("gold", TIER, "gold"),
        ("2026-01-31T12:00:00Z", TIMESTAMP, NOON),
        ("2026-01-31t13:00:00.000000+01:00", TIMESTAMP, NOON),
        (datetime(2026, 1, 31, 14, tzinfo=timezone(timedelta(hours=2))), TIMESTAMP, NOON),
        ("36h", DURATION, timedelta(hours=36)),
        ("1h30m", DURATION, timedelta(hours=1.5)),
        ("15s", DURATION, timedelta(seconds=15)),
        ("-1.5s", DURATION, timedelta(seconds=-1.5)),
        ("P1DT2H3M4.5S", DURATION, timedelta(1, 7384, 500_000)),
        ([1, 2, 2], ListType(INT), (1, 2, 2)),
        (["gold", "standard", "gold"], ListType(TIER, unique=True), ("standard", "gold")),
        ([3, 1, 3], ListType(INT, unique=True), (1, 3)),
        (5, IntType(5, 5), 5),
    ],
)  # fmt: skip
def test_what_is_accepted(raw: object, type_: Type, value: Value) -> None:
    parsed = parse_value(raw, type_)
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize(
    ("raw", "type_", "reason"),
    [
        (True, INT, "`true` is not a whole number"),
        (True, DECIMAL, "`true` is not a decimal number"),
        (1, BOOL, "`1` is not true or false"),
        ("5", INT, "`5` is not a whole number"),
        (5.0, INT, "`5.0` is not a whole number"),
        (10**400, INT, "a number has more than 400 digits"),
        pytest.param(10**5000, DECIMAL, "a number has more than 400 digits", id="huge"),
        ("1e999999999999999999", DECIMAL, "`1e999999999999999999` has more than 400 digits"),
        (float("nan"), DECIMAL, "`nan` is not a decimal number"),
        (float("inf"), DECIMAL, "`inf` is not a decimal number"),
        ("1_000", DECIMAL, "`1_000` is not a decimal number"),
        ("٣", DECIMAL, "`٣` is not a decimal number"),
        (None, STRING, "nothing is not a text"),
        (5, STRING, "`5` is not a text"),
        ("golden", TIER, "`golden` is not one of `standard`, `silver`, `gold`, did you mean `gold`?"),
        (5, TIER, "`5` is not a text"),
        ("2026-01-31T12:00:00", TIMESTAMP, "`2026-01-31T12:00:00` has no time zone, write `2026-01-31T12:00:00Z` for UTC"),
        ("2026-02-30T12:00:00Z", TIMESTAMP, "`2026-02-30T12:00:00Z` is not a moment of the calendar"),
        ("2026-01-31T12:00:00.0000001Z", TIMESTAMP, "`2026-01-31T12:00:00.0000001Z` is finer than a microsecond"),
        (date(2026, 1, 31), TIMESTAMP, "`2026-01-31` is not a timestamp such as `2026-01-31T12:00:00Z`"),
        (90, DURATION, "`90` is not a duration such as `36h`, `1h30m` or `15s`"),
        ("2 days", DURATION, "`2 days` is not a duration such as `36h`, `1h30m` or `15s`, write `48h`"),
        ("1ns", DURATION, "`1ns` is finer than a microsecond"),
        ("99999999999999h", DURATION, "`99999999999999h` is too long a duration"),
        ("gold", ListType(TIER), "`gold` is not a list"),
        (["gold", "bronze"], ListType(TIER, unique=True), "`bronze` is not one of `standard`, `silver`, `gold`"),
        (4, IntType(5), "`4` is less than 5"),
        ("1.01", DecimalType(max=Decimal(1)), "`1.01` is more than 1"),
    ],
)  # fmt: skip
def test_what_is_refused_and_why(raw: object, type_: Type, reason: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(reason)}$"):
        parse_value(raw, type_)


ANY: list[tuple[Type, st.SearchStrategy[Any]]] = [
    (BOOL, st.booleans()),
    (INT, st.integers()),
    (DECIMAL, st.decimals(-(10**9), 10**9, places=6)),
    (STRING, st.text()),
    (TIER, st.sampled_from(TIER.values)),
    (TIMESTAMP, st.datetimes(timezones=st.just(UTC))),
    (DURATION, st.timedeltas()),
    (ListType(DURATION), st.lists(st.timedeltas(), max_size=3).map(tuple)),
]


@given(st.sampled_from(ANY).flatmap(lambda pair: st.tuples(st.just(pair[0]), pair[1])))
def test_json_carries_every_value(pair: tuple[Type, Any]) -> None:
    type_, value = pair
    assert parse_value(json.loads(json.dumps(jsonable(value))), type_) == value


@given(st.decimals(-(10**9), 10**9, places=6))
def test_the_decimal_of_a_fraction_is_exact(number: Decimal) -> None:
    assert decimal_of(Fraction(number)) == number


def test_a_third_is_no_decimal() -> None:
    assert decimal_of(Fraction(1, 3)) is None


def test_values_are_shown_as_cel() -> None:
    shown = [show_value(value) for value in (True, -5, Decimal("0.50"), 'a"b', NOON, timedelta(minutes=90), ("a", "b"))]
    assert shown == [
        "true",
        "-5",
        "0.5",
        '"a\\"b"',
        'timestamp("2026-01-31T12:00:00Z")',
        'duration("1h30m")',
        '["a", "b"]',
    ]

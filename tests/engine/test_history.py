"""Past-time operators over a session's positions."""

from __future__ import annotations

import pytest

from jurat.engine.history import history_value
from jurat.engine.session import Moment
from jurat.policies.expr import Const, Event, Expr, Fact, History, Not
from jurat.policies.model import FactDeclaration
from jurat.policies.types import BOOL

A, B, FACT = Event("a"), Event("b"), Fact("f", BOOL)
FACTS = {"f": FactDeclaration("f", BOOL)}


def past(*events: str, turns: tuple[int, ...] | None = None, at: tuple[float, ...] | None = None) -> list[Moment]:
    """One position for each word; its letters are the events there."""
    numbers = turns or tuple(range(1, len(events) + 1))
    times = at or tuple(float(n) for n in range(len(events)))
    return [Moment(frozenset(each), turn, when) for each, turn, when in zip(events, numbers, times, strict=True)]


def value(
    operator: str, *operands: Expr, moments: list[Moment], within: int | None = None, unit: str = "turns"
) -> object:
    return history_value(History(operator, operands, within, unit), moments, FACTS)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("events", "once", "previously", "historically", "count"),
    [
        ((), False, False, False, 0),
        (("a",), True, False, True, 1),
        (("", "a"), True, False, False, 1),
        (("a", ""), True, True, False, 1),
        (("a", "", ""), True, False, False, 1),
        (("a", "ab", "a"), True, True, True, 3),
        (("b",), False, False, False, 0),
    ],
)
def test_once_previously_historically_count(
    events: tuple[str, ...], once: bool, previously: bool, historically: bool, count: int
) -> None:
    moments = past(*events)
    assert value("once", A, moments=moments) is once
    assert value("previously", A, moments=moments) is previously
    assert value("historically", A, moments=moments) is historically
    assert value("count", A, moments=moments) == count


@pytest.mark.parametrize(
    ("events", "expected"),
    [(("b",), True), (("b", "a"), True), (("b", "a", ""), False), (("a", "a"), False), (("b", "", "b"), True)],
)
def test_since_is_the_start_and_then_all_the_time(events: tuple[str, ...], expected: bool) -> None:
    assert value("since", A, B, moments=past(*events)) is expected


def test_within_turns_counts_this_turn_as_one() -> None:
    moments = past("a", "", "", turns=(1, 1, 2))
    assert value("once", A, moments=moments, within=1) is False
    assert value("once", A, moments=moments, within=2) is True


def test_within_seconds_is_measured_from_now() -> None:
    moments = past("a", "a", "", at=(0, 50, 100))
    assert value("count", A, moments=moments, within=50, unit="seconds") == 1
    assert value("count", A, moments=moments, within=100, unit="seconds") == 2
    assert value("historically", Not(A), moments=moments, within=49, unit="seconds") is True


def test_facts_are_those_of_their_time() -> None:
    moments = [Moment(frozenset(), 1, 0, {"f": True}), Moment(frozenset(), 2, 1, {})]
    assert value("once", FACT, moments=moments) is True
    assert value("previously", FACT, moments=moments) is True
    assert value("historically", FACT, moments=moments) is False, "not known now"


def test_operators_nest() -> None:
    moments = past("a", "", "b")
    assert value("once", History("previously", (A,)), moments=moments) is True
    assert value("previously", History("previously", (A,)), moments=moments) is True
    assert value("historically", Const(True, BOOL), moments=moments) is True

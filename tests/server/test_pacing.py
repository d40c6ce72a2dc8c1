"""How often a caller may ask, by a clock of its own."""

from __future__ import annotations

import pytest

from jurat.server import pacing
from jurat.server.pacing import Pacing
from jurat.server.refusals import Refusal
from jurat.server.settings import Rate, SettingRefused, origins_of

RATE = Rate(2, 5)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def taken(paced: Pacing, caller: str, times: int) -> int:
    """How many of so many requests are let through."""
    return sum(passes(paced, caller) for _ in range(times))


def passes(paced: Pacing, caller: str) -> bool:
    try:
        paced.take(caller, RATE)
    except Refusal as refusal:
        return (refusal.status, refusal.code) != (429, "too-many")
    return True


def test_a_burst_passes_and_then_the_rate() -> None:
    clock = Clock()
    paced = Pacing(clock)
    assert taken(paced, "a", 20) == 5
    clock.now += 1
    assert taken(paced, "a", 20) == 2
    clock.now += 1_000
    assert taken(paced, "a", 20) == 5, "nobody saves up more than a burst"


def test_callers_do_not_wait_for_each_other() -> None:
    paced = Pacing(Clock())
    assert taken(paced, "a", 20) == taken(paced, "b", 20) == 5


def test_the_wait_that_is_said_is_enough() -> None:
    clock = Clock()
    paced = Pacing(clock)
    taken(paced, "a", 5)
    with pytest.raises(Refusal) as refused:
        paced.take("a", RATE)
    clock.now += int(refused.value.headers["retry-after"])
    paced.take("a", RATE)


def test_whoever_has_no_rate_is_never_refused() -> None:
    paced = Pacing(Clock())
    for _ in range(10_000):
        paced.take("a", None)
    assert len(paced) == 0


def test_how_many_callers_are_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "CALLERS", 3)
    paced = Pacing(Clock())
    for number in range(10):
        paced.take(str(number), RATE)
    assert len(paced) == 3


def test_origins_are_told_from_what_is_none() -> None:
    assert origins_of(["https://Shop.example", "http://[::1]:3000", "https://shop.example"]) == (
        "https://shop.example",
        "http://[::1]:3000",
    )
    for wrong in ("*", "shop.example", "https://shop.example/", "https://*.example", "https://a b", "null", ""):
        with pytest.raises(SettingRefused, match="is no origin"):
            origins_of([wrong])

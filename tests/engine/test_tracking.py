"""Guidelines that are already done: left out of a turn only where that is certain, and never out of what is in force."""

from __future__ import annotations

from typing import Any

import pytest

from jurat.engine import ToolResult
from jurat.engine.check import follow_statement
from jurat.engine.replay import replay

POLICY = """
    jurat: 1
    facts: {customer.gold: bool}
    observations: {asks: The customer asks for an upgrade}
    tools: {book: {python: "tools:book", consequential: true}}
    guidelines:
      upgrade: {when: asks, action: Offer an upgrade, tools: [book], forbid: [{reply: no}]MORE}
      tone: {when: customer.gold, action: Be formal}
    replies: {no: {text: Certainly not}}
"""
ALWAYS = {"asks": True}


def instructions(here: Any, turn: int) -> tuple[str, ...]:
    found: tuple[str, ...] = here.voice.requests[turn].instructions
    return found


def begun(world: Any, more: str = "", judge: Any = None, **others: Any) -> tuple[Any, list[int]]:
    booked: list[int] = []

    def book() -> str:
        booked.append(1)
        return "booked"

    policy = POLICY.replace("MORE", more)
    here = world(
        policy, judge={**ALWAYS, **(judge or {})}, tools={"book": book}, facts={"customer.gold": True}, **others
    )
    return here, booked


def test_what_was_carried_out_is_not_again_while_it_goes_on_holding(world: Any) -> None:
    here, booked = begun(world, judge={"again:upgrade": False})
    here.say("an upgrade?")
    turn = here.say("thank you")
    assert "Offer an upgrade" in instructions(here, 0)
    assert "Offer an upgrade" not in instructions(here, 1)
    assert "Be formal" in instructions(here, 1), "what follows from facts goes on"
    assert booked == [1]
    assert "upgrade" in turn.resolution.in_force, "what is in force is what the semantics says"
    assert any(each.kind == "forbid" for each in turn.trace.rounds[0].actions)
    assert "already done: upgrade, and not brought up anew" in turn.trace.explain()
    assert replay(here.engine.graph, turn.trace.as_json())[0].differences == ()


@pytest.mark.parametrize("again", [True, None])
def test_what_is_brought_up_anew_or_may_be_is_carried_out_again(world: Any, again: bool | None) -> None:
    here, booked = begun(world, judge={"again:upgrade": again})
    here.say("an upgrade?")
    here.say("another one?")
    assert "Offer an upgrade" in instructions(here, 1)
    assert booked == [1, 1]


def test_an_activation_ends_when_the_condition_does(world: Any) -> None:
    here, booked = begun(world, judge={"asks": ["upgrade"], "again:upgrade": False})
    for message in ("an upgrade?", "thanks", "an upgrade?"):
        here.say(message)
    assert ["Offer an upgrade" in instructions(here, n) for n in range(3)] == [True, False, True]
    assert booked == [1, 1]


@pytest.mark.parametrize("more", [", track: false", ", criticality: high"])
def test_the_author_may_have_it_carried_out_every_time(world: Any, more: str) -> None:
    judge = {"again:upgrade": False, follow_statement("Offer an upgrade"): True}
    here, booked = begun(world, more, judge=judge)
    here.say("an upgrade?")
    here.say("thank you")
    assert "Offer an upgrade" in instructions(here, 1)
    assert booked == [1, 1]


def test_what_failed_or_was_replaced_by_something_safe_is_not_done(world: Any) -> None:
    calls: list[int] = []

    def book() -> ToolResult:
        calls.append(1)
        return ToolResult("full", error=len(calls) == 1)

    policy = POLICY.replace("MORE", "")
    judge = {**ALWAYS, "again:upgrade": False}
    here = world(policy, judge=judge, tools={"book": book})
    for _ in range(3):
        here.say("an upgrade?")
    assert calls == [1, 1], "after the failure once more, and then no more"
    mute = world(policy, judge=judge, tools={"book": lambda: "booked"}, replies=lambda _: "")
    mute.say("an upgrade?")
    assert mute.session.state.done == frozenset()


def test_a_script_that_says_nothing_of_it_means_every_message_anew(world: Any) -> None:
    here, booked = begun(world)
    here.say("an upgrade?")
    here.say("an upgrade?")
    assert booked == [1, 1]


OFFERING = """
    jurat: 1
    observations: {asks: The customer asks what there is}
    tools: {search: {python: "tools:search"}}
    guidelines: {g: {when: asks, action: Be helpful, offer: [search]}}
"""


@pytest.mark.parametrize("action", ["action: Be helpful, ", ""])
def test_an_offer_that_was_not_taken_stays_one_and_one_that_was_is_done(world: Any, action: str) -> None:
    needed = {"offer:search": ["laptops"]}
    here = world(
        OFFERING.replace("action: Be helpful, ", action), judge={**ALWAYS, **needed, "again:g": False},
        tools={"search": lambda: "two laptops"},
    )  # fmt: skip
    calls = [here.statuses(here.say(said)) for said in ("what is there?", "laptops", "hm", "and laptops?")]
    assert calls == [[], [("search", "succeeded")], [], []]
    assert ["Be helpful" in instructions(here, n) for n in range(4)] == [bool(action), False, False, False]

"""A journey that is not in force when a message is answered is where the turn found it."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

VISIT = """
jurat: 1
observations: {visit: The customer wants a visit, angry: The customer is angry, reason: The customer says why}
guidelines:
  calm: {when: angry, action: Be calm, overrides: [visit-planned]}
journeys:
  visit-planned:
    triggers: [visit]
    initial: one
    states: {one: {say: One, to: [{state: two}]}, two: {say: Two, to: [{when: reason, state: three}]}, three: {say: Three}}
"""
JUDGE: dict[str, Any] = {"visit": ["visit"], "angry": ["angry"], "reason": ["knee"]}


def places(world: Any, policy: str, *messages: str, **more: Any) -> list[dict[str, str]]:
    """Where the journeys are after each message."""
    here, found = world(policy, judge=JUDGE, replies=lambda _: "Well?", **more), []
    for message in messages:
        here.say(message)
        found.append(dict(here.session.journeys))
    return found


def test_an_overridden_journey_has_not_begun_and_one_under_way_waits(world: Any) -> None:
    here = world(VISIT, judge=JUDGE, replies=lambda _: "Well?")
    turn = here.say("a visit, I am angry")
    assert turn.resolution.in_force == ("calm",)
    assert here.session.journeys == {}
    assert turn.trace.notes == ["`visit-planned` has not begun: held back by `calm`"]
    assert here.say("a visit").resolution.in_force == ("visit-planned", "visit-planned/one")
    turn = here.say("angry, for my knee")
    assert here.session.journeys == {"visit-planned": "one"}
    assert turn.trace.notes == ["`visit-planned` stays in `one`: held back by `calm`"]
    assert here.say("fine").resolution.in_force == ("visit-planned", "visit-planned/two")
    assert here.say("fine").trace.notes == []


def test_within_the_turn_it_is_where_its_ways_led(world: Any) -> None:
    """Else it would not be live, and could not be overridden; the past and the trace tell the turn as it was decided."""
    here = world(VISIT, judge=JUDGE, replies=lambda _: "Well?")
    turn = here.say("a visit, I am angry")
    assert turn.trace.rounds[-1].values["journey.visit-planned.state"] == "one"
    assert here.session.state.moments[-1].values["journey.visit-planned.state"] == "one"


def test_what_may_be_overridden_is_held_back_too(world: Any) -> None:
    judge = {**JUDGE, "angry": lambda talk: None if "hm" in talk[-1].text else False}
    here = world(VISIT, judge=judge, replies=lambda _: "Well?")
    here.say("a visit, hm")
    assert here.session.journeys == {}
    here.say("a visit")
    assert here.session.journeys == {"visit-planned": "one"}


def test_an_override_of_a_state_replaces_what_it_says_and_the_journey_goes_on(world: Any) -> None:
    policy = VISIT.replace("overrides: [visit-planned]", "overrides: [visit-planned/one]")
    assert places(world, policy, "a visit, I am angry", "fine") == [{"visit-planned": "one"}, {"visit-planned": "two"}]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("triggers: [visit]", "triggers: [visit]\n    requires: [reasoned]"),
        ("  calm:", "  calm-2: {when: angry, action: Wait, rank: 1}\n  calm:"),
        ("  calm:", "  calm-2: {when: angry, action: Which, disambiguates: [visit-planned, reasoned]}\n  calm:"),
    ],
)  # fmt: skip
def test_so_is_one_that_is_outranked_or_ambiguous_or_lacks_what_it_requires(
    world: Any, before: str, after: str
) -> None:
    policy = inspect.cleandoc(VISIT).replace("overrides: [visit-planned]", "overrides: []").replace(before, after)
    policy = policy.replace(
        "guidelines:\n", "guidelines:\n  reasoned: {when: reason || angry && visit, action: Listen}\n"
    )
    policy = policy.replace("reason || angry && visit", "reason") if "requires" in after else policy
    assert places(world, policy, "a visit, I am angry", "a visit for my knee") == [{}, {"visit-planned": "one"}]


PAY = """
jurat: 1
facts: {paid: {type: bool, from: tools}}
observations: {visit: The customer pays, angry: The customer is angry, reason: The customer asks}
events: {shipped: The parcel is on its way}
tools: {charge: {python: "tools:charge", consequential: true, provides: {paid: true}}}
guidelines: {thank: {when: 'called("charge")', action: Thank them, overrides: [order]}}
journeys:
  order:
    triggers: [visit]
    initial: pay
    states:
      pay: {tool: charge, to: [{when: paid, state: told}]}
      told: {say: It is paid, to: [{when: shipped, state: sent}]}
      sent: {say: It is sent}
"""


def test_a_call_that_was_made_is_not_taken_back_and_so_not_made_again(world: Any) -> None:
    calls: list[str] = []

    def charge() -> str:
        calls.append("charge")
        return "charged"

    policy = PAY.replace("{when: shipped, state: sent}", "{state: sent}")
    here = world(policy, judge=JUDGE, replies=lambda _: "Well?", tools={"charge": charge})
    turn = here.say("I pay for a visit")
    assert here.session.journeys == {"order": "told"}
    assert turn.trace.notes == ["`order` waits in `told` until it was said: held back by `thank`"]
    assert here.say("fine").resolution.in_force == ("order", "order/told")
    assert here.say("fine").resolution.in_force == ("order", "order/sent")
    assert calls == ["charge"]


def test_what_an_event_does_without_a_message_is_not_taken_back(world: Any) -> None:
    """It happens once, and nothing is said in that turn of any journey."""
    policy = PAY.replace('called("charge")', 'angry || called("charge")')
    here = world(policy, judge=JUDGE, replies=lambda _: "Well?", tools={"charge": lambda: "charged"})
    here.say("I pay for a visit")
    here.say(None, event="shipped")
    assert here.session.journeys == {"order": "sent"}


INNER = """
jurat: 1
observations: {visit: The customer wants a visit, angry: The customer is angry, reason: The customer says why}
guidelines:
  calm: {when: angry, action: Be calm, overrides: [identify]}
journeys:
  identify: {initial: name, states: {name: {say: Ask for the name, to: [{state: born}]}, born: {say: Ask for the date, to: [{state: known}]}, known: {end: true}}}
  outer:
    triggers: [visit]
    initial: hello
    states: {hello: {say: Hello, to: [{state: who}]}, who: {journey: identify, to: [{state: bye}]}, bye: {say: Bye}}
"""


def test_what_holds_back_a_journey_holds_back_the_one_around_it(world: Any) -> None:
    assert places(world, INNER, "a visit, angry", "angry", "fine", "angry", "fine", "angry") == [
        {"outer": "hello"},
        {"outer": "hello"},
        {"outer": "who.name"},
        {"outer": "who.name"},
        {"outer": "who.born"},
        {"outer": "bye"},
    ]


def test_one_that_ends_where_it_is_not_in_force_has_not_ended(world: Any) -> None:
    policy = VISIT.replace(
        "two: {say: Two, to: [{when: reason, state: three}]}, three: {say: Three}", "two: {end: true}"
    )
    assert places(world, policy, "a visit", "angry", "fine") == [{"visit-planned": "one"}, {"visit-planned": "one"}, {}]


def test_a_journey_of_another_agent_rests_and_nobody_holds_it_back(world: Any) -> None:
    policy = VISIT + "agents: {ann: {name: Ann}, bob: {name: Bob, include: [off]}}\n"
    policy = policy.replace(
        "guidelines:\n", "guidelines:\n  off: {when: reason, hand_off: ann}\n  on: {when: angry, hand_off: bob}\n"
    )
    policy = policy.replace("overrides: [visit-planned]", "overrides: []")
    here = world(policy, judge=JUDGE, replies=lambda _: "Well?")
    here.say("a visit")
    turn = here.say("angry")
    assert (here.session.agent, here.session.journeys) == ("bob", {"visit-planned": "two"})
    assert [each.trace.notes for each in (*turn.before, turn)] == [[], ["`ann` handed this message on"]]
    here.say("hello")
    assert here.session.journeys == {"visit-planned": "two"}

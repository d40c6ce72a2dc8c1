"""A trace says why, conflicts included, and replays."""

from __future__ import annotations

import json

import pytest

from jurat.engine import EngineError, replay
from jurat.policies import load

POLICY = """
jurat: 1
facts:
  tier: {type: {enum: [standard, gold], ordered: true}}
  age: {type: duration}
observations:
  asks: The customer asks
  angry: The customer is angry
  shy: The customer is shy
  bold: The customer is bold
axioms:
  - exclusive: [shy, bold]
tools: {look: {python: "tools:look"}}
guidelines:
  vip: {when: asks && tier >= "gold", action: Be warm, entails: [smile]}
  smile: {when: shy, action: Smile}
  calm: {when: angry, action: Calm down, overrides: [plain]}
  plain: {when: asks, action: Be plain, tools: [look]}
  old: {when: asks && age > duration("24h"), action: Say sorry}
  maybe: {when: bold, action: Cheer, requires: [vip]}
"""
JUDGE = {"asks": 0.9, "angry": True, "shy": 0.5, "bold": 0.1}


def test_it_says_why_for_everything(world) -> None:  # type: ignore[no-untyped-def]
    here = world(POLICY, judge=JUDGE, facts={"tier": "gold"})
    lines = here.say("go").trace.explain()
    assert lines[:6] == [
        "warning: this policy runs unproved",
        "in force: calm, because `angry` is true (judged, 1.00)",
        "in force: smile, because `vip` entails it",
        "in force: vip, because `asks` is true (judged, 0.90) and `tier` is gold (fact)",
        "dropped: plain, overridden by `calm`",
        "open: old, because `age` is absent (fact)",
    ]


def test_it_says_what_the_axioms_did(world) -> None:  # type: ignore[no-untyped-def]
    here = world(POLICY, judge={**JUDGE, "shy": True, "bold": True}, facts={"tier": "gold"})
    turn = here.say("go")
    assert "axiom violated by what was judged" in "\n".join(turn.trace.explain())
    assert turn.trace.rounds[0].withdrawn == ("bold", "shy")


def test_it_replays(world) -> None:  # type: ignore[no-untyped-def]
    judge = {**JUDGE, "angry": False}
    facts = {"tier": "gold", "age": "30h"}
    here = world(POLICY, judge=judge, facts=facts, tools={"look": lambda: "ok"})
    stored = json.loads(json.dumps(here.say("go").trace.as_json()))
    again = replay(here.engine.graph, stored)
    assert [(each.number, each.differences) for each in again] == [(1, ()), (2, ())]
    stored["rounds"][0]["judgements"]["asks"] = False
    assert replay(here.engine.graph, stored)[0].differences


def test_another_policy_shows_what_an_edit_changes(world) -> None:  # type: ignore[no-untyped-def]
    here = world(POLICY, judge=JUDGE, facts={"tier": "gold"})
    stored = here.say("go").trace.as_json()
    edited = load(POLICY.replace("overrides: [plain]", "overrides: [vip]"))
    with pytest.raises(EngineError, match="another version"):
        replay(edited, stored)
    (round_,) = replay(edited, stored, other_policy=True)
    assert "plain" in round_.resolution.in_force
    assert "vip" not in round_.resolution.in_force
    with pytest.raises(EngineError, match="format"):
        replay(edited, {**stored, "format": 99})


CONFLICTS = """
jurat: 1
agents: {a: {name: A}, b: {name: B}}
decisions: {price: int}
replies: {one: {text: One}, two: {text: Two}}
guidelines:
  left: {condition: The customer asks, decide: {price: 1}, reply: one, hand_off: a, tools: [look], exclusive_with: [right]}
  right: {condition: The customer asks, decide: {price: 2}, reply: two, hand_off: b, forbid: [look]}
"""


def test_conflicts_of_an_unproved_policy_are_dropped_and_said(world) -> None:  # type: ignore[no-untyped-def]
    done: list[int] = []
    here = world(CONFLICTS, judge={"The customer asks": True}, tools={"look": lambda: done.append(1)})
    turn = here.say("go")
    assert turn.trace.rounds[0].conflicts == (
        "`left` and `right` give decision `price` competing values, so none is taken",
        "`left` and `right` exclude each other and are all in force",
        "`left` and `right` disagree on tool `look`: forbid wins, so it is not called",
        "`left` and `right` hand off to different places, so neither is done",
        "`left` and `right` demand different replies, so neither is sent",
    )
    assert (turn.trace.decisions, here.session.agent, done) == ({}, "a", [])
    assert "Offer the customer to continue with a human colleague" in here.voice.requests[0].instructions


def test_a_forbidden_reply_is_not_sent(world) -> None:  # type: ignore[no-untyped-def]
    policy = """
    jurat: 1
    replies: {one: {text: One}}
    guidelines:
      left: {condition: The customer asks, reply: one}
      right: {condition: The customer waits, forbid: [{reply: one}]}
    """
    judge = {"The customer asks": True, "The customer waits": None}
    here = world(policy, judge=judge, replies=["One", "Another."])
    turn = here.say("go")
    assert turn.response.text == "Another."
    assert turn.trace.rounds[0].conflicts == (
        "`left` and `right` disagree on reply `one`: forbid wins, so it is not sent",
    )

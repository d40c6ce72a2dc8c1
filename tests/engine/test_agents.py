"""Several agents: each runs what it includes, a message is handed on with all that is known, and never in a circle."""

from __future__ import annotations

import asyncio

import pytest

from jurat.engine import FactRefused, ToolResult, TurnRefused
from jurat.policies import PolicyError, load

TEAM = """
jurat: 1
agents:
  router: {name: Router, include: [route-sales, route-support, human]}
  sales: {name: Sales, include: [tag:sales, human]}
  support: {name: Support, include: [tag:support, order, human]}
facts:
  order.found: {type: bool, from: tools}
observations: {buys: The customer wants to buy, broken: Something is broken, angry: The customer is angry}
axioms: [{exclusive: [buys, broken]}]
tools:
  find: {python: "tools:find", provides: {order.found: true}}
  discount: {python: "tools:discount", consequential: true, guard: 'session.agent == "sales"'}
guidelines:
  route-sales: {when: buys, hand_off: sales}
  route-support: {when: broken, hand_off: support}
  human: {when: angry, hand_off: human, overrides: [route-sales, route-support, onward, back]}
  quote: {when: buys, action: Quote a price, tools: [discount], tags: [sales]}
  onward: {when: broken, hand_off: support, tags: [sales]}
  repair: {when: broken, action: Offer a repair, tags: [support]}
  back: {when: buys, hand_off: sales, tags: [support]}
journeys:
  order:
    triggers: [broken]
    initial: ask
    states:
      ask: {say: Ask for the number, to: [{condition: The customer gave a number, state: look}]}
      look: {tool: find, to: [{otherwise: true, state: done}]}
      done: {say: Tell them, to: [{when: session.ended, state: over}]}
      over: {end: true}
invariants:
  sales-alone-discounts: called("discount") implies session.agent == "sales"
"""
JUDGE = {"buys": ["buy"], "broken": ["broken"], "angry": ["manager"], "The customer gave a number": ["1042"]}


def team(world, **more):  # type: ignore[no-untyped-def]
    return world(TEAM, judge=JUDGE, default=False, tools={"find": lambda: "found", "discount": lambda: "5 off"}, **more)


def test_a_message_is_handed_on_and_answered_by_who_takes_over(world) -> None:  # type: ignore[no-untyped-def]
    here = team(world)
    turn = here.say("I want to buy it")
    assert [each.trace.agent for each in (*turn.before, turn)] == ["router", "sales"]
    assert here.voice.requests[-1].agent_name == "Sales"
    assert len(here.voice.requests) == 1, "who hands on says nothing"
    assert turn.resolution.in_force == ("quote",)
    assert [(m.role, m.text) for m in here.session.conversation if m.role == "customer"] == [
        ("customer", "I want to buy it")
    ]
    assert "`router` handed this message on" in turn.trace.notes


def test_journeys_and_facts_go_with_the_session_and_rest_with_who_does_not_have_them(world) -> None:  # type: ignore[no-untyped-def]
    here = team(world)
    here.say("it is broken")
    assert (here.session.agent, dict(here.session.journeys)) == ("support", {"order": "ask"})
    turn = here.say("I want to buy another")
    assert turn.trace.agent == "sales"
    assert dict(here.session.journeys) == {"order": "ask"}
    assert turn.resolution.in_force == ("quote",)
    here.say("number 1042")
    assert dict(here.session.journeys) == {"order": "ask"}, "it rests, whatever the customer says"
    asyncio.run(here.engine.transfer(here.session, "support"))
    turn = here.say("it is 1042")
    assert dict(here.session.journeys) == {"order": "done"}
    assert here.session.facts["order.found"] is True


def test_what_an_agent_does_not_include_is_not_even_asked_about(world) -> None:  # type: ignore[no-untyped-def]
    here = team(world)
    here.say("hello")
    assert {key for keys in here.judge.asked for key in keys} == {"buys", "broken", "angry"}


CIRCLE = """
jurat: 1
agents:
  a: {name: A, include: [ab]}
  b: {name: B, include: [bc]}
  c: {name: C, include: [ca]}
guidelines:
  ab: {condition: The customer asks, hand_off: b}
  bc: {condition: The customer asks, hand_off: c}
  ca: {condition: The customer asks, hand_off: a}
"""


def test_a_circle_of_transfers_is_ended_and_told(world) -> None:  # type: ignore[no-untyped-def]
    here = world(CIRCLE, judge={"The customer asks": True}, replies=["I am C."])
    turn = here.say("go")
    assert [each.trace.agent for each in (*turn.before, turn)] == ["a", "b", "c"]
    assert (turn.response.text, here.session.agent) == ("I am C.", "c")
    told = "agents hand this message on in a circle, `a` to `b` to `c` to `a`, so `c` keeps it"
    assert told in turn.trace.notes
    assert "Offer the customer to continue with a human colleague" in here.voice.requests[-1].instructions


def test_a_human_takes_over_and_gives_back(world) -> None:  # type: ignore[no-untyped-def]
    here = team(world)
    assert here.say("manager!").trace.handed_to == "human"
    assert here.say("are you there?").response is None
    asyncio.run(here.engine.record_human(here.session, "I have repaired it."))
    asyncio.run(here.engine.take_back(here.session, agent="support"))
    turn = here.say("it is broken")
    assert turn.trace.agent == "support"
    assert "I have repaired it." in [message.text for message in here.voice.requests[-1].conversation]
    asyncio.run(here.engine.take_over(here.session))
    assert here.say("hello?").response is None


def test_who_answers_is_not_for_the_application_to_say_by_a_fact(world) -> None:  # type: ignore[no-untyped-def]
    here = team(world)
    with pytest.raises(FactRefused, match="transfer the session instead"):
        here.engine.start_session({"session.agent": "sales"})
    for wrong in (here.engine.transfer(here.session, "sale"), here.engine.take_back(here.session, agent="sale")):
        with pytest.raises(TurnRefused, match="no agent `sale`; did you mean `sales`"):
            asyncio.run(wrong)
    with pytest.raises(PolicyError, match="built in"):
        load("jurat: 1\nfacts: {session.agent: string}\nguidelines: {g: {action: Hi}}\n")


PASSED_ON = """
jurat: 1
agents:
  router: {name: Router, include: [first, onward]}
  sales: {name: Sales, include: [quote]}
observations: {buys: The customer wants to buy, dear: It is dear}
tools: {look: {python: "tools:look"}}
guidelines:
  first: {when: buys, tools: [look]}
  onward: {when: 'buys && succeeded("look")', hand_off: sales}
  quote: {when: dear, action: Say so}
"""


@pytest.mark.parametrize("lifespan", ["response", "session"])
def test_what_a_tool_said_is_heard_by_who_takes_over(world, lifespan: str) -> None:  # type: ignore[no-untyped-def]
    def look() -> ToolResult:
        return ToolResult(
            "it costs 99", {"price": 99}, control={"lifespan": lifespan},
            canned_responses=["It is {{ look.price }} {{ unit }}."], canned_response_fields={"unit": "euros"},
        )  # fmt: skip

    dear = {"dear": lambda said: any("99" in each.text for each in said), "buys": ["buy"]}
    here = world(PASSED_ON, judge=dear, default=False, tools={"look": look})
    turn = here.say("I want to buy it")
    assert [each.trace.agent for each in (*turn.before, turn)] == ["router", "sales"]
    assert turn.resolution.in_force == ("quote",), "the judge hears it"
    assert here.voice.requests[-1].tool_results == ("look: it costs 99",)
    assert "look: it costs 99" in [each.text for each in here.voice.requests[-1].conversation]
    assert turn.trace.calls == [], "the trace has it where it was made"
    kept = [each.text for each in here.session.conversation if each.role == "tool"]
    assert kept == ([] if lifespan == "response" else ["look: it costs 99"])
    canned = world(PASSED_ON.replace("{when: dear, action: Say so}", "{when: dear}"), judge=dear, default=False, tools={"look": look})  # fmt: skip
    assert canned.say("I want to buy it").response.text == "It is 99 euros."

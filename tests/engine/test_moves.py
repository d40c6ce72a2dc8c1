"""How far journeys go in one turn: one chat state a message, whoever has it, and at once through what says nothing."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from jurat.engine import ToolResult

HANDED = """
jurat: 1
agents: {ann: {name: Ann}, bob: {name: Bob}, cat: {name: Cat}}
observations: {go: They go, swap: They want another}
tools: {look: {python: "tools:look"}}
guidelines:
  to-bob: {when: 'swap && session.agent == "ann"', hand_off: bob}
  to-cat: {when: 'swap && session.agent == "bob"', hand_off: cat}
journeys:
  j:
    triggers: [go]
    initial: one
    states:
      one: {say: One, to: [{state: two}]}
      two: {say: Two, to: [{state: three}]}
      three: {say: Three, to: [{state: four}]}
      four: {say: Four}
"""
JUDGE: dict[str, Any] = {"go": ["go"], "swap": ["swap"], "said": ["7"], "angry": ["angry"]}


def test_a_message_that_is_handed_on_moves_a_journey_once(world: Any) -> None:
    here = world(HANDED, judge=JUDGE)
    here.say("go")
    turn = here.say("swap")
    assert [each.trace.agent for each in (*turn.before, turn)] == ["ann", "bob", "cat"]
    assert here.session.journeys == {"j": "two"}
    assert here.voice.requests[-1].instructions == ("Two",)
    here.say("well")
    assert here.session.journeys == {"j": "three"}


def test_so_does_one_that_begins_a_journey(world: Any) -> None:
    here = world(HANDED, judge=JUDGE)
    here.say("go and swap")
    assert here.session.journeys == {"j": "one"}
    assert here.voice.requests[-1].instructions == ("One",)


def test_a_tool_that_hands_on_in_the_middle_of_a_journey_is_called_once(world: Any) -> None:
    policy = HANDED.replace("two: {say: Two,", "two: {tool: look,").replace("swap &&", 'called("look") &&')
    calls: list[int] = []
    here = world(policy, judge=JUDGE, tools={"look": lambda: calls.append(1) or "seen"})
    here.say("go")
    turn = here.say("well")
    assert [each.trace.agent for each in (*turn.before, turn)] == ["ann", "bob"]
    assert (here.session.journeys, len(calls)) == ({"j": "three"}, 1)
    assert here.voice.requests[-1].instructions == ("Three",)


RESTING = """
jurat: 1
agents: {ann: {name: Ann, include: [order, thank]}, bob: {name: Bob, include: [other]}}
observations: {go: They go}
tools: {charge: {python: "tools:charge"}}
guidelines:
  thank: {when: 'called("charge")', action: Thank them, overrides: [order]}
  other: {action: Do something else}
journeys:
  order:
    triggers: [go]
    initial: pay
    states: {pay: {tool: charge, to: [{state: told}]}, told: {say: It is paid, to: [{state: over}]}, over: {end: true}}
"""


def test_what_waits_to_be_said_waits_while_its_journey_rests(world: Any) -> None:
    here = world(RESTING, judge=JUDGE, tools={"charge": lambda: "charged"})
    here.say("go")
    for agent in ("bob", "ann"):
        asyncio.run(here.engine.transfer(here.session, agent))
        here.say("well")
    assert here.session.journeys == {"order": "told"}
    assert here.voice.requests[-1].instructions == ("It is paid",)


TOOLS = """
jurat: 1
observations: {go: They go, look: They look, said: They gave the code}
events: {tick: It ticks}
facts: {found: {type: bool, from: tools}}
tools: {find: {python: "tools:find", provides: {found: any}}, seek: {python: "tools:seek"}}
guidelines:
  looks: {when: look, tools: [find]}
  ticks: {when: tick, tools: [find]}
journeys:
"""


def finding(*found: bool) -> dict[str, Any]:
    """Tools, of which one finds it or not, call after call."""
    left = list(found)

    def find() -> ToolResult:
        return ToolResult("looked", facts={"found": left.pop(0)})

    return {"find": find, "seek": lambda: "sought"}


def test_a_fork_that_nothing_led_out_of_is_left_when_a_tool_opens_a_way(world: Any) -> None:
    policy = (
        TOOLS
        + "  j: {triggers: [go], initial: f, states: {f: {fork: true, to: [{when: found, state: a}]}, a: {say: A}}}\n"
    )
    here = world(policy, judge={**JUDGE, "look": ["look"]}, tools=finding(True))
    here.say("go and look")
    assert here.session.journeys == {"j": "a"}
    assert here.voice.requests[-1].instructions == ("A",)


def test_no_judgement_begins_a_journey_where_the_customer_said_nothing(world: Any) -> None:
    policy = TOOLS + (
        "  j: {triggers: [go], initial: a, states: {a: {say: A, to: [{state: e}]}, e: {end: true}}}\n"
        "  k: {triggers: [found], initial: a, states: {a: {say: A}}}\n"
    )
    here = world(policy, judge={"go": True, "look": False}, tools=finding(True))
    here.say("go")
    here.say("well")
    here.say(None, event="tick")
    assert here.session.journeys == {"k": "a"}, "its tool ran, and what it found begins another"


def test_a_state_makes_its_own_call_though_the_tool_has_run_for_others(world: Any) -> None:
    """Else it has nothing to say and nothing to go on from until the next message, when the tool is called all the same."""
    policy = TOOLS + (
        "  j:\n    triggers: [go]\n    initial: a\n    states:\n"
        "      a: {tool: find, to: [{state: b}]}\n      b: {tool: seek, to: [{state: c}]}\n"
        "      c: {tool: find, to: [{when: found, state: d}]}\n      d: {say: D}\n"
    )
    here = world(policy, judge={**JUDGE, "look": ["look"]}, tools=finding(False, True))
    turn = here.say("go and look")
    assert [each.tool for each in turn.calls] == ["find", "seek", "find"]
    assert here.session.journeys == {"j": "d"}


QUESTION = """  identify:
    initial: code
    states:
      code: {ask: Ask for the code, to: [{when: said, state: verify}]}
      verify: {tool: find, to: [{when: found, state: known}, {otherwise: true, state: code}]}
      known: {end: true}
  j:
    triggers: [go]
    initial: who
    states: {who: {journey: identify, to: [{state: in}]}, in: {say: Welcome them}}
"""


def test_a_question_whose_answer_did_not_do_is_asked_again(world: Any) -> None:
    """Its answer is known, and was no use: it would be passed by for good, and the customer told nothing."""
    judge = {**JUDGE, "look": False}
    here = world(TOOLS + QUESTION, judge=judge, tools=finding(False, True))
    here.say("go, it is 7")
    assert here.session.journeys == {"j": "who.code"}
    assert here.voice.requests[-1].instructions == ("Ask for the code",)
    here.say("rather 77")
    assert here.session.journeys == {"j": "in"}


def test_so_is_one_before_an_inner_journey_or_a_fork_that_leads_back_to_it(world: Any) -> None:
    policy = TOOLS + QUESTION.replace(
        "{say: Welcome them}", "{fork: true, to: [{otherwise: true, state: what}]}"
    ).replace(
        "initial: who\n    states: {",
        "initial: what\n    states: {what: {ask: Ask what, to: [{when: said, state: who}]}, ",
    )
    here = world(policy, judge={**JUDGE, "look": False}, tools=finding(True))
    here.say("go, it is 7")
    assert here.session.journeys == {"j": "what"}


def test_a_question_that_is_met_for_the_first_time_is_passed_although_a_tool_leads_there_too(world: Any) -> None:
    policy = TOOLS + (
        "  j:\n    triggers: [go]\n    initial: f\n    states:\n"
        "      f: {fork: true, to: [{when: found, state: a}, {otherwise: true, state: q}, {when: '!has(found)', state: q}]}\n"
        "      q: {ask: Ask for the code, to: [{when: said, state: t}]}\n"
        "      t: {tool: find, to: [{state: f}]}\n      a: {say: A}\n"
    )
    here = world(policy, judge={**JUDGE, "look": False}, tools=finding(True))
    here.say("go, it is 7")
    assert here.session.journeys == {"j": "a"}


def test_what_is_not_called_any_more_is_told_with_the_reason(world: Any) -> None:
    policy = TOOLS + (
        "  j: {triggers: [go], initial: a, states: {a: {tool: find, to: [{state: b}]}, b: {tool: seek, to: [{state: a}]}}}\n"
    )
    here = world(policy, judge={**JUDGE, "look": False}, tools=finding(True, True))
    assert len(here.say("go").calls) == 4
    told = "`find` was not done (it was not called again in this turn); say so where it matters, and do not promise it"
    assert here.voice.requests[-1].instructions == (told,)


def test_what_a_message_has_led_to_is_said_by_whoever_comes_to_it(world: Any) -> None:
    """It is handed on to somebody who does not have the journey, or whose turn is cut short."""
    absent = HANDED.replace("{name: Bob}", "{name: Bob, include: [to-cat]}").replace(
        'swap && session.agent == "bob"', "false"
    )
    here = world(absent, judge=JUDGE)
    here.say("go")
    here.say("swap")
    asyncio.run(here.engine.transfer(here.session, "cat"))
    here.say("well")
    assert here.session.journeys == {"j": "two"}
    assert here.voice.requests[-1].instructions == ("Two",)


def test_also_after_a_turn_that_was_cut_short(world: Any) -> None:
    cut = [False, True, False]

    def reply(_: object) -> str:
        if cut.pop(0):
            raise asyncio.CancelledError
        return "Well?"

    here = world(HANDED.replace('swap && session.agent == "bob"', "false"), judge=JUDGE, replies=reply)
    here.say("go")
    with pytest.raises(asyncio.CancelledError):
        here.say("swap")
    here.say("well")
    assert (here.session.agent, dict(here.session.journeys)) == ("bob", {"j": "two"})
    assert here.voice.requests[-1].instructions == ("Two",)

"""Questions, ways back, journeys within journeys, as a conversation goes through them; and what Parlant loses on the way."""

from __future__ import annotations

import re
from typing import Any

import pytest

LOAN = """
jurat: 1
facts: {score: {type: int, from: tools}}
observations:
  wants: The customer wants a loan
  income: The customer said what they earn
  job: The customer said where they work
  other: The customer names another income
  over: The customer wants to begin again
  agrees: The customer agrees
tools:
  credit: {python: "tools:credit", provides: {score: result.score}}
  pay_out: {python: "tools:pay_out", consequential: true, guard: score >= 700}
journeys:
  loan:
    triggers: [wants]
    initial: income
    back:
      - {when: over, state: income}
      - {when: other, state: income}
    states:
      income: {ask: Ask for the income, to: [{when: income, state: job}]}
      job: {ask: Ask for the employer, to: [{when: job, state: check}]}
      check: {tool: credit, to: [{when: score >= 700, state: terms}, {otherwise: true, state: refuse}]}
      terms: {say: State the terms, to: [{when: agrees, state: pay}]}
      pay: {tool: pay_out, to: [{state: done}]}
      refuse: {say: Explain the refusal, to: [{when: agrees, state: done}]}
      done: {end: true}
"""
JUDGE = {
    "wants": ["loan"],
    "income": ["earn"],
    "job": ["work at"],
    "other": ["actually"],
    "over": ["again"],
    "agrees": ["yes"],
}


class Bureau:
    """Counts its calls, and what was asked."""

    def __init__(self, score: int = 900) -> None:
        self.score, self.asked, self.paid = score, list[int](), 0

    def credit(self, income: int) -> dict[str, int]:
        self.asked.append(income)
        return {"score": self.score}

    def pay_out(self) -> str:
        self.paid += 1
        return "paid"


def loan(world, bureau: Bureau, **more: Any):  # type: ignore[no-untyped-def]
    arguments = {"credit": {"income": re.compile(r"earn (\d+)")}}
    tools = {"credit": bureau.credit, "pay_out": bureau.pay_out}
    return world(LOAN, judge={**JUDGE, **more.pop("judge", {})}, arguments=arguments, tools=tools, **more)


def test_questions_are_asked_one_by_one(world) -> None:  # type: ignore[no-untyped-def]
    here = loan(world, Bureau())
    places = []
    for text in ("a loan please", "I earn 3000", "I work at a school", "hm"):
        here.say(text)
        places.append(here.session.journeys["loan"])
    assert places == ["income", "job", "terms", "terms"]


def test_what_was_said_already_is_not_asked(world) -> None:  # type: ignore[no-untyped-def]
    bureau = Bureau()
    here = loan(world, bureau)
    turn = here.say("a loan please, I earn 3000 and work at a school")
    assert here.session.journeys["loan"] == "terms"
    assert bureau.asked == [3000]
    assert here.voice.requests[-1].instructions == ("State the terms",)
    assert turn.resolution.in_force == ("loan", "loan/terms")


@pytest.mark.parametrize("answer", [False, None, 0.5])
def test_a_question_is_asked_unless_its_answer_is_certainly_known(world, answer: Any) -> None:  # type: ignore[no-untyped-def]
    here = loan(world, Bureau(), judge={"job": answer})
    here.say("a loan please, I earn 3000")
    assert here.session.journeys["loan"] == "job"
    assert here.voice.requests[-1].instructions == ("Ask for the employer",)


def test_nothing_that_the_customer_says_passes_a_tool_or_its_guard(world) -> None:  # type: ignore[no-untyped-def]
    bureau = Bureau(score=100)
    here = loan(world, bureau, judge=dict.fromkeys(JUDGE, True))
    for text in ("a loan, I earn 3000, yes to everything", "yes yes", "I agree, pay it out"):
        here.say(text)
    assert bureau.asked, "the bureau was asked"
    assert bureau.paid == 0


def test_an_earlier_answer_is_changed_and_the_rest_is_not_asked_again(world) -> None:  # type: ignore[no-untyped-def]
    bureau = Bureau()
    here = loan(world, bureau, judge={"job": True})
    here.say("a loan please, I earn 3000")
    assert here.session.journeys["loan"] == "terms"
    here.say("actually I earn 9000")
    assert here.session.journeys["loan"] == "terms"
    assert bureau.asked == [3000, 9000], "what hangs on the answer is done again"
    here.say("let us begin again")
    assert here.session.journeys["loan"] == "income"
    here.say("I earn 5, and yes, I work at a school")
    assert here.session.journeys["loan"] == "terms"


def test_a_journey_that_has_ended_can_begin_again(world) -> None:  # type: ignore[no-untyped-def]
    bureau = Bureau()
    here = loan(world, bureau)
    for text in ("a loan please, I earn 3000 and work at a school", "yes"):
        here.say(text)
    assert (dict(here.session.journeys), bureau.paid) == ({}, 1)
    here.say("another loan")
    assert here.session.journeys["loan"] == "income"


WITHIN = """
jurat: 1
observations: {buys: The customer buys, moves: The customer moves, code: The customer gave the code, size: The customer gave a size}
facts: {known: {type: bool, from: tools}}
tools: {verify: {python: "tools:verify", provides: {known: true}}}
journeys:
  identify:
    initial: code
    composition: fluid
    states:
      code: {ask: Ask for the code, to: [{when: code, state: verify}]}
      verify: {tool: verify, to: [{when: failed("verify"), state: code}, {state: done}]}
      done: {end: true}
  buy:
    triggers: [buys]
    initial: size
    states:
      size: {ask: Ask for the size, to: [{when: size, state: who}]}
      who: {journey: identify, to: [{state: sold}]}
      sold: {say: Thank them, to: [{when: buys, state: over}]}
      over: {end: true}
  move:
    triggers: [moves]
    initial: who
    states:
      who: {journey: identify, to: [{state: where}]}
      where: {say: Ask where to, to: [{when: buys, state: over}]}
      over: {end: true}
guidelines:
  patience: {scope: identify, action: Do not hurry}
  digits: {scope: identify/code, action: Ask for digits}
"""


def test_an_inner_journey_runs_and_its_outer_one_goes_on(world) -> None:  # type: ignore[no-untyped-def]
    judge = {"buys": ["buy"], "moves": ["move"], "code": ["code"], "size": ["large"]}
    here = world(WITHIN, judge=judge, tools={"verify": lambda: "ok"})
    assert here.say("I buy a large one").resolution.in_force == ("buy", "buy/who.code", "digits", "patience")
    assert dict(here.session.journeys) == {"buy": "who.code"}
    turn = here.say("my code is 1")
    assert turn.resolution.in_force == ("buy", "buy/sold")
    assert here.statuses(turn) == [("verify", "succeeded")]


def test_several_run_at_once_each_in_its_own_copy(world) -> None:  # type: ignore[no-untyped-def]
    judge = {"buys": ["buy"], "moves": ["move"], "code": ["code"], "size": ["large"]}
    calls: list[str] = []
    here = world(WITHIN, judge=judge, tools={"verify": lambda: calls.append("v") or "ok"})
    here.say("I buy one, and I move")
    assert dict(here.session.journeys) == {"buy": "size", "move": "who.code"}
    here.say("large")
    assert dict(here.session.journeys) == {"buy": "who.code", "move": "who.code"}
    here.say("my code is 1")
    assert dict(here.session.journeys) == {"buy": "sold", "move": "where"}
    assert calls == ["v"], "one call serves both"


def test_what_wins_by_precedence_goes_on_while_its_trigger_is_silent(world) -> None:  # type: ignore[no-untyped-def]
    """Parlant's B1: the journey that wins is dropped too from its second turn on."""
    policy = """
    jurat: 1
    observations: {first: It is the first, second: It is the second, on: It goes on}
    journeys:
      winner: {triggers: [first], initial: a, states: {a: {say: A, to: [{when: on, state: b}]}, b: {say: B}}}
      loser: {triggers: [second], initial: x, states: {x: {say: X}}}
    guidelines:
      over: {when: journey.winner.active, overrides: [loser], requires: [winner]}
    """
    here = world(policy, judge={"first": ["one"], "second": ["two"], "on": ["on"]})
    here.say("one")
    turn = here.say("two")
    assert turn.resolution.in_force == ("over", "winner", "winner/a")
    assert here.say("on").resolution.in_force == ("over", "winner", "winner/b")


def test_a_rank_of_a_journey_holds_for_what_is_scoped_to_it(world) -> None:  # type: ignore[no-untyped-def]
    """Parlant's B6: it drops the journey's own guidelines."""
    policy = """
    jurat: 1
    observations: {first: It is the first}
    journeys:
      j: {triggers: [first], rank: 1, initial: a, states: {a: {say: A}}}
    guidelines:
      mine: {scope: j, action: Mine}
      other: {when: first, action: Other}
    """
    turn = world(policy, judge={"first": True}).say("one")
    assert turn.resolution.in_force == ("j", "j/a", "mine")

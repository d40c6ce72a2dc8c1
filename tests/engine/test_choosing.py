"""Ways out of a journey's state, chosen in one typed answer where the judge has no probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import pytest

from jurat.llm import BackendError, Condition, Judgement, Message
from jurat.llm.scripted import Rule, ScriptedJudge

RETURN = """
jurat: 1
observations:
  wants: The customer wants to return something
  exchange: The customer wants another one
  refund: The customer wants the money back
  repair: The customer wants a repair
  angry: The customer is angry
journeys:
  return:
    triggers: [wants]
    initial: how
    states:
      how:
        say: Ask what the customer would like
        to: [{when: exchange, state: swap}, {when: refund, state: pay}, {when: repair, state: mend}]
      swap: {say: Say that a new one is on its way}
      pay: {say: Say that the money is on its way}
      mend: {say: Say where to send it}
guidelines:
  calm: {when: angry, action: Apologise}
"""
KEYWORDS: dict[str, Rule] = {
    "wants": ["return"],
    "exchange": ["another"],
    "refund": ["money"],
    "repair": ["mend"],
    "angry": ["!!"],
}


WAYS = ("exchange", "refund", "repair")


class Choosing(ScriptedJudge):
    """Scripted; notes what it was offered."""

    def __init__(self, rules: dict[str, Rule], *, fault: bool = False) -> None:
        super().__init__(rules, chooses=True)
        self.offered: list[tuple[str, ...]] = []
        self.single: list[str] = []
        self._fault = fault

    async def judge(self, conversation: Sequence[Message], conditions: Sequence[Condition]) -> list[Judgement]:
        self.single += [each.key for each in conditions]
        return await super().judge(conversation, conditions)

    async def choose(self, conversation: Sequence[Message], options: Sequence[Condition]) -> list[Judgement]:
        self.offered.append(tuple(each.key for each in options))
        if self._fault:
            raise BackendError("the answer was cut off")
        before = len(self.single)
        found = await super().choose(conversation, options)
        del self.single[before:]  # by its rules it looks at each, in one answer all the same
        return found


def walked(world: Any, judge: Choosing, *messages: str, policy: str = RETURN) -> tuple[Any, Any]:
    """After the messages: the world, and the last turn."""
    here = world(policy, replies=lambda _: "Well?", judged_by=judge)
    turns = [here.say(each) for each in messages]
    return here, turns[-1]


@pytest.mark.parametrize(
    ("said", "state"),
    [("I want my money", "pay"), ("another one", "swap"), ("can you mend it?", "mend"), ("hm", "how")],
)
def test_one_answer_takes_the_place_of_one_a_way(world, said: str, state: str) -> None:  # type: ignore[no-untyped-def]
    judge = Choosing(KEYWORDS)
    here, _ = walked(world, judge, "I return it", said)
    assert here.session.journeys == {"return": state}
    assert judge.offered == [("exchange", "refund", "repair")]


def test_what_was_not_chosen_is_not_known_and_not_false(world) -> None:  # type: ignore[no-untyped-def]
    judge = Choosing(KEYWORDS)
    _, turn = walked(world, judge, "I return it", "I want my money")
    judged = turn.trace.rounds[-1].judgements
    assert judged["refund"] is True
    assert "exchange" not in judged
    assert "repair" not in judged


def test_where_none_is_chosen_all_are_false_and_otherwise_is_taken(world) -> None:  # type: ignore[no-untyped-def]
    policy = RETURN.replace("state: mend}]", "state: mend}, {otherwise: true, state: ask}]").replace(
        "      swap:", "      ask: {say: Ask again}\n      swap:"
    )
    for chosen, state in (("hm", "ask"), ("I want my money", "pay")):
        here, _ = walked(world, Choosing(KEYWORDS), "I return it", chosen, policy=policy)
        assert here.session.journeys == {"return": state}
    unsure = Choosing({**KEYWORDS, "repair": lambda talk: None if "hm" in talk[-1].text else False})
    here, _ = walked(world, unsure, "I return it", "hm", policy=policy)
    assert here.session.journeys == {"return": "how"}, "not knowing leads nowhere"


def test_a_choice_that_fails_leaves_the_journey_where_it_is(world) -> None:  # type: ignore[no-untyped-def]
    here, turn = walked(world, Choosing(KEYWORDS, fault=True), "I return it", "I want my money")
    assert here.session.journeys == {"return": "how"}
    assert turn.trace.rounds[-1].judgements["refund"] is None


def test_formulas_and_what_axioms_join_are_asked_one_by_one(world) -> None:  # type: ignore[no-untyped-def]
    formula = RETURN.replace("when: refund,", "when: refund && !angry,")
    joined = RETURN + "axioms: [{exclusive: [refund, angry]}]\n"
    for policy in (formula, joined):
        judge = Choosing(KEYWORDS)
        here, _ = walked(world, judge, "I return it", "I want my money", policy=policy)
        assert judge.offered == []
        assert here.session.journeys == {"return": "pay"}


def test_what_is_declared_to_exclude_each_other_follows_from_the_choice(world) -> None:  # type: ignore[no-untyped-def]
    judge = Choosing(KEYWORDS)
    policy = RETURN + "axioms: [{exclusive: [exchange, refund, repair]}]\n"
    here, turn = walked(world, judge, "I return it", "I want my money", policy=policy)
    assert here.session.journeys == {"return": "pay"}
    assert judge.offered == [("exchange", "refund", "repair")]
    assert not {"exchange", "repair"} & set(judge.single)
    judged = turn.trace.rounds[-1].judgements
    assert (judged["exchange"], judged["refund"], judged["repair"]) == (None, True, None)
    says_why = "\n".join(map(str, turn.trace.rounds[-1].asked))
    assert "another was chosen" in says_why


def test_a_judge_with_probabilities_scores_each(world) -> None:  # type: ignore[no-untyped-def]
    judge = Choosing(KEYWORDS)
    judge.chooses = False
    here, _ = walked(world, judge, "I return it", "I want my money")
    assert judge.offered == []
    assert {"exchange", "refund"} <= set(judge.single)
    assert here.session.journeys == {"return": "pay"}


def test_choosing_leads_where_asking_for_each_does(world) -> None:  # type: ignore[no-untyped-def]
    policy = RETURN.replace("state: mend}]", "state: mend}, {otherwise: true, state: ask}]").replace(
        "      swap:", "      ask: {say: Ask again}\n      swap:"
    )
    ended = set()
    for truths in product((True, False, None), repeat=3):
        rules: dict[str, Rule] = {"wants": True, "angry": False, **dict(zip(WAYS, truths, strict=True))}
        choosing = Choosing(rules)
        asking = Choosing(rules)
        asking.chooses = False
        states = [
            walked(world, each, "hello", "well", policy=policy)[0].session.journeys for each in (choosing, asking)
        ]
        assert states[0] == states[1], truths
        assert choosing.offered
        ended |= set(states[0].values())
    assert ended == {"swap", "pay", "mend", "ask", "how"}

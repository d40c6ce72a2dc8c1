"""Asking only what can change the outcome gives the outcome that asking everything gives."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from random import Random

import pytest

from jurat.engine.match import Knowledge, match
from jurat.engine.relevance import Outlook, needed, open_observations
from jurat.engine.session import Session, State
from jurat.engine.trace import Trace
from jurat.engine.turn import Working
from jurat.llm import Condition, Judgement, Message
from jurat.policies import PolicyGraph, RefusedTurn, Resolution, build_graph, load
from jurat.policies.axioms import settle
from jurat.policies.expr import And, Expr, Fact, Implies, Not, Observation, Or
from jurat.policies.model import (
    Axiom,
    FactDeclaration,
    Forbid,
    Guideline,
    Instruct,
    ObservationDeclaration,
    Policy,
    Ref,
    Relation,
    Vocabulary,
)
from jurat.policies.semantics import resolve
from jurat.policies.types import BOOL
from jurat.policies.valuation import valuation_of

OBSERVATIONS = tuple(f"o{n}" for n in range(5))
FACTS = ("f0", "f1")
IDS = tuple(f"g{n}" for n in range(5))
KINDS = ("overrides", "overrides", "requires", "requires_any", "entails", "disambiguates")
ACTIONS = ((Instruct("do"),), (Forbid("topic", "it"), Instruct("do")), ())


def formula(chance: Random) -> Expr:
    """Mostly one observation, so that what it says is felt; sometimes a formula over facts too."""
    one, other = (Observation(chance.choice(OBSERVATIONS)) for _ in range(2))
    fact = Fact(chance.choice(FACTS), BOOL)
    shapes: list[Expr] = [one, one, one, fact, And((one, fact)), Or((And((one, fact)), other)), Not(one)]
    return chance.choice(shapes)


def axiom(chance: Random) -> Expr:
    one, other = (Observation(each) for each in chance.sample(OBSERVATIONS, 2))
    shapes: list[Expr] = [Not(And((one, other))), Or((one, other)), Implies(one, other), Implies(formula(chance), one)]
    return chance.choice(shapes)


def relation(chance: Random) -> Relation:
    source, target = chance.sample(IDS, 2)
    return Relation(chance.choice(KINDS), Ref("guideline", source), Ref("guideline", target), chance.randrange(2))


def policy(chance: Random) -> PolicyGraph:
    """A small policy, dense in relations of every kind, with ranks and axioms."""
    ranks, unknowns = (None, None, 0, 1), ("skip", "act", "ask")
    guidelines = {
        id_: Guideline(
            id_, formula(chance), chance.choice(ACTIONS), rank=chance.choice(ranks), on_unknown=chance.choice(unknowns)
        )
        for id_ in IDS
    }
    words = Vocabulary(
        facts={path: FactDeclaration(path, BOOL) for path in FACTS},
        observations={key: ObservationDeclaration(key, f"it is {key}") for key in OBSERVATIONS},
    )
    relations = tuple(relation(chance) for _ in range(chance.randrange(7)))
    axioms = tuple(Axiom(f"a{n}", axiom(chance)) for n in range(chance.choice((0, 0, 1, 2))))
    return build_graph(Policy(words, guidelines, {}, relations, axioms))


class Oracle:
    """A judge with a fixed answer to everything."""

    name = "oracle"

    def __init__(self, truth: dict[str, bool]) -> None:
        self.truth = truth
        self.asked: list[str] = []

    async def judge(self, conversation: Sequence[Message], conditions: Sequence[Condition]) -> list[Judgement]:
        self.asked += [each.key for each in conditions]
        return [Judgement(each.key, self.truth.get(each.key), None) for each in conditions]


def lazily(graph: PolicyGraph, facts: dict[str, bool], oracle: Oracle, waves: int) -> Resolution:
    state = State("agent", facts)
    trace = Trace("s", 1, graph.digest, True, "agent", "oracle", "none", "hello", None)
    working = Working(Session("s", state), state.copy(), trace, lambda: 0.0)
    return asyncio.run(match(graph, Knowledge(graph, oracle, working), waves)).resolution


def everything(graph: PolicyGraph, facts: dict[str, bool], truth: dict[str, bool]) -> Resolution:
    """Everything is asked but what trusted values decide by themselves."""
    trusted = valuation_of(graph, facts)
    fixed = settle(graph, trusted).valuation
    asked = {key: truth.get(key) for key in OBSERVATIONS if fixed.look(Observation(key)) is None}
    return resolve(graph, trusted.with_observations(asked))


def outcome(resolution: Resolution) -> tuple[object, ...]:
    return (
        resolution.in_force,
        resolution.possible,
        resolution.actions,
        resolution.ask,
        resolution.clarifications,
        resolution.undefined,
    )


@pytest.mark.parametrize("block", range(10))
def test_asking_less_decides_the_same(block: int) -> None:
    saved = 0
    for seed in range(block * 300, block * 300 + 300):
        chance = Random(seed)
        graph = policy(chance)
        facts = {path: chance.random() < 0.5 for path in FACTS if chance.random() < 0.7}
        truth = {key: chance.random() < 0.5 for key in OBSERVATIONS if chance.random() < 0.9}
        try:
            expected = everything(graph, facts, truth)
        except RefusedTurn:
            continue  # the facts alone contradict the axioms, and no question changes that
        oracle = Oracle(truth)
        found = lazily(graph, facts, oracle, chance.randint(1, 4))
        assert outcome(found) == outcome(expected), f"seed {seed}"
        assert len(oracle.asked) == len(set(oracle.asked)), "each observation is asked once"
        saved += len(OBSERVATIONS) - len(oracle.asked)
    assert saved > 300, "the questions saved are what this is for"


POLICY = """
jurat: 1
facts:
  customer.tier: {type: {enum: [standard, gold], ordered: true}}
observations:
  asks_upgrade: The customer asks about an upgrade
  angry: The customer is angry
  asks_refund: The customer asks for a refund
guidelines:
  vip:
    when: asks_upgrade && customer.tier >= "gold"
    action: offer it for free
  escalate:
    when: angry
    action: hand over
    overrides: [vip, refund]
  refund:
    when: asks_refund
    action: refund
  follow-up:
    condition: The customer is grateful
    action: ask for a review
    requires: [refund]
"""


def asked(facts: dict[str, object], truth: dict[str, bool]) -> list[str]:
    graph, oracle = load(POLICY), Oracle(truth)
    state = State("agent", dict(valuation_of(graph, facts).values))
    trace = Trace("s", 1, graph.digest, True, "agent", "oracle", "none", "hello", None)
    working = Working(Session("s", state), state.copy(), trace, lambda: 0.0)
    asyncio.run(match(graph, Knowledge(graph, oracle, working), 3))
    return oracle.asked


def test_what_facts_decide_is_not_asked() -> None:
    no = {"angry": False, "asks_refund": False}
    assert "asks_upgrade" not in asked({"customer.tier": "standard"}, no)
    assert "asks_upgrade" in asked({"customer.tier": "gold"}, no)


def test_what_is_overridden_for_certain_is_not_asked() -> None:
    assert asked({"customer.tier": "gold"}, {"angry": True}) == ["angry"]


def test_what_requires_something_out_of_force_is_not_asked() -> None:
    thanks = "The customer is grateful"
    assert thanks not in asked({}, {"angry": False, "asks_refund": False})
    assert thanks in asked({}, {"angry": False, "asks_refund": True})


def test_an_unknown_fact_leaves_the_question_open() -> None:
    assert "asks_upgrade" in asked({}, {"angry": False, "asks_refund": False})


def test_parts_of_a_formula_that_are_decided_ask_nothing() -> None:
    graph = load(POLICY)
    here = valuation_of(graph, {"angry": False})
    expr = Or((And((Observation("angry"), Observation("asks_refund"))), Observation("asks_upgrade")))
    assert open_observations(expr, here) == {"asks_upgrade"}


def test_nothing_is_needed_twice() -> None:
    graph = load(POLICY)
    everything_ = frozenset(graph.vocabulary.observations)
    assert needed(Outlook.of(graph, valuation_of(graph, {})), everything_, all_=True) == frozenset()


def test_what_is_entailed_is_asked_when_its_rank_would_then_count() -> None:
    text = """
jurat: 1
observations: {a: It is a, b: It is b, c: It is c}
guidelines:
  one: {when: a, action: do one, entails: [two]}
  two: {when: b, action: do two, rank: 1}
  three: {when: c, action: do three}
"""
    for rank, expected in ((1, ["a", "b", "c"]), (0, ["a", "c"])):
        graph, oracle = load(text.replace("rank: 1", f"rank: {rank}")), Oracle({"a": True, "b": True, "c": True})
        found = lazily(graph, {}, oracle, 1 if rank else 3)
        assert found.in_force == (("one", "two") if rank else ("one", "three", "two"))
        assert set(oracle.asked) >= set(expected)


def test_arguments_that_hang_on_an_observation_have_it_asked(world) -> None:  # type: ignore[no-untyped-def]
    policy = """
    jurat: 1
    observations: {asks: The customer asks, hurry: The customer is in a hurry}
    tools: {send: {python: "tools:send"}}
    guidelines:
      send: {when: asks, tools: [{send: {days: "hurry ? 1 : 5"}}]}
    """
    sent: list[int] = []

    def send(days: int) -> str:
        sent.append(days)
        return "sent"

    here = world(policy, judge={"asks": True, "hurry": ["quick"]}, tools={"send": send})
    here.say("please, quick")
    here.say("please")
    assert sent == [1, 5]
    assert here.judge.asked[:2] == [("asks",), ("hurry",)], "only once the call is due"


def test_a_guard_that_was_not_asked_for_yet_is_no_conflict(world) -> None:  # type: ignore[no-untyped-def]
    policy = """
    jurat: 1
    observations: {asks: The customer asks, agrees: The customer agrees}
    tools: {send: {python: "tools:send", guard: agrees}}
    guidelines:
      send: {when: asks, tools: [send]}
    """
    here = world(policy, judge={"asks": True, "agrees": True}, tools={"send": lambda: "sent"})
    turn = here.say("please")
    assert turn.trace.rounds[0].conflicts == ()
    assert here.statuses(turn) == [("send", "succeeded")]


def test_an_answer_does_not_hang_on_when_it_was_asked_for(world) -> None:  # type: ignore[no-untyped-def]
    policy = """
    jurat: 1
    observations: {asks: The customer asks, late: The order is late, sad: The customer is sad}
    tools: {look: {python: "tools:look"}}
    guidelines:
      look: {when: asks, tools: [look]}
      sorry: {when: succeeded("look") && late, action: Be sorry}
      comfort: {when: succeeded("look") && sad, action: Comfort, reevaluate_after: [look]}
    """
    heard: dict[str, int] = {}

    def judge(key: str):  # type: ignore[no-untyped-def]
        def rule(conversation: Sequence[Message]) -> bool:
            heard[key] = len(conversation)
            return True

        return rule

    rules = {key: judge(key) for key in ("asks", "late", "sad")}
    here = world(policy, judge=rules, tools={"look": lambda: "late"})
    assert here.say("where is it?").resolution.in_force == ("comfort", "look", "sorry")
    assert heard == {"asks": 1, "late": 1, "sad": 2}, "only `sad` is judged on what the tool has said"


def test_an_answer_made_stale_is_not_guessed_from_the_axioms(world) -> None:  # type: ignore[no-untyped-def]
    policy = """
    jurat: 1
    observations: {asks: The customer asks, well: All is well, ill: Something is wrong}
    axioms: [{exclusive: [well, ill]}]
    tools: {look: {python: "tools:look"}}
    guidelines:
      look: {when: asks, tools: [look]}
      fine: {when: well, action: Be glad}
      bad: {when: ill, action: Be sorry, reevaluate_after: [look]}
    """
    judge = {"asks": True, "well": True, "ill": lambda conversation: len(conversation) > 1}
    turn = world(policy, judge=judge, tools={"look": lambda: "broken"}).say("how is it?")
    assert turn.trace.rounds[0].in_force[0].id == "fine"
    assert turn.trace.rounds[1].violated, "it was asked again, and the two answers contradict each other"
    assert turn.resolution.in_force == ("look",)


def test_what_stands_behind_a_certain_transition_is_not_asked(world) -> None:  # type: ignore[no-untyped-def]
    policy = """
    jurat: 1
    facts: {vip: bool}
    observations: {starts: It starts, other: It is something else, third: It is a third thing}
    journeys:
      j:
        triggers: [{when: vip}, {when: starts}]
        initial: a
        states:
          a: {say: hello, to: [{when: other, state: b}, {when: vip, state: b}, {when: third, state: a}]}
          b: {say: bye}
    """
    here = world(policy, judge={"other": False}, facts={"vip": True})
    here.say("hi")
    here.say("on")
    assert here.judge.asked == [("other",)]
    assert here.session.journeys == {"j": "b"}

"""Whole conversations in which everything is asked go as those in which only what can change the outcome is.

Policies with tools, guards, arguments that hang on observations, offers, journeys, axioms and every relation: the same
resolution after each round, the same calls with the same arguments, the same journeys, the same reply.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random
from typing import Any
from unittest.mock import patch

from hypothesis import given, settings
from tests.properties.random_policies import FACTS, Builder, Sizes, random_values
from tests.properties.strategies import randoms

from jurat.engine import Engine, Toolbox, ToolResult
from jurat.engine.relevance import Outlook
from jurat.llm import Condition, Judgement, Message
from jurat.llm.scripted import ScriptedVoice
from jurat.policies.errors import RefusedTurn
from jurat.policies.expr import TRUE, Argument, Compare, Const, Formula, If, conjunction
from jurat.policies.graph import PolicyGraph, build_graph
from jurat.policies.model import Action, Call, Constraint, Guideline, Offer, Policy, Provision, ToolDeclaration
from jurat.policies.printing import show
from jurat.policies.spans import NOWHERE
from jurat.policies.types import INT

SIZES = Sizes(guidelines=(3, 7), observations=(3, 6), journeys=0.5, axioms=0.4)
TOOLS = ("look", "pay", "refund")
TURNS = 3


class WithTools(Builder):
    """Guidelines that call and offer tools, whose guards and arguments hang on observations; journeys with tools."""

    def policy(self) -> Policy:
        found = super().policy()
        tools = {id_: ToolDeclaration(id_, guard=self.guard(), provides=self.provides()) for id_ in TOOLS}
        words = replace(found.vocabulary, tools=tools)
        return replace(found, vocabulary=words)

    def guard(self) -> Formula | None:
        if self.chance(0.4):
            return None
        within = Compare("<=", Argument("n", INT), Const(self.random.randint(0, 2), INT))
        expr = conjunction(self.condition(), within if self.chance(0.3) else TRUE)
        return Formula(expr, NOWHERE, show(expr))

    def provides(self) -> tuple[Provision, ...]:
        return (Provision("vip", "value", True),) if self.chance(0.3) else ()

    def actions(self, id_: str) -> list[Action]:
        found = super().actions(id_)
        tool = self.random.choice(TOOLS)
        if self.chance(0.4):
            value = If(self.observation(), Const(1, INT), Const(self.random.randint(1, 2), INT), INT)
            limits = (Constraint("n", value=value),) if self.chance(0.5) else ()
            found.append(Call(tool, limits))
        elif self.chance(0.2):
            found.append(Offer(tool))
        return found

    def guideline(self, id_: str) -> Guideline:
        again = (self.random.choice(TOOLS),) if self.chance(0.2) else ()
        return replace(super().guideline(id_), reevaluate_after=again)


class Moody:
    """A judge whose answers are a function of the condition and of how long the conversation is."""

    name = "moody"

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.asked = 0

    async def judge(self, conversation: Sequence[Message], conditions: Sequence[Condition]) -> list[Judgement]:
        self.asked += len(conditions)
        return [Judgement(each.key, self.truth(len(conversation), each.key), None) for each in conditions]

    def truth(self, length: int, key: str) -> bool | None:
        return Random(f"{self.seed} {length} {key}").choice((True, True, False, False, False, None))


def talked(graph: PolicyGraph, facts: dict[str, object], seed: int) -> tuple[list[Any], int]:
    """What happened in a few turns, and how much was asked."""
    judge = Moody(seed)
    tools: dict[str, Callable[..., Any]] = {name: tool_called(name) for name in TOOLS}
    voice = ScriptedVoice(lambda request: " ".join(request.instructions) or "well", {name: {} for name in TOOLS})
    engine = Engine(graph, judge, voice, Toolbox(graph, tools), unproved=True, clock=lambda: 0.0)
    session = engine.start_session(facts)

    async def run() -> list[Any]:
        found = []
        for number in range(TURNS):
            turn = await engine.turn(session, f"message {number}")
            rounds = [
                (each.in_force, each.possible, each.actions, each.ask, each.clarifications)
                for each in turn.trace.rounds
            ]
            calls = [(call.tool, call.round, call.arguments, call.status, call.reason) for call in turn.calls]
            found.append((_bare(rounds), calls, dict(session.journeys), dict(session.facts), turn.trace.reply))
        return found

    return asyncio.run(run()), judge.asked


def _bare(rounds: list[Any]) -> list[Any]:
    """Ids alone: why something is in force names what was asked, which is what differs."""
    return [([held.id for held in force], [left.id for left in possible], *rest) for force, possible, *rest in rounds]


def tool_called(name: str) -> Callable[..., ToolResult]:
    def tool(n: int = 0) -> ToolResult:
        return ToolResult(f"{name} did {n}", {}, error=name == "refund" and n == 2)

    return tool


def everything(outlook: Outlook, asked: frozenset[str], *, all_: bool) -> frozenset[str]:
    return frozenset(outlook.graph.vocabulary.observations) - asked


@given(randoms())
@settings(max_examples=80)
def test_asking_everything_changes_nothing(random: Random) -> None:
    compare(random)


def compare(random: Random) -> tuple[int, int]:
    """The questions of both; shared with searches that go further than a test may."""
    graph = build_graph(WithTools(random, SIZES).policy())
    facts = {key: value for key, value in random_values(random, graph).items() if key in FACTS}
    seed = random.randrange(10**6)
    try:
        with patch("jurat.engine.match.needed", everything):
            expected, all_ = talked(graph, facts, seed)
    except RefusedTurn:
        return 0, 0
    found, some = talked(graph, facts, seed)
    assert found == expected
    assert some <= all_
    return some, all_


def test_it_saves_questions() -> None:
    found = [compare(Random(seed)) for seed in range(40)]
    some, all_ = (sum(each) for each in zip(*found, strict=True))
    assert some < 0.8 * all_, "what is not asked is what this is for"

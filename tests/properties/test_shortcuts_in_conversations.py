"""Whole conversations with the shortcut do what those without it do, and say no more; they may only leave instructions out."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any
from unittest.mock import patch

from hypothesis import event, given, settings
from tests.properties.random_policies import FACTS, Sizes, random_values
from tests.properties.strategies import randoms
from tests.properties.test_asking_agrees import TOOLS, Moody, WithTools, tool_called

from jurat.engine import Engine, Toolbox
from jurat.engine.briefing import Briefing, briefing
from jurat.llm import Condition, Judgement, Message
from jurat.llm.scripted import ScriptedVoice
from jurat.policies.errors import RefusedTurn
from jurat.policies.expr import Event
from jurat.policies.graph import PolicyGraph, build_graph
from jurat.policies.model import (
    Action,
    Agent,
    Decide,
    DecisionDeclaration,
    Guideline,
    HandOff,
    Instruct,
    Phrasing,
    Policy,
    Ref,
    Reply,
    ReplyDeclaration,
)
from jurat.policies.types import INT

TURNS = 5
SIZES = Sizes(guidelines=(3, 7), observations=(4, 8), journeys=0.3, axioms=0.15, ranks=0.15)


class WithReplies(WithTools):
    """Which also decide, hand off, reply to the letter and limit how replies are phrased."""

    def policy(self) -> Policy:
        found = super().policy()
        words = replace(
            found.vocabulary,
            replies={id_: ReplyDeclaration(id_, f"This is {id_}", agent="nobody") for id_ in ("yes", "no")},
            decisions={"rate": DecisionDeclaration("rate", INT)},
        )
        some = tuple(Ref("guideline", each.id) for each in self.guidelines if self.chance(0.5))
        agents = {"one": Agent("one", "one"), "two": Agent("two", "two", include=some)}
        return replace(found, vocabulary=words, agents=agents)

    def guideline(self, id_: str) -> Guideline:
        phrasing = Phrasing("strict") if self.chance(0.05) else Phrasing()
        found = replace(super().guideline(id_), phrasing=phrasing, track=self.chance(0.8))
        return replace(found, on_unknown="skip") if self.chance(0.9) else found

    def actions(self, id_: str) -> list[Action]:
        if self.chance(0.7):
            return [Instruct(f"do {id_}")]
        extra: list[Action] = [Reply("yes"), Reply("no"), HandOff("two"), HandOff("human"), Decide("rate", 3)]
        return [*super().actions(id_), *([self.random.choice(extra)] if self.chance(0.2) else [])]

    def trusted(self) -> Any:
        return self.random.choice((Event("called", "look"), Event("succeeded", "pay"), super().trusted()))


@dataclass
class Hasty(Moody):
    """Takes for false what it may."""

    seed: int
    asked: int = 0
    wrong: int = 0

    async def judge(self, conversation: Sequence[Message], conditions: Sequence[Condition]) -> list[Judgement]:
        found = await super().judge(conversation, conditions)
        chance = Random(f"{self.seed} hasty {len(conversation)}")
        skipped = {each.key for each in conditions if not each.critical and chance.random() < 0.8}
        self.wrong += sum(each.observation in skipped and each.truth is not False for each in found)
        return [replace(each, truth=False) if each.observation in skipped else each for each in found]


def talked(graph: PolicyGraph, facts: dict[str, object], judge: Moody) -> list[dict[str, Any]]:
    """What was done in each turn, and what was said by then."""
    tools: dict[str, Callable[..., Any]] = {name: tool_called(name) for name in TOOLS}
    said: Counter[str] = Counter()

    def brief(*given: Any) -> Briefing:
        found = briefing(*given)
        said.update(each for each in found.request.instructions if each.startswith("do "))
        return found

    engine = Engine(
        graph, judge, ScriptedVoice(lambda request: "Well", {name: {} for name in TOOLS}), Toolbox(graph, tools), unproved=True,
        clock=lambda: 0.0,
    )  # fmt: skip
    session = engine.start_session(facts)

    async def run() -> list[dict[str, Any]]:
        found = []
        for number in range(TURNS):
            if session.state.mode == "manual":
                break
            event = "paid" if number == 2 else None
            turn = await engine.turn(session, None if event else f"message {number}", event=event)
            found.append(
                {
                    "calls": sorted(  # those of a round run at once
                        (each.round, each.tool, each.guidelines, str(each.arguments), each.status) for each in turn.calls
                    ),
                    "actions": [
                        [(each.guideline, each.kind, each.text) for each in one.actions if each.kind != "instruct"]
                        for one in turn.trace.rounds
                    ],
                    "journeys": dict(session.journeys), "facts": dict(session.facts), "decided": turn.trace.decisions,
                    "by": (session.state.agent, session.state.mode), "source": turn.trace.reply_source,
                    "instructed": said.copy(),
                }
            )  # fmt: skip
        return found

    with patch("jurat.engine.respond.briefing", brief):
        return asyncio.run(run())


@given(randoms())
@settings(max_examples=150)
def test_a_shortcut_does_nothing_else_and_says_no_more(random: Random) -> None:
    event(f"{compare(random)} wrong")


def compare(random: Random) -> int:
    """How many answers were wrong; shared with searches that go further than a test may."""
    graph = build_graph(WithReplies(random, SIZES).policy())
    facts = {key: value for key, value in random_values(random, graph).items() if key in FACTS}
    seed = random.randrange(10**6)
    hasty = Hasty(seed)
    try:
        asked, short = talked(graph, facts, Moody(seed)), talked(graph, facts, hasty)
    except RefusedTurn:
        return 0
    for one, other in zip(asked, short, strict=True):
        allowed, said = one.pop("instructed"), other.pop("instructed")
        assert said <= allowed, said - allowed
        assert other == one
    return hasty.wrong


def test_it_has_something_to_leave_out() -> None:
    assert sum(compare(Random(seed)) for seed in range(100)) > 5

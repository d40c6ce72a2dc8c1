"""A judge that fails: everything it was asked is unknown for the turn, nothing opens, and the trace says so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest

from jurat.engine import Engine, Limits, Toolbox, Turn
from jurat.llm import BackendError, Condition, Judgement, Message
from jurat.llm.scripted import ScriptedJudge, ScriptedVoice
from jurat.policies import load

POLICY = """
jurat: 1
facts: {vip: bool}
observations:
  agrees: The customer agrees
  asks: The customer asks
  harmless: The customer only chats
  angry: The customer is angry
tools:
  pay: {python: "tools:pay", consequential: true, guard: agrees}
  close: {python: "tools:close", guard: "!angry"}
  open: {python: "tools:open"}
guidelines:
  pay: {when: vip, tools: [pay]}
  close: {when: vip, tools: [close]}
  skip: {when: asks, action: Skip, tools: [open]}
  act: {when: asks, action: Act, on_unknown: act}
  ask: {when: asks, action: Ask, on_unknown: ask}
  quiet: {when: asks, forbid: [{topic: prices}]}
  other: {when: "!harmless", action: Suppose the worst}
"""


class Failing:
    """A judge of which every answer, or the first few, go wrong."""

    name = "failing"

    def __init__(self, error: Exception, times: int = 99) -> None:
        self.error, self.times, self.calls = error, times, 0
        self.truth = ScriptedJudge({"agrees": True, "asks": True, "angry": False, "harmless": True}, default=False)

    async def judge(self, conversation: Sequence[Message], conditions: Sequence[Condition]) -> list[Judgement]:
        self.calls += 1
        if self.calls <= self.times:
            raise self.error
        return await self.truth.judge(conversation, conditions)


def turns(judge: Failing | Hanging, number: int = 1, **limits: float) -> tuple[list[Turn], list[str]]:
    graph, made = load(POLICY), list[str]()

    def tool(name: str) -> Callable[[], str]:
        def run() -> str:
            made.append(name)
            return "done"

        return run

    tools = {name: tool(name) for name in ("pay", "close", "open")}
    engine = Engine(
        graph, judge, ScriptedVoice(lambda request: "well"), Toolbox(graph, tools), unproved=True,
        limits=Limits(**limits),  # type: ignore[arg-type]
    )  # fmt: skip
    session = engine.start_session({"vip": True})

    async def run() -> list[Turn]:
        return [await engine.turn(session, f"message {n}") for n in range(number)]

    return asyncio.run(run()), made


class Hanging:
    """A judge that never answers."""

    name = "hanging"

    async def judge(self, conversation: Sequence[Message], conditions: Sequence[Condition]) -> list[Judgement]:
        await asyncio.Event().wait()
        raise AssertionError


@pytest.mark.parametrize("error", [BackendError("out of memory"), ConnectionError("refused"), KeyError("choices")])
def test_guards_stay_shut_and_unknown_is_neither_true_nor_false(error: Exception) -> None:
    (turn,), made = turns(Failing(error))
    assert made == [], "neither what needs an answer to be true nor what needs one to be false"
    assert {(call.tool, call.status) for call in turn.calls} == {("pay", "refused"), ("close", "refused")}
    assert turn.resolution is not None
    assert set(turn.resolution.in_force) == {"pay", "close"}
    assert {"skip", "act", "ask", "quiet", "other"} <= set(turn.resolution.possible)


def test_what_is_open_follows_on_unknown() -> None:
    (turn,), _ = turns(Failing(BackendError("out of memory")))
    assert turn.resolution is not None
    acting = {(each.guideline, each.kind, each.because) for each in turn.resolution.actions}
    assert ("act", "instruct", "possible") in acting
    assert ("quiet", "forbid", "possible") in acting
    assert not any(guideline in ("skip", "other") for guideline, _, _ in acting)
    assert turn.resolution.ask == ("ask",)


def test_the_trace_says_so_of_every_question() -> None:
    (turn,), _ = turns(Failing(BackendError("out of memory")))
    assert all("the judge failed" in note and "out of memory" in note for note in turn.trace.notes)
    asked = [each for one in turn.trace.rounds for each in one.asked]
    assert asked
    assert all((each.truth, each.probability, each.evidence) == (None, None, "the judge failed") for each in asked)
    assert any("out of memory" in line for line in turn.trace.explain())


def test_a_draft_that_could_not_be_checked_is_not_sent() -> None:
    (turn,), _ = turns(Failing(BackendError("out of memory")))
    assert turn.response is not None
    assert (turn.response.source, turn.response.text != "well") == ("safe", True)


def test_the_next_turn_asks_again() -> None:
    found, made = turns(Failing(BackendError("out of memory"), times=2), 2)
    assert sorted(made) == ["close", "open", "pay"]
    assert found[1].trace.notes == []


def test_a_judge_that_hangs_is_given_up() -> None:
    (turn,), made = turns(Hanging(), judge_seconds=0.05)
    assert made == []
    assert "did not answer within 0.05 s" in turn.trace.notes[0]

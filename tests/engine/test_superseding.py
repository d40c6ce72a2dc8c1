"""A newer message ends the turn of the one before, unless that has begun what cannot be undone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from jurat.engine import Engine, Session, Toolbox, Turn, TurnSuperseded
from jurat.llm import Condition, Judgement, Message
from jurat.llm.scripted import ScriptedJudge, ScriptedVoice
from jurat.policies import load

POLICY = """
jurat: 1
observations:
  pays: The customer pays
  asks: The customer asks
tools:
  look: {python: "tools:look"}
  pay: {python: "tools:pay", consequential: true}
guidelines:
  pay: {when: pays, tools: [pay]}
  look: {when: asks, tools: [look]}
  hello: {when: session.started, action: Say hello}
  card: {when: message.pii, action: Warn}
"""


class Slow(ScriptedJudge):
    """Waits before it answers what it is asked first, until it is let go."""

    def __init__(self) -> None:
        super().__init__({"pays": ["pay"], "asks": ["?"]}, default=False)
        self.asked_now, self.go = asyncio.Event(), asyncio.Event()
        self.cancelled = 0
        self.heard: list[str] = []

    async def judge(self, conversation: Sequence[Message], conditions: Sequence[Condition]) -> list[Judgement]:
        self.heard.append(conversation[-1].text)
        self.asked_now.set()
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return await super().judge(conversation, conditions)


class Tools:
    """A look that can be held up, and a payment that can."""

    def __init__(self) -> None:
        self.began, self.go = asyncio.Event(), asyncio.Event()
        self.paid = 0

    async def look(self) -> str:
        self.began.set()
        await self.go.wait()
        return "seen"

    async def pay(self) -> str:
        self.began.set()
        await self.go.wait()
        self.paid += 1
        return "paid"


def world() -> tuple[Engine, Session, Slow, Tools]:
    graph, judge, tools = load(POLICY), Slow(), Tools()
    toolbox = Toolbox(graph, {"look": tools.look, "pay": tools.pay})
    voice = ScriptedVoice(lambda request: f"heard {len(request.conversation)}")
    engine = Engine(graph, judge, voice, toolbox, unproved=True)
    return engine, engine.start_session(), judge, tools


def said(session: Session) -> list[str]:
    return [each.text for each in session.conversation]


def test_the_newer_message_is_judged_with_the_one_before() -> None:
    async def run() -> tuple[Session, Slow, Turn]:
        engine, session, judge, _ = world()
        first = asyncio.create_task(engine.turn(session, "my card is 4111 1111 1111 1111"))
        await judge.asked_now.wait()
        second = asyncio.create_task(engine.turn(session, "wait"))
        with pytest.raises(TurnSuperseded, match="a newer message came") as caught:
            await first
        assert caught.value.trace.notes == ["a newer message came; both are answered together"]
        judge.go.set()
        return session, judge, await second

    session, judge, turn = asyncio.run(run())
    assert judge.cancelled == 1, "the model was not left to work for nothing"
    assert judge.heard[1] == "my card is 4111 1111 1111 1111\nwait"
    assert said(session)[:2] == ["my card is 4111 1111 1111 1111", "wait"]
    assert [each.role for each in session.conversation] == ["customer", "customer", "agent"]
    assert turn.resolution is not None
    assert turn.resolution.in_force == ("card",), "the number is in what is answered; the session has begun before"


def test_what_held_of_a_message_is_forgotten_once_it_is_answered() -> None:
    async def run() -> Turn:
        engine, session, judge, _ = world()
        first = asyncio.create_task(engine.turn(session, "my card is 4111 1111 1111 1111"))
        await judge.asked_now.wait()
        judge.go.set()
        second = asyncio.create_task(engine.turn(session, "wait"))
        await asyncio.gather(first, return_exceptions=True)
        await second
        return await engine.turn(session, "and now")

    turn = asyncio.run(run())
    assert turn.resolution is not None
    assert turn.resolution.in_force == ()


def test_a_consequential_call_is_carried_to_its_end_and_the_newer_message_waits() -> None:
    async def run() -> tuple[Session, Tools, list[Turn]]:
        engine, session, judge, tools = world()
        judge.go.set()
        first = asyncio.create_task(engine.turn(session, "please pay"))
        await tools.began.wait()
        second = asyncio.create_task(engine.turn(session, "no, stop"))
        await asyncio.sleep(0)
        assert not first.cancelling()
        tools.go.set()
        return session, tools, await asyncio.gather(first, second)

    session, tools, turns = asyncio.run(run())
    assert tools.paid == 1
    assert [turn.number for turn in turns] == [1, 2]
    assert said(session) == ["please pay", "pay: paid", "heard 2", "no, stop", "heard 4"]


def test_a_call_without_consequences_is_given_up_and_made_again_for_both_messages() -> None:
    async def run() -> tuple[Session, Turn]:
        engine, session, judge, tools = world()
        judge.go.set()
        first = asyncio.create_task(engine.turn(session, "where?"))
        await tools.began.wait()
        second = asyncio.create_task(engine.turn(session, "order 1042"))
        with pytest.raises(TurnSuperseded):
            await first
        tools.go.set()
        return session, await second

    session, turn = asyncio.run(run())
    assert [(call.tool, call.status) for call in turn.calls] == [("look", "succeeded")]
    events = [event for moment in session.state.moments for event in moment.events]
    assert events.count('failed("look")') == events.count('succeeded("look")') == 1


def test_of_messages_that_wait_only_the_newest_gets_a_turn() -> None:
    async def run() -> tuple[Session, list[Any]]:
        engine, session, judge, tools = world()
        judge.go.set()
        first = asyncio.create_task(engine.turn(session, "please pay"))
        await tools.began.wait()
        rest = [asyncio.create_task(engine.turn(session, text)) for text in ("no", "yes?", "well")]
        await asyncio.sleep(0)
        tools.go.set()
        await first
        return session, await asyncio.gather(*rest, return_exceptions=True)

    session, found = asyncio.run(run())
    assert [type(each) for each in found] == [TurnSuperseded, TurnSuperseded, Turn]
    assert [call.tool for call in found[-1].calls] == ["look"], "the question was heard"
    assert said(session)[3:6] == ["no", "yes?", "well"]


def test_a_cancellation_from_outside_stays_one_and_an_event_ends_nothing() -> None:
    async def run() -> tuple[Turn, Turn]:
        engine, session, judge, _ = world()
        task = asyncio.create_task(engine.turn(session, "a"))
        await judge.asked_now.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        judge.asked_now.clear()
        again = asyncio.create_task(engine.turn(session, "b"))
        await judge.asked_now.wait()
        ended = asyncio.create_task(engine.turn(session, None, event="session.ended"))
        await asyncio.sleep(0)
        judge.go.set()
        return await again, await ended

    turn, ended = asyncio.run(run())
    assert (turn.response is not None, ended.response) == (True, None)


def test_other_sessions_are_left_alone() -> None:
    async def run() -> list[Turn]:
        engine, session, judge, _ = world()
        first = asyncio.create_task(engine.turn(session, "a"))
        await judge.asked_now.wait()
        other = asyncio.create_task(engine.turn(engine.start_session(), "b"))
        await asyncio.sleep(0)
        judge.go.set()
        return await asyncio.gather(first, other)

    assert len(asyncio.run(run())) == 2

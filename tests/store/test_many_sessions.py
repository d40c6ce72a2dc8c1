"""A thousand conversations at the same time, in one process: order is kept, and nothing is lost."""

from __future__ import annotations

import asyncio
import random

import pytest
from tests.store.conftest import Place

from jurat.engine import Engine, Toolbox, ToolContext
from jurat.engine.store import Store
from jurat.llm.scripted import ScriptedJudge, ScriptedVoice
from jurat.policies import load
from jurat.server.sessions import Sessions

SESSIONS, TURNS, IN_MEMORY = 1_000, 3, 100
POLICY = """
jurat: 1
observations: {pays: The customer pays}
tools: {pay: {python: "tools:pay", consequential: true}}
guidelines: {payment: {when: pays, tools: [pay]}}
"""


@pytest.mark.timeout(600)
def test_a_thousand_conversations_keep_their_order_and_lose_nothing(database: Place) -> None:
    graph = load(POLICY)
    keys: list[str] = []

    def engine_over(store: Store) -> Engine:
        async def pay(context: ToolContext) -> str:
            keys.append(context.idempotency_key)
            await asyncio.sleep(random.random() / 50)
            return "paid"

        judge = ScriptedJudge({"pays": ["pay"]}, default=False)
        voice = ScriptedVoice(lambda request: f"reply to {request.conversation[-1].text}")
        return Engine(graph, judge, voice, Toolbox(graph, {"pay": pay}), unproved=True, store=store)

    def message(number: int, turn: int) -> str:
        return f"{number}: message {turn}" + (", I pay" if turn == 1 and number % 10 == 0 else "")

    async def talk(engine: Engine, sessions: Sessions, number: int) -> None:
        """One conversation; it is dropped from memory between turns, for others have taken its place."""
        session = engine.start_session(id=str(number))
        await engine.save(session)
        sessions.add(session)
        del session
        for turn in range(TURNS):
            await asyncio.sleep(random.random() / 10)
            found = await sessions.get(str(number))
            assert found is not None
            with sessions.running(found):
                done = await engine.turn(found, message(number, turn))
            assert done.number == turn + 1
            del found

    async def work(store: Store) -> None:
        engine = engine_over(store)
        sessions = Sessions(store, engine.open, limit=IN_MEMORY)
        await asyncio.gather(*(talk(engine, sessions, number) for number in range(SESSIONS)))
        assert len(sessions) <= IN_MEMORY

    async def look(store: Store) -> None:
        for number in range(SESSIONS):
            session = await store.load(str(number))
            assert session is not None
            said = [each.text for each in session.conversation if each.role == "customer"]
            assert said == [message(number, turn) for turn in range(TURNS)]
            replies = [each for each in session.conversation if each.role == "agent"]
            assert len(replies) == TURNS
            assert await store.traces(str(number)) == [turn + 1 for turn in range(TURNS)]
        calls = await store.calls(limit=SESSIONS)
        assert {each.status for each in calls} == {"succeeded"}
        assert sorted(keys) == sorted(each.key for each in calls)
        assert len(set(keys)) == SESSIONS // 10

    database.with_store(work)
    database.with_store(look)

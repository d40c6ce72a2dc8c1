"""What several agents, humans and sentences that leave early change is stored like all else: in a file and on a server."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.store.conftest import Place

from jurat.engine import Engine, Session, Toolbox
from jurat.engine.errors import StoreError
from jurat.engine.store import Store
from jurat.llm import Message, OnText, ReplyRequest
from jurat.llm.scripted import ScriptedJudge, ScriptedVoice
from jurat.policies import load

POLICY = """
jurat: 1
agents:
  front: {name: Front, include: [route]}
  sales: {name: Sales, include: [quote]}
observations: {buys: The customer wants to buy}
guidelines:
  route: {when: buys, hand_off: sales}
  quote: {when: buys && session.agent == "sales", action: Quote a price}
"""


class Sentences(ScriptedVoice):
    """Writes two sentences, and fails between them if it is told to."""

    def __init__(self, *, fails: bool = False) -> None:
        super().__init__()
        self.fails = fails

    async def reply(self, request: ReplyRequest, on_text: OnText | None = None) -> str:
        for piece in ("It is cheap. ", "Take it."):
            if on_text is not None:
                on_text(piece)
            for _ in range(20):
                await asyncio.sleep(0)
            if self.fails:
                raise RuntimeError("broken")
        return "It is cheap. Take it."


def engine_on(store: Store, voice: ScriptedVoice | None = None) -> Engine:
    graph = load(POLICY)
    judge = ScriptedJudge({"buys": ["buy"]}, default=False)
    return Engine(graph, judge, voice or Sentences(), Toolbox(graph), unproved=True, store=store)


async def reopened(engine: Engine, id_: str) -> Session:
    found = await engine.open(id_)
    assert found is not None
    return found


def test_a_message_that_was_handed_on_leaves_a_trace_of_each_agent(database: Place) -> None:
    async def before(store: Store) -> str:
        engine = engine_on(store)
        session = engine.start_session()
        turn = await engine.turn(session, "I want to buy it")
        assert [each.trace.agent for each in (*turn.before, turn)] == ["front", "sales"]
        return session.id

    async def after(store: Store) -> None:
        session = await reopened(engine_on(store), id_)
        assert (session.agent, session.facts["session.agent"]) == ("sales", "sales")
        stored = [await store.trace(id_, number) for number in await store.traces(id_)]
        assert [each["agent"] for each in stored if each] == ["front", "sales"]
        assert [each["handed_to"] for each in stored if each] == ["sales", None]
        assert [each.role for each in session.conversation] == ["customer", "agent"]

    id_ = database.with_store(before)
    database.with_store(after)


def test_who_answers_is_stored_when_it_changes(database: Place) -> None:
    async def before(store: Store) -> str:
        engine = engine_on(store)
        session = engine.start_session()
        await engine.save(session)
        await engine.transfer(session, "sales")
        await engine.take_over(session)
        return session.id

    async def after(store: Store) -> None:
        engine = engine_on(store)
        session = await reopened(engine, id_)
        assert (session.agent, session.mode, session.facts["session.agent"]) == ("sales", "manual", "sales")
        await engine.take_back(session, agent="front")

    async def again(store: Store) -> None:
        session = await reopened(engine_on(store), id_)
        assert (session.agent, session.mode, session.facts["session.agent"]) == ("front", "auto", "front")

    id_ = database.with_store(before)
    database.with_store(after)
    database.with_store(again)


def test_a_sentence_is_stored_before_it_leaves(database: Place) -> None:
    async def run(store: Store) -> None:
        engine, seen = engine_on(store), []
        session = engine.start_session(agent="sales")

        def left(text: str) -> None:
            seen.append((text, session.saved.messages[-1]))

        turn = await engine.turn(session, "I want to buy it", on_text=left)
        assert seen[0] == ("It is cheap. ", Message("agent", "It is cheap."))
        assert "".join(text for text, _ in seen) == "It is cheap. Take it." == turn.response.text  # type: ignore[union-attr]
        assert (await reopened(engine, session.id)).conversation[-1] == Message("agent", "It is cheap. Take it.")

    database.with_store(run)


def test_what_has_left_of_a_turn_that_fails_is_in_the_store(database: Place) -> None:
    async def run(store: Store) -> None:
        engine = engine_on(store, Sentences(fails=True))
        session = engine.start_session(agent="sales")
        with pytest.raises(RuntimeError):
            await engine.turn(session, "I want to buy it", on_text=lambda _: None)
        assert (await reopened(engine, session.id)).conversation[-1] == Message("agent", "It is cheap.")
        trace = await store.trace(session.id, 1)
        assert trace is not None
        assert trace["notes"] == ["the turn was cut short, and only the beginning of the reply was sent"]

    database.with_store(run)


def test_a_process_that_ends_in_the_middle_of_a_reply_is_told_so(database: Place) -> None:
    async def before(store: Store) -> str:
        engine = engine_on(store)
        session = engine.start_session(agent="sales")
        begun = asyncio.Event()
        turn = asyncio.create_task(engine.turn(session, "I want to buy it", on_text=lambda _: begun.set()))
        await begun.wait()
        engine.store = Gone()  # as if the process had ended here: nothing more is written
        turn.cancel()
        await asyncio.wait([turn])
        return session.id

    async def after(store: Store) -> None:
        session = await reopened(engine_on(store), id_)
        assert session.conversation[-1] == Message("agent", "It is cheap.")
        trace = await store.trace(id_, 1)
        assert trace is not None
        assert trace["notes"] == [
            "this turn was cut short when its server stopped, and only the beginning of the reply was sent"
        ]

    id_ = database.with_store(before)
    database.with_store(after)


def test_a_process_that_ends_between_two_agents_is_told_so_and_both_messages_are_answered(database: Place) -> None:
    async def before(store: Store) -> str:
        engine = engine_on(store)
        session = engine.start_session()

        def ended(_: Any) -> Any:
            raise KeyboardInterrupt  # as if the process had ended here

        engine._onward = ended  # type: ignore[method-assign]
        with pytest.raises(KeyboardInterrupt):
            await engine.turn(session, "I want to buy it")
        assert await store.traces(session.id) == [1]
        return session.id

    async def after(store: Store) -> None:
        engine = engine_on(store)
        session = await reopened(engine, id_)
        assert [each.role for each in session.conversation] == ["customer"]
        trace = await store.trace(id_, 2)
        assert trace is not None
        assert (trace["agent"], trace["message"], trace["reply"]) == ("sales", "I want to buy it", None)
        assert trace["notes"] == ["this turn was cut short when its server stopped, and nothing was sent"]

    async def again(store: Store) -> None:
        session = await reopened(engine_on(store), id_)
        assert await store.traces(id_) == [1, 2], "it is said once"
        turn = await engine_on(store).turn(session, "hello?")
        assert turn.response is not None
        assert [each.role for each in session.conversation] == ["customer", "customer", "agent"]

    id_ = database.with_store(before)
    database.with_store(after)
    database.with_store(again)


class Gone:
    """A store that cannot be reached."""

    async def save(self, *_: Any, **__: Any) -> None:
        raise StoreError("gone")


def test_a_sentence_that_cannot_be_stored_does_not_leave(database: Place) -> None:
    async def run(store: Store) -> None:
        engine, seen = engine_on(store), []
        session = engine.start_session(agent="sales")
        save = store.save

        async def failing(session_: Session, state: Any, *rest: Any, **more: Any) -> None:
            if state.messages and state.messages[-1].role == "agent":
                raise StoreError("no room")
            await save(session_, state, *rest, **more)

        store.save = failing  # type: ignore[method-assign]
        with pytest.raises(StoreError):
            await engine.turn(session, "I want to buy it", on_text=seen.append)
        assert seen == []
        assert [each.role for each in session.conversation] == ["customer"]

    database.with_store(run)

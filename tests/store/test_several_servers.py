"""Servers that share a PostgreSQL: each wakes those who wait at the others, and a message is answered by one of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text
from tests.postgresql import Postgresql
from tests.server.served import agent

from jurat.engine.session import Session
from jurat.engine.store import FeedEvent, open_store
from jurat.engine.turn import Turn
from jurat.server.feeds import event
from jurat.server.service import Service

SECONDS = 30.0


def of_the_agent(one: FeedEvent) -> bool:
    return one.kind == "message" and one.source == "ai_agent"


def finished(one: FeedEvent) -> bool:
    return one.kind == "status" and one.data["data"].get("stage") == "completed"


def message(said: str) -> FeedEvent:
    return event("message", "customer", "t", {"message": said, "participant": {"display_name": "Guest"}})


async def known(service: Service, session: Session) -> Session:
    """A conversation as another server has it, whose feed somebody reads there."""
    found = await service.session(session.id)
    await service.talks.catch_up(found)
    return found


class Slow:
    """Makes the turns of a server wait until they are let."""

    def __init__(self, service: Service) -> None:
        self._turn = service.unheard_turn
        self.asked, self.let = asyncio.Event(), asyncio.Event()
        service.unheard_turn = self.turn  # type: ignore[method-assign]

    async def turn(self, session: Session, message: str | None, **options: Any) -> Turn:
        self.asked.set()
        await self.let.wait()
        return await self._turn(session, message, **options)


@pytest.fixture
def on_two(server: Postgresql) -> Callable[[Callable[[Service, Service], Awaitable[None]]], None]:
    """Runs a scenario on two servers over one database."""
    address = server.database()

    def run(scenario: Callable[[Service, Service], Awaitable[None]]) -> None:
        async def both() -> None:
            stores = [await open_store(address) for _ in range(2)]
            one, other = (Service(agent(each)) for each in stores)
            try:
                await scenario(one, other)
            finally:
                for service in (one, other):
                    await service.settle()
                for store in stores:
                    await store.close()

        asyncio.run(both())

    return run


def test_who_waits_at_one_server_is_woken_by_the_other(on_two: Any) -> None:
    async def scenario(one: Service, other: Service) -> None:
        session = await one.begin()
        waiting = asyncio.create_task(other.feeds.wait(session.id, 0, of_the_agent, SECONDS))
        await asyncio.sleep(1)
        assert not waiting.done()
        await one.talks.say(session, message("an upgrade"))
        (found,) = await asyncio.wait_for(waiting, 10)
        assert found.source == "ai_agent"

    on_two(scenario)


def test_another_server_does_not_answer_what_is_being_answered(on_two: Any) -> None:
    async def scenario(one: Service, other: Service) -> None:
        turns = Slow(one)
        session = await one.begin()
        await one.talks.say(session, message("an upgrade"))
        await asyncio.wait_for(turns.asked.wait(), 10)
        theirs = await known(other, session)
        assert not other.sessions.runs(theirs)
        waiting = asyncio.create_task(other.feeds.wait(session.id, 0, finished, SECONDS))
        turns.let.set()
        await asyncio.wait_for(waiting, 10)
        await known(other, session)
        await asyncio.sleep(0.5)
        feed = await other.store.feed(session.id)
        assert [each.source for each in feed if each.kind == "message"] == ["customer", "ai_agent"]
        assert sum(finished(each) for each in feed) == 1
        assert await other.store.records("turn") == {}, "nobody is noted as answering any more"

    on_two(scenario)


def test_what_a_server_that_is_gone_had_taken_is_answered_by_another(on_two: Any) -> None:
    async def scenario(one: Service, other: Service) -> None:
        session = await one.begin()
        said = message("an upgrade")
        await other.store.keep_record("turn", said.id, {"owner": "somebody who is gone"})
        await other.store.add_to_feed(session.id, [said])
        await known(other, session)
        found = await other.feeds.wait(session.id, 0, of_the_agent, SECONDS)
        assert len(found) == 1

    on_two(scenario)


def test_a_listener_that_was_cut_off_listens_again(on_two: Any) -> None:
    async def scenario(one: Service, other: Service) -> None:
        session = await one.begin()
        waiting = asyncio.create_task(other.feeds.wait(session.id, 0, of_the_agent, SECONDS))
        await asyncio.sleep(1)
        await _cut_off_listeners(one.store)
        await one.talks.say(session, message("an upgrade"))
        assert len(await asyncio.wait_for(waiting, 10)) == 1

    on_two(scenario)


async def _cut_off_listeners(store: Any) -> None:
    query = text(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()"
    )
    ended: int = await store._database.write(lambda connection: connection.execute(query).scalar_one())
    assert ended == 1


def test_a_message_of_ones_own_wakes_once(on_two: Any) -> None:
    async def scenario(one: Service, other: Service) -> None:
        heard: list[str | None] = []
        listening = asyncio.create_task(one.store.hear(heard.append))
        await asyncio.sleep(1)
        await one.store.add_to_feed("s", [message("mine")])
        await other.store.add_to_feed("t", [replace(message("theirs"), ordinal=1)])
        await asyncio.sleep(1)
        listening.cancel()
        assert heard == [None, "t"], "what may have been missed before, and then what others add"

    on_two(scenario)

"""Messages that were taken are answered, though the process ended before their turn began."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from jurat.engine import Toolbox
from jurat.engine.store import FeedEvent, open_store
from jurat.policies import load
from jurat.server.feeds import event
from jurat.server.opening import open_with_script
from jurat.server.scripts import Script
from jurat.server.service import Service
from jurat.solver import check

POLICY = "jurat: 1\nguidelines:\n  greet: {condition: The customer greets, action: Greet them}\n"


async def serving(store: str) -> Service:
    graph = load(POLICY)
    script = Script({"The customer greets": ("hello",)})
    return Service(
        open_with_script(graph, check(graph), Toolbox(graph), script, unproved=False, store=await open_store(store))
    )


async def until_ready(service: Service, session: str, turns: int = 1) -> list[FeedEvent]:
    end = time.monotonic() + 60
    while True:
        found = await service.store.feed(session)
        if sum(each.kind == "status" and each.data["status"] == "ready" for each in found) >= turns:
            return found
        assert time.monotonic() < end, found
        await asyncio.sleep(0.02)


def said(events: list[FeedEvent]) -> list[tuple[str, str]]:
    return [(each.source, each.data["message"]) for each in events if each.kind == "message"]


def test_a_message_whose_turn_never_began_is_answered_when_the_conversation_is_used_again(tmp_path: Path) -> None:
    async def before() -> str:
        service = await serving(str(tmp_path / "store.db"))
        session = await service.begin()
        await service.feeds.add(session.id, event("message", "customer", "t", {"message": "hello", "participant": {}}))
        await service.agent.close()  # the process ends between the acknowledgement and the turn
        return session.id

    async def after(id_: str) -> None:
        service = await serving(str(tmp_path / "store.db"))
        await service.talks.catch_up(await service.session(id_))
        assert said(await until_ready(service, id_)) == [("customer", "hello"), ("ai_agent", "Greet them")]
        await service.talks.catch_up(await service.session(id_))
        await service.settle()
        assert len(await service.store.feed(id_)) == 6, "once"
        await service.agent.close()
        again = await serving(str(tmp_path / "store.db"))
        await again.talks.catch_up(await again.session(id_))
        await again.settle()
        assert len(await again.store.feed(id_)) == 6, "and never again"
        await again.agent.close()

    asyncio.run(after(asyncio.run(before())))


def test_what_a_model_s_failure_leaves_unanswered_is_told(tmp_path: Path) -> None:
    async def scenario() -> None:
        service = await serving("memory")
        session = await service.begin()
        await service.talks.say(session, event("message", "customer", "t", {"message": "x" * 10, "participant": {}}))
        await until_ready(service, session.id)
        session.state.ended = True
        await service.talks.say(session, event("message", "customer", "u", {"message": "late", "participant": {}}))
        events = await until_ready(service, session.id, 2)
        statuses = [each.data["status"] for each in events if each.kind == "status" and each.trace == "u"]
        assert statuses == ["acknowledged", "error", "ready"]
        (error,) = [each for each in events if each.kind == "status" and each.data["status"] == "error"]
        assert error.data["data"] == {"exception": "the session has ended", "code": "refused"}

    asyncio.run(scenario())


def test_whoever_looks_meanwhile_does_not_tell_the_feed_what_the_turn_tells() -> None:
    async def scenario() -> None:
        service = await serving("memory")
        session = await service.begin()
        await service.talks.say(session, event("message", "customer", "t", {"message": "hello", "participant": {}}))
        looking = asyncio.create_task(until_ready(service, session.id))
        while not looking.done():
            await service.talks.catch_up(session)
            await asyncio.sleep(0)
        events = await looking
        assert {each.trace for each in events} == {"t"}
        assert [
            each.metadata.get("trace") for each in events if each.source == "ai_agent" and each.kind == "message"
        ] == [f"{session.id}-1"]

    asyncio.run(scenario())

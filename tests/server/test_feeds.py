"""Waiting for what happens in conversations: a thousand who wait cost nothing until something does."""

from __future__ import annotations

import asyncio
import time
import tracemalloc
from collections.abc import Sequence

from jurat.engine.store import FeedEvent, MemoryStore
from jurat.server.feeds import Feeds, event

WAITING = 1_000


class Counting(MemoryStore):
    """A store that counts how often feeds are read."""

    reads = 0

    async def feed(self, session: str, since: int = 0) -> list[FeedEvent]:
        self.reads += 1
        return await super().feed(session, since)


def everything(one: FeedEvent) -> bool:
    return one.kind != "status"


def test_a_thousand_who_wait_ask_the_store_once_each_and_are_woken_alone() -> None:
    async def scenario() -> None:
        store = Counting()
        feeds = Feeds(store)
        tracemalloc.start()
        waits = [asyncio.create_task(feeds.wait(f"s{n}", 0, everything, 30)) for n in range(WAITING)]
        await asyncio.sleep(0.5)
        size, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert store.reads == WAITING
        assert size < 30 * 1024 * 1024, f"{size} bytes"
        await asyncio.sleep(0.5)
        assert store.reads == WAITING, "nobody polls"
        await feeds.add("s7", event("status", "ai_agent", "t", {}))
        await feeds.add("s7", event("message", "ai_agent", "t", {}))
        (found,) = await waits[7]
        assert found.kind == "message"
        assert WAITING < store.reads <= WAITING + 3
        assert sum(each.done() for each in waits) == 1
        for each in waits:
            each.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
        assert not any(feeds.waited_for(f"s{n}") for n in range(WAITING)), "who gave up is forgotten"

    asyncio.run(scenario())


def test_nothing_that_comes_between_a_look_and_a_wait_is_missed() -> None:
    class Slow(MemoryStore):
        async def feed(self, session: str, since: int = 0) -> list[FeedEvent]:
            found = await super().feed(session, since)
            await asyncio.sleep(0.05)
            return found

    async def scenario() -> None:
        feeds = Feeds(Slow())
        waiting = asyncio.create_task(feeds.wait("s", 0, everything, 20))
        await asyncio.sleep(0.02)
        await feeds.add("s", event("message", "customer", "t", {}))
        start = time.monotonic()
        assert len(await waiting) == 1
        assert time.monotonic() - start < 5

    asyncio.run(scenario())


def test_time_out_is_an_empty_answer() -> None:
    async def scenario() -> Sequence[FeedEvent]:
        return await Feeds(MemoryStore()).wait("s", 0, everything, 0.05)

    assert asyncio.run(scenario()) == []


def test_nobody_waits_for_a_server_that_ends() -> None:
    async def scenario() -> None:
        feeds = Feeds(MemoryStore())
        waits = [asyncio.create_task(feeds.wait(f"s{n}", 0, everything, 60)) for n in range(3)]
        await asyncio.sleep(0)
        feeds.end()
        assert await asyncio.wait_for(asyncio.gather(*waits), 5) == [[], [], []]
        assert await asyncio.wait_for(feeds.wait("s0", 0, everything, 60), 5) == []
        await feeds.add("s0", event("message", "customer", "t", {}))
        assert len(await feeds.wait("s0", 0, everything, 60)) == 1, "what is there is told"

    asyncio.run(scenario())

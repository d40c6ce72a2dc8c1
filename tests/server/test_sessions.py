"""What a server holds in memory: few conversations, each once, and none that would be missed."""

from __future__ import annotations

import asyncio
import gc
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jurat.engine import Session
from jurat.engine.session import Call, State
from jurat.engine.store import Store, open_store
from jurat.server import sessions as module
from jurat.server.sessions import Sessions


def run(tmp_path: Path, work: Any) -> None:
    async def main() -> None:
        store = await open_store(tmp_path / "store.db")
        try:
            await work(store)
        finally:
            await store.close()

    asyncio.run(main())


async def made(store: Store, sessions: Sessions, name: str) -> Session:
    session = Session(name, State("agent"))
    await store.save(session, session.state)
    sessions.add(session)
    return session


def test_the_ones_used_least_recently_are_dropped_and_loaded_again(tmp_path: Path) -> None:
    async def work(store: Store) -> None:
        sessions = Sessions(store, store.load, limit=2)
        for name in "ab":
            await made(store, sessions, name)
        assert await sessions.get("a") is not None
        await made(store, sessions, "c")
        assert list(sessions._recent) == ["a", "c"]
        again = await sessions.get("b")
        assert again is not None
        assert list(sessions._recent) == ["c", "b"]
        assert await sessions.get("none") is None

    run(tmp_path, work)


def test_ten_thousand_conversations_take_the_memory_of_a_few(tmp_path: Path) -> None:
    async def work(store: Store) -> None:
        sessions = Sessions(store, store.load, limit=50)
        for number in range(10_000 // 20):
            await asyncio.gather(*(made(store, sessions, f"{number}-{n}") for n in range(20)))
        gc.collect()
        assert len(sessions) == 50
        alive = sum(isinstance(each, Session) for each in gc.get_objects())
        assert alive < 100
        assert len(await store.sessions(20_000)) == 10_000

    run(tmp_path, work)


def test_a_conversation_that_somebody_holds_is_never_there_twice(tmp_path: Path) -> None:
    async def work(store: Store) -> None:
        sessions = Sessions(store, store.load, limit=1)
        held = await made(store, sessions, "a")
        await made(store, sessions, "b")
        assert list(sessions._recent) == ["b"]
        assert await sessions.get("a") is held
        del held
        await sessions.get("b")
        gc.collect()
        both = await asyncio.gather(*(sessions.get("a") for _ in range(5)))
        assert len({id(each) for each in both}) == 1

    run(tmp_path, work)


def test_one_whose_turn_runs_or_that_is_not_stored_is_not_dropped(tmp_path: Path) -> None:
    async def work(store: Store) -> None:
        sessions = Sessions(store, store.load, limit=1)
        busy, unsaved = await made(store, sessions, "a"), await made(store, sessions, "b")
        unsaved.calls = {"k": Call("k", "b", 1, "pay", {}, (), "succeeded", 1.0)}
        with sessions.running(busy):
            await made(store, sessions, "c")
            assert sessions.runs(busy)
            assert set(sessions._recent) >= {"b"}
        assert not sessions.runs(busy)
        await store.save(unsaved, unsaved.state)
        await made(store, sessions, "d")
        assert list(sessions._recent) == ["d"]

    run(tmp_path, work)


def test_one_that_nobody_used_for_a_while_is_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(store: Store) -> None:
        sessions = Sessions(store, store.load)
        await made(store, sessions, "a")
        monkeypatch.setattr(module, "IDLE_SECONDS", -1.0)
        await made(store, sessions, "b")
        assert "a" not in sessions._recent

    run(tmp_path, work)


def test_one_that_another_server_went_on_with_is_loaded_again() -> None:
    from tests.postgresql import postgresql

    async def work(address: str) -> None:
        ours, theirs = await open_store(address), await open_store(address)
        sessions = Sessions(ours, ours.load)
        await made(ours, sessions, "a")
        other = await theirs.load("a")
        assert other is not None
        await theirs.save(other, replace(other.state, turns=7))
        found = await sessions.get("a")
        assert found is not None
        assert found.state.turns == 7
        for store in (ours, theirs):
            await store.close()

    with postgresql() as server:
        asyncio.run(work(server.database()))

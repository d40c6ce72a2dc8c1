"""A program of the examples run as its user would run it, with a script in the place of the model and a free port."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx2
import pytest

import jurat.sdk as p
from jurat.testing import ScriptedJudge, ScriptedVoice

KEY = "the key of whoever runs the example"
SEED = Path(__file__).resolve().parents[2] / "examples" / "seed"
READY_SECONDS = 100


def load(name: str, folder: Path = SEED) -> ModuleType:
    """A program as a module of its own."""
    spec = importlib.util.spec_from_file_location(f"example_{name}", folder / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


class Talk:
    """A conversation over HTTP with what a program serves."""

    def __init__(self, client: httpx2.AsyncClient, session: str) -> None:
        self._client, self.session = client, session

    async def say(self, message: str) -> dict[str, Any]:
        """One turn, as the server tells of it."""
        answer = await self._client.post(f"/sessions/{self.session}/messages", json={"message": message})
        assert answer.status_code == 200, answer.text
        name, data = answer.text.strip().split("\n\n")[-1].split("\n")
        assert name == "event: turn", data
        told: dict[str, Any] = json.loads(data.removeprefix("data: "))
        return told

    async def happens(self, event: str) -> dict[str, Any]:
        """One turn on an event without a message."""
        answer = await self._client.post(f"/sessions/{self.session}/events", json={"event": event})
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told


class Rehearsal:
    """A program that serves."""

    def __init__(self, server: p.Server, client: httpx2.AsyncClient) -> None:
        self.server, self.client = server, client

    async def talk(self, **started: Any) -> Talk:
        """A new conversation."""
        answer = await self.client.post("/sessions", json=started)
        assert answer.status_code == 201, answer.text
        return Talk(self.client, answer.json()["id"])


def calls(turn: Mapping[str, Any]) -> dict[str, str]:
    """What became of each tool that was called."""
    return {call["tool"]: call["status"] for call in turn["trace"]["calls"]}


@asynccontextmanager
async def rehearsed(
    monkeypatch: pytest.MonkeyPatch,
    program: Any,
    judge: Mapping[str, Any],
    arguments: Mapping[str, Any] | None = None,
) -> AsyncIterator[Rehearsal]:
    """Run a program's coroutine function until it serves, and end it as Ctrl-C would."""
    servers: list[p.Server] = []

    class Rehearsed(p.Server):
        def __init__(self, **options: Any) -> None:
            voice = ScriptedVoice(arguments=arguments or {})
            options |= {"port": 0, "judge": ScriptedJudge(judge, default=False), "voice": voice}
            super().__init__(**options)
            servers.append(self)

    monkeypatch.setattr(p, "Server", Rehearsed)
    monkeypatch.setenv("JURAT_API_KEY", KEY)
    running = asyncio.create_task(program())
    try:
        while not servers or not servers[0].serving:
            assert not running.done(), running.exception()
            await asyncio.sleep(0.01)
        ready = asyncio.create_task(servers[0].ready.wait())
        await asyncio.wait({ready, running}, return_when=asyncio.FIRST_COMPLETED, timeout=READY_SECONDS)
        assert ready.done(), running.exception() if running.done() else "it does not serve"
        address = f"http://127.0.0.1:{servers[0].port}"
        async with httpx2.AsyncClient(
            headers={"authorization": f"Bearer {KEY}"}, base_url=address, timeout=60
        ) as client:
            yield Rehearsal(servers[0], client)
    finally:
        for server in servers:
            server.shut_down()
        await asyncio.wait({running}, timeout=20)
        running.cancel()
        if not running.cancelled() and running.done() and (error := running.exception()):
            raise error

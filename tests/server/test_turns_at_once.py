"""Many conversations at the same moment: all are answered, a slow tool keeps nobody out, and the model is not flooded."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest

import jurat.sdk as p
from jurat.engine.errors import Overloaded
from jurat.engine.places import Place, Places
from jurat.llm import Condition, Judgement, Message
from jurat.server import service as serving
from jurat.testing import ScriptedJudge, ScriptedVoice

KEY = "the key of whoever runs the test"
MANY = 320


@pytest.fixture(autouse=True)
def master(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JURAT_API_KEY", KEY)


class Slow(ScriptedJudge):
    """A judge that answers when it is let, and notes how many ask it at once."""

    def __init__(self) -> None:
        super().__init__({"The customer asks": True}, default=False)
        self.let, self.asking, self.most = asyncio.Event(), 0, 0

    async def judge(self, conversation: Sequence[Message], conditions: Sequence[Condition]) -> list[Judgement]:
        self.asking += 1
        self.most = max(self.most, self.asking)
        await self.let.wait()
        await asyncio.sleep(0)
        self.asking -= 1
        return await super().judge(conversation, conditions)


@asynccontextmanager
async def talking(
    declare: Callable[[p.Agent], Awaitable[object]], **options: Any
) -> AsyncIterator[tuple[p.Server, httpx2.AsyncClient]]:
    """A program that serves, and a client without a limit of its own."""
    judge = options.pop("judge", None) or ScriptedJudge({"The customer asks": ["ask"]}, default=False)
    limits = httpx2.Limits(max_connections=None)
    async with p.Server(port=0, judge=judge, voice=ScriptedVoice(), **options) as server:
        await declare(await server.create_agent("Bot"))
        address, held = f"http://127.0.0.1:{server.port}", {"authorization": f"Bearer {KEY}"}
        async with httpx2.AsyncClient(base_url=address, headers=held, timeout=240, limits=limits) as client:
            await asyncio.wait_for(server.ready.wait(), 60)
            yield server, client
        server.shut_down()


async def asked(port: int, method: str, path: str, body: object = None) -> tuple[int, str]:
    """Status and body of an answer, over a connection of its own: a client with a pool takes longer than the server."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    content = json.dumps(body).encode()
    head = f"{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nauthorization: Bearer {KEY}\r\nconnection: close\r\n"
    head += f"content-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n"
    writer.write(head.encode() + content)
    answer = (await reader.read()).decode()
    writer.close()
    return int(answer.split()[1]), answer.partition("\r\n\r\n")[2]


async def begun(client: httpx2.AsyncClient) -> str:
    answer = await client.post("/sessions", json={})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def say(client: httpx2.AsyncClient, session: str, text: str) -> httpx2.Response:
    return await client.post(f"/sessions/{session}/messages", json={"message": text})


async def nothing(agent: p.Agent) -> None:
    """Declares no more."""


def test_conversations_that_speak_at_the_same_moment_are_all_answered_in_order_and_nothing_is_lost() -> None:
    async def scenario() -> None:
        async with talking(nothing) as (server, client):
            sessions = [await begun(client) for _ in range(MANY)]
            for word in ("one", "two"):
                said = (
                    asked(server.port, "POST", f"/sessions/{each}/messages", {"message": f"{word} {each}"})
                    for each in sessions
                )
                answers = await asyncio.gather(*said)
                assert {status for status, _ in answers} == {200}
                assert sum("event: turn" in text for _, text in answers) == MANY
            for each in sessions:
                told = (await client.get(f"/sessions/{each}")).json()["conversation"]
                assert [line["text"] for line in told if line["role"] == "customer"] == [f"one {each}", f"two {each}"]
                assert [line["role"] for line in told] == ["customer", "agent", "customer", "agent"]

    asyncio.run(scenario())


def test_conversations_in_a_slow_tool_keep_nobody_out() -> None:
    async def scenario() -> None:
        let, waiting = asyncio.Event(), 0

        @p.tool
        async def look(context: p.ToolContext) -> str:
            """Look it up."""
            nonlocal waiting
            waiting += 1
            await let.wait()
            return "found"

        async def declare(agent: p.Agent) -> None:
            await agent.create_guideline("The customer asks", "Say what was found", tools=[look])

        async with talking(declare, turns_at_once=2) as (_, client):
            sessions = [await begun(client) for _ in range(20)]
            asking = [asyncio.create_task(say(client, each, "I ask")) for each in sessions]
            while waiting < 20:  # noqa: ASYNC110 - a tool of another task
                await asyncio.sleep(0.01)
            answer = await say(client, await begun(client), "hello")
            assert "event: turn" in answer.text
            assert not any(each.done() for each in asking)
            let.set()
            assert all("event: turn" in each.text for each in await asyncio.gather(*asking))

    asyncio.run(scenario())


def test_a_slow_function_of_the_program_keeps_nobody_out() -> None:
    async def scenario() -> None:
        let = asyncio.Event()

        async def index(context: p.RetrieverContext) -> str | None:
            assert context.interaction.last_customer_message is not None
            if context.interaction.last_customer_message.content == "slow":
                await let.wait()
            return None

        async def declare(agent: p.Agent) -> None:
            await agent.attach_retriever(index)

        async with talking(declare, turns_at_once=1) as (_, client):
            slow = [asyncio.create_task(say(client, await begun(client), "slow")) for _ in range(3)]
            assert "event: turn" in (await say(client, await begun(client), "hello")).text
            assert not any(each.done() for each in slow)
            let.set()
            assert all("event: turn" in each.text for each in await asyncio.gather(*slow))

    asyncio.run(scenario())


def test_no_more_turns_ask_the_model_at_once_than_are_let() -> None:
    async def scenario() -> None:
        judge = Slow()

        async def declare(agent: p.Agent) -> None:
            await agent.create_guideline("The customer asks", "Answer")

        async with talking(declare, judge=judge, turns_at_once=3) as (_, client):
            asking = [asyncio.create_task(say(client, await begun(client), "I ask")) for _ in range(12)]
            while judge.asking < 3:  # noqa: ASYNC110 - a judge of another task
                await asyncio.sleep(0.01)
            for _ in range(20):
                await asyncio.sleep(0.01)
            judge.let.set()
            assert all("event: turn" in each.text for each in await asyncio.gather(*asking))
            assert judge.most == 3

    asyncio.run(scenario())


def test_turns_beyond_all_bounds_are_told_to_come_back_and_are_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "TURNS_MOST", 3)
    monkeypatch.setattr(serving, "PLACE_SECONDS", 3.0)

    async def scenario() -> None:
        judge = Slow()

        async def declare(agent: p.Agent) -> None:
            await agent.create_guideline("The customer asks", "Answer")

        async with talking(declare, judge=judge, turns_at_once=1) as (_, client):
            sessions = [await begun(client) for _ in range(7)]
            first = asyncio.create_task(say(client, sessions[0], "I ask"))
            while judge.asking < 1:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
            others = dict(
                zip(
                    sessions[1:],
                    await asyncio.gather(*(say(client, each, "I ask") for each in sessions[1:])),
                    strict=True,
                )
            )
            assert sorted(each.status_code for each in others.values()) == [200, 200, 503, 503, 503, 503]
            for each in others.values():
                if each.status_code == 200:  # it had begun to wait
                    assert '"code": "busy"' in each.text
                else:
                    assert each.json()["error"]["code"] == "busy"
                    assert each.headers["retry-after"] == "1"
            late = next(name for name, each in others.items() if each.status_code == 200)
            assert (await client.get(f"/sessions/{late}")).json()["conversation"] == []
            posted = {"kind": "message", "source": "customer", "message": "I ask"}
            assert (await client.post(f"/sessions/{late}/events", json=posted)).status_code == 201
            wanted: dict[str, str | int] = {"kinds": "status", "wait_for_data": 60, "min_offset": 1}
            told: list[Any] = []
            while not told or told[-1]["data"]["status"] != "ready":
                told = (await client.get(f"/sessions/{late}/events", params=wanted)).json()
            assert [each["data"]["data"].get("code") for each in told if each["data"]["status"] == "error"] == ["busy"]
            judge.let.set()
            assert "event: turn" in (await first).text
            again = await say(client, late, "I ask")
            assert "event: turn" in again.text

    asyncio.run(scenario())


@pytest.mark.parametrize("wrong", [0, -1, 2_001, "many"])
def test_how_many_may_ask_is_a_number_within_bounds(wrong: Any) -> None:
    with pytest.raises(p.SDKError):
        p.Server(turns_at_once=wrong)


def test_who_comes_back_from_a_tool_goes_before_who_has_not_begun() -> None:
    async def scenario() -> None:
        places, order = Places(1, 60), list[str]()

        async def turn(name: str, lend: asyncio.Event) -> None:
            async with Place(places).taken() as place:
                order.append(name)
                async with place.lent():
                    await lend.wait()
                order.append(f"{name} again")

        lends = [asyncio.Event() for _ in range(2)]
        running = [asyncio.create_task(turn(str(number), lend)) for number, lend in enumerate(lends)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await places.take()
        waiting = asyncio.create_task(turn("new", lends[0]))
        await asyncio.sleep(0)
        for each in lends:
            each.set()
        await asyncio.sleep(0)
        places.give()
        await asyncio.gather(*running, waiting)
        assert order == ["0", "1", "0 again", "1 again", "new", "new again"]

    asyncio.run(scenario())


def test_a_place_is_lost_by_nobody_who_gives_up_or_fails() -> None:
    async def scenario() -> None:
        places = Places(1, 60)
        impatient = Places(1, 0)
        await impatient.take()
        with pytest.raises(Overloaded):
            await impatient.take()
        impatient.give()
        await impatient.take()

        async def failing() -> None:
            async with Place(places).taken() as place, place.lent():
                raise RuntimeError

        for _ in range(3):
            with pytest.raises(RuntimeError):
                await failing()
        await places.take()
        waiting = [asyncio.create_task(places.take(returning=bool(each % 2))) for each in range(6)]
        await asyncio.sleep(0)
        for each in waiting[:4]:
            each.cancel()
        places.give()  # to who is cancelled before it hears of it
        waiting[5].cancel()
        await asyncio.gather(*waiting[:4], waiting[5], return_exceptions=True)
        await asyncio.wait_for(waiting[4], 5)

    asyncio.run(scenario())

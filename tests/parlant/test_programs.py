"""A program that declares its agents, and clients that change them meanwhile."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import httpx2
import pytest

import jurat.sdk as p
from jurat.testing import ScriptedJudge, ScriptedVoice

pytestmark = pytest.mark.timeout(300)


SCOPES = ["chat", "manage:read", "manage:write"]


async def ready(client: httpx2.AsyncClient, path: str = "/agents") -> Any:
    """The answer once there is one."""
    until = time.monotonic() + 100
    while (answer := await client.get(path)).status_code == 503:
        assert time.monotonic() < until
        await asyncio.sleep(0.05)
    return answer.json()


def test_what_clients_change_stays_when_the_program_declares_more() -> None:
    async def scenario() -> None:
        judge = ScriptedJudge({"Help is needed": ["help"], "A price is asked for": ["price"]}, default=False)
        async with p.Server(port=0, anonymous=SCOPES, judge=judge, voice=ScriptedVoice()) as server:
            agent = await server.create_agent("Bot")
            await agent.create_guideline("Help is needed", "Help", id="help")
            await agent.create_guideline("Somebody is bored", "Sing", id="sing")
            async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", timeout=100) as client:
                assert [each["id"] for each in await ready(client)] == ["bot"]
                made = await client.post("/guidelines", json={"condition": "A price is asked for", "action": "Say it"})
                assert made.status_code == 201, made.text
                changed = await client.patch("/guidelines/help", json={"action": "Help at once"})
                assert changed.json()["guideline"]["action"] == "Help at once"
                assert (await client.delete("/guidelines/sing")).status_code == 204
                added = await client.post("/agents", json={"name": "Desk"})
                assert added.status_code == 201, added.text

                await agent.create_guideline("Somebody leaves", "Wave", id="wave")
                found = {each["id"]: each["action"] for each in await ready(client, "/guidelines")}
                assert found == {"help": "Help at once", made.json()["id"]: "Say it", "wave": "Wave"}
                session = (await client.post("/sessions", json={"agent_id": "desk"})).json()
                answer = await client.post(f"/sessions/{session['id']}/messages", json={"message": "what is the price"})
                assert '"reply": "Say it"' in answer.text
                assert [each.id for each in await server.list_agents()] == ["bot", "desk"]
            server.shut_down()

    asyncio.run(scenario())


def test_a_change_that_a_program_s_policy_does_not_allow_is_refused() -> None:
    async def scenario() -> None:
        async with p.Server(
            port=0, anonymous=SCOPES, judge=ScriptedJudge({}, default=False), voice=ScriptedVoice()
        ) as server:
            agent = await server.create_agent("Bot")
            await server.create_decision("offer", p.one_of("free", "paid"))
            await agent.create_guideline("One", decide={"offer": "free"}, id="one")
            async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", timeout=100) as client:
                await ready(client)
                answer = await client.post(
                    "/guidelines", json={"condition": "Two", "policy": {"decide": {"offer": "paid"}}}
                )
                assert (answer.status_code, answer.json()["error"]["code"]) == (422, "not-proved")
                assert "conflicting-actions" in [each["type"] for each in answer.json()["detail"]]
                assert [each["id"] for each in (await client.get("/guidelines")).json()] == ["one"]
            server.shut_down()

    asyncio.run(scenario())

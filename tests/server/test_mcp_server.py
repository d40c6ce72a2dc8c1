"""The policy's tools over MCP, asked by MCP's own client over HTTP: what a turn would refuse is refused here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from tests.server.served import HELD, KEY, agent
from tests.server.test_access import TOKENS, token
from tests.server.test_http import listening

from jurat.server.app import create_app
from jurat.server.settings import Settings

POLICY = """
jurat: 1
facts:
  customer.tier: {enum: [standard, gold], ordered: true}
  customer.verified: {type: bool, from: tools}
observations:
  asks_refund: The customer asks for a refund
  is_rude: The customer is rude
tools:
  verify: {python: "tools:verify", provides: {customer.verified: true}}
  refund: {python: "tools:refund", consequential: true, guard: has(customer.verified) && customer.verified && arguments.amount <= 500}
guidelines:
  always: {action: Help, offer: [verify]}
  gold: {when: customer.tier == "gold" || asks_refund, action: Refund, offer: [refund]}
  rude: {when: is_rude, forbid: [refund]}
"""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    settings = Settings(anonymous=frozenset(), tokens=TOKENS, master=KEY, rate=None)
    with listening(create_app(agent(text=POLICY), settings=settings)) as found:
        yield found


@asynccontextmanager
async def connected(address: str, headers: dict[str, str]) -> AsyncIterator[Any]:
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60) as http,
        Client(streamable_http_client(f"{address}/mcp", http_client=http)) as client,
    ):
        yield client


def said(result: Any) -> tuple[bool, str]:
    return bool(result.is_error), result.content[0].text


def begun(address: str, headers: dict[str, str], *messages: str) -> str:
    session = str(httpx2.post(f"{address}/sessions", json={}, headers=headers, timeout=60).json()["id"])
    for each in messages:
        told = httpx2.post(
            f"{address}/sessions/{session}/messages", json={"message": each}, headers=headers, timeout=60
        )
        assert "event: turn" in told.text
    return session


GOLD = token("g", scope="chat tools", facts={"customer.tier": "gold"})
PLAIN = token("p", scope="chat tools")


def test_tools_are_listed_with_their_arguments(address: str) -> None:
    async def scenario() -> None:
        async with connected(address, GOLD) as client:
            tools = {each.name: each for each in (await client.list_tools()).tools}
        assert set(tools) == {"verify", "refund"}
        assert tools["refund"].input_schema["properties"]["amount"]["type"] == "integer"

    asyncio.run(scenario())


def test_the_guard_holds_and_what_a_tool_found_out_opens_it(address: str) -> None:
    async def scenario() -> None:
        session = begun(address, GOLD, "hello")
        async with connected(address, {**GOLD, "x-jurat-session": session}) as client:
            error, text = said(await client.call_tool("refund", {"amount": 20}))
            assert error
            assert "its guard" in text
            assert said(await client.call_tool("verify", {})) == (False, "verified g")
            assert said(await client.call_tool("refund", {"amount": 20})) == (False, "20 paid back")
            error, text = said(await client.call_tool("refund", {"amount": 501}))
            assert error
            assert "its guard" in text
            error, text = said(await client.call_tool("refund", {"amount": "much"}))
            assert error
            assert "invalid" in text
            error, text = said(await client.call_tool("refnd", {}))
            assert error
            assert "no tool" in text
        shown = httpx2.get(f"{address}/sessions/{session}", headers=GOLD, timeout=60).json()
        traces = [httpx2.get(f"{address}/traces/{each}", headers=GOLD, timeout=60).json() for each in shown["traces"]]
        calls = [(call["tool"], call["status"]) for trace in traces for call in trace["calls"]]
        assert calls == [
            ("refund", "refused"),
            ("verify", "succeeded"),
            ("refund", "succeeded"),
            ("refund", "refused"),
            ("refund", "invalid"),
        ]
        kept = httpx2.get(f"{address}/calls", headers=HELD, timeout=60).json()["calls"]
        assert [(each["session"], each["status"]) for each in kept] == [(session, "succeeded")]

    asyncio.run(scenario())


def test_what_nothing_in_force_offers_is_not_called(address: str) -> None:
    async def scenario() -> None:
        for session, expected in (
            (begun(address, PLAIN, "hello"), "nothing in force calls or offers it"),
            (begun(address, PLAIN, "a refund, you idiot"), "`rude` forbids it"),
        ):
            async with connected(address, {**PLAIN, "x-jurat-session": session}) as client:
                await client.call_tool("verify", {})
                error, text = said(await client.call_tool("refund", {"amount": 20}))
                assert error
                assert expected in text

    asyncio.run(scenario())


def test_a_conversation_lasts_as_long_as_the_client_or_is_named_by_what_came_back(address: str) -> None:
    async def scenario() -> None:
        async with connected(address, GOLD) as client:
            first = await client.call_tool("verify", {})
            session = first.meta["jurat/session"]
            error, text = said(await client.call_tool("refund", {"amount": 5}))
            assert error
            assert "`rude` forbids it (possibly)" in text, "nobody has said anything, so who is rude is unknown"
        async with connected(address, {**GOLD, "x-jurat-session": session}) as client:
            assert (await client.call_tool("verify", {})).meta["jurat/session"] == session
        async with connected(address, {**PLAIN, "x-jurat-session": session}) as client:
            assert said(await client.call_tool("verify", {})) == (True, "there is no such conversation")
        shown = httpx2.get(f"{address}/sessions/{session}", headers=GOLD, timeout=60).json()
        assert len(shown["traces"]) >= 2

    asyncio.run(scenario())


@pytest.mark.parametrize(("headers", "status"), [({}, 401), (token(), 403), ({"authorization": "Bearer x"}, 401)])
def test_strangers_get_no_tools(address: str, headers: dict[str, str], status: int) -> None:
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "verify", "arguments": {}}}
    for method, body in (("POST", {"json": call}), ("GET", {}), ("DELETE", {})):
        answer = httpx2.request(method, f"{address}/mcp", headers=headers, **body)  # type: ignore[arg-type]
        assert answer.status_code == status
        assert set(answer.json()["error"]) == {"code", "message"}


def test_nobody_uses_or_ends_the_session_of_another(address: str) -> None:
    hello = {
        "jsonrpc": "2.0", "id": 1, "method": "initialize",
        "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
    }  # fmt: skip
    accepted = {"accept": "application/json, text/event-stream"}
    opened = httpx2.post(f"{address}/mcp", json=hello, headers={**GOLD, **accepted}, timeout=60)
    session = {"mcp-session-id": opened.headers["mcp-session-id"], **accepted}
    ping = {"jsonrpc": "2.0", "id": 2, "method": "ping"}
    assert httpx2.delete(f"{address}/mcp", headers={**PLAIN, **session}, timeout=60).status_code == 404
    assert httpx2.post(f"{address}/mcp", json=ping, headers={**PLAIN, **session}, timeout=60).status_code == 404
    assert httpx2.post(f"{address}/mcp", json=ping, headers={**GOLD, **session}, timeout=60).status_code == 200
    assert httpx2.delete(f"{address}/mcp", headers={**GOLD, **session}, timeout=60).status_code == 200


@pytest.mark.parametrize("body", ["[]", "{}", '{"jsonrpc": "2.0"}', "3", '{"jsonrpc": "2.0", "id": 1, "method": 7}'])
def test_what_is_no_message_is_told_so_without_how_it_was_read(address: str, body: str) -> None:
    headers = {**GOLD, "accept": "application/json, text/event-stream", "content-type": "application/json"}
    answer = httpx2.post(f"{address}/mcp", content=body, headers=headers, timeout=60)
    assert answer.status_code == 400
    assert answer.json()["error"] == {"code": -32600, "message": "the body is no message of JSON-RPC"}

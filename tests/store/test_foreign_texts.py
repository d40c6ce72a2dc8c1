"""Half a character, zero characters and NaN in what tools, retrievers and services give: the conversation goes on, in every store."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx2
import pytest
from tests.store.conftest import Place

import jurat.sdk as p
from jurat.testing import ScriptedJudge, ScriptedVoice

KEY = "k" * 40
CUT = json.loads('"on its way \\ud83d"')
"""As a service leaves it that cuts a text within an emoji."""


def strict(text: str) -> Any:
    """JSON as other languages read it."""

    def refuse(name: str) -> None:
        raise AssertionError(f"`{name}` is no JSON")

    return json.loads(text, parse_constant=refuse)


def last_event(answer: httpx2.Response) -> tuple[str, Any]:
    """The name and content of the last of an answer's events."""
    name, data = answer.text.strip().rpartition("\n\n")[2].split("\n")
    return name.removeprefix("event: "), strict(data.removeprefix("data: "))


@p.tool
async def look(context: p.ToolContext) -> p.ToolResult:
    """Look"""
    await context.emit_status(CUT, float("inf"))
    return p.ToolResult(
        CUT, {CUT: [CUT, float("nan"), "a\0b"]}, metadata={"m": CUT}, canned_response_fields={"order": {"said": CUT}}
    )


@p.tool
async def fail(context: p.ToolContext) -> p.ToolResult:
    """Fail"""
    raise RuntimeError(CUT)


@p.tool
async def size(context: p.ToolContext) -> p.ToolResult:
    """Say a number that cannot be written"""
    return p.ToolResult("big", {"number": 10**5000})


@p.tool
async def plan(context: p.ToolContext) -> p.ToolResult:
    """Say the plan"""
    return p.ToolResult({"plan": CUT, "rate": float("-inf")})


async def documents(context: p.TurnContext) -> p.RetrieverResult:
    return p.RetrieverResult(CUT)


async def fields(context: p.TurnContext) -> dict[str, Any]:
    return {"number": 10**5000}


async def declare(server: p.Server) -> None:
    agent = await server.create_agent("Bot")
    await agent.create_guideline("Asks", tools=[look])
    await agent.create_guideline("Fails", tools=[fail], canned_response_field_provider=fields)
    await agent.create_guideline("Grows", tools=[size])
    await agent.attach_retriever(documents)
    await agent.create_variable("plan", tool=plan)
    await server.create_customer("Ada", {"note": CUT, "rate": float("nan")}, id="ada")


async def conversation(address: str) -> list[tuple[str, Any]]:
    """The ends of four turns, and the conversation and its traces as they are read afterwards."""
    judge = ScriptedJudge({"Asks": ["order"], "Fails": ["fail"], "Grows": ["grow"]}, default=False)
    server = p.Server(port=0, judge=judge, voice=ScriptedVoice(), session_store=address)
    async with server as serving:
        await declare(serving)
        address = f"http://127.0.0.1:{serving.port}"
        async with httpx2.AsyncClient(
            base_url=address, timeout=60, headers={"authorization": f"Bearer {KEY}"}
        ) as client:
            await serving.ready.wait()
            begun = await client.post("/sessions", json={"customer": "ada"})
            assert begun.status_code == 201, begun.text
            path = f"/sessions/{begun.json()['id']}"
            said = [{"message": each} for each in ("order", "fail", "grow", "a\0b")]
            found = [last_event(await client.post(f"{path}/messages", json=each)) for each in said]
            shown = await client.get(path)
            found.append((str(shown.status_code), strict(shown.text)))
            for each in found[-1][1]["traces"]:
                trace = await client.get(f"/traces/{each}")
                found.append((str(trace.status_code), strict(trace.text)))
        serving.shut_down()
    return found


def test_what_is_no_text_and_no_number_of_json_is_replaced_where_it_enters(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JURAT_API_KEY", KEY)
    looked, failed, grown, heard, shown, *traces = asyncio.run(conversation(place.address))
    assert [name for name, _ in (looked, failed, grown, heard)] == ["turn"] * 4
    [call] = looked[1]["trace"]["calls"]
    assert call["message"] == "on its way \N{REPLACEMENT CHARACTER}"
    assert call["data"] == {call["message"]: [call["message"], None, "a\0b"]}
    assert call["fields"] == {"order": {"said": call["message"]}}
    assert "`look` gave half a character, or a number that is none, which was replaced" in looked[1]["trace"]["notes"]
    assert failed[1]["trace"]["calls"][0]["reason"] == call["message"]
    assert any(each.startswith("the fields of `fails` are not known") for each in failed[1]["trace"]["notes"])
    assert grown[1]["trace"]["calls"][0]["reason"] == "its result is nothing that can be kept: JSON cannot say it"
    assert [status for status, _ in (shown, *traces)] == ["200"] * 5
    assert "a\0b" in [each["text"] for each in shown[1]["conversation"]]


async def remarked(address: str, remark: object) -> tuple[list[tuple[str, Any]], int]:
    """The ends of two turns, the first of which a hook puts something in the trace of; and how that trace is answered."""

    async def hook(context: Any, payload: Any, error: Any) -> None:
        if context.interaction.last_customer_message.content == "one":
            context.notes.append(remark)

    server = p.Server(port=0, judge=ScriptedJudge({}, default=False), voice=ScriptedVoice(), session_store=address)
    server.hooks.on_generating_messages.append(hook)
    async with server as serving:
        await serving.create_agent("Bot")
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{serving.port}", timeout=60) as client:
            await serving.ready.wait()
            id_ = (await client.post("/sessions", json={})).json()["id"]
            path, said = f"/sessions/{id_}/messages", ({"message": "one"}, {"message": "two"})
            found = [last_event(await client.post(path, json=each)) for each in said]
            status = (await client.get(f"/traces/{id_}-1")).status_code
        serving.shut_down()
    return found, status


def test_what_a_hook_remarks_is_kept_in_words_where_json_has_none_for_it(place: Place) -> None:
    [first, second], status = asyncio.run(remarked(place.address, object()))
    assert [each[0] for each in (first, second)] == ["turn", "turn"]
    assert any(isinstance(each, str) and "object" in each for each in first[1]["trace"]["notes"])
    assert status == 200


def test_what_a_hook_remarks_may_be_cut_too(place: Place) -> None:
    found, status = asyncio.run(remarked(place.address, CUT))
    assert [name for name, _ in found] == ["turn", "turn"]
    assert "on its way \N{REPLACEMENT CHARACTER}" in found[0][1]["trace"]["notes"]
    assert status == 200

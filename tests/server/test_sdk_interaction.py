"""What functions of a program are told of the conversation, and what becomes of a turn in which one of them fails."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

import jurat.sdk as p
from jurat.engine.session import Moment
from jurat.llm import Message
from jurat.server.sdk.interaction import Interaction
from jurat.testing import ScriptedJudge, ScriptedVoice

Say = Callable[[str], Awaitable[tuple[str, dict[str, Any]]]]
KEY = "the key of whoever runs the test"


@pytest.fixture(autouse=True)
def master(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JURAT_API_KEY", KEY)


def talk(scenario: Callable[[p.Agent, Say, httpx2.AsyncClient], Awaitable[None]], **options: Any) -> None:
    """A conversation over HTTP with an agent that a scenario goes on declaring."""

    async def whole() -> None:
        async with p.Server(port=0, judge=ScriptedJudge({}, default=False), voice=ScriptedVoice(), **options) as server:
            agent = await server.create_agent("Bot", id="bot")
            await scenario_in(server, agent)
            server.shut_down()

    async def scenario_in(server: p.Server, agent: p.Agent) -> None:
        async with httpx2.AsyncClient(
            base_url=f"http://127.0.0.1:{server.port}", timeout=60, headers={"authorization": f"Bearer {KEY}"}
        ) as client:
            known: list[str] = []

            async def say(text: str) -> tuple[str, dict[str, Any]]:
                await asyncio.wait_for(server.ready.wait(), 60)
                if not known:
                    known.append((await client.post("/sessions", json={})).json()["id"])
                return last((await client.post(f"/sessions/{known[0]}/messages", json={"message": text})).text)

            await scenario(agent, say, client)

    asyncio.run(whole())


def last(stream: str) -> tuple[str, dict[str, Any]]:
    """The name and content of what ended a stream."""
    ends = [each for each in events(stream) if each[0] in ("turn", "error")]
    assert len(ends) == 1
    return ends[0]


def events(stream: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for block in stream.strip().split("\n\n"):
        name, data = block.split("\n", 1)
        yield name.removeprefix("event: "), json.loads(data.removeprefix("data: "))


def test_a_retriever_reads_what_the_customer_said_last_and_all_that_was_said() -> None:
    seen: list[Any] = []

    async def answer_retriever(context: p.RetrieverContext) -> p.RetrieverResult:
        if last_message := context.interaction.last_customer_message:
            seen.append(context.interaction.messages)
            return p.RetrieverResult([f"a document on {last_message.content}"], metadata={"index": "first"})
        return p.RetrieverResult(None)

    async def scenario(agent: p.Agent, say: Say, client: httpx2.AsyncClient) -> None:
        await agent.attach_retriever(answer_retriever)
        before = datetime.now(UTC)
        name, turn = await say("opening hours")
        assert (name, turn["reply"]) == ("turn", '["a document on opening hours"]')
        _, turn = await say("prices")
        [found] = (await client.get(f"/traces/{turn['id']}")).json()["retrieved"]
        assert (found["name"], found["text"]) == ("answer_retriever", '["a document on prices"]')
        assert found["metadata"] == {"index": "first"}
        first, reply, second = seen[-1]
        assert [(each.source, each.content) for each in (first, second)] == [
            (p.EventSource.CUSTOMER, "opening hours"),
            ("customer", "prices"),
        ]
        assert (reply.source, reply.participant) == ("ai_agent", {"id": "bot", "display_name": "Bot"})
        assert before < first.creation_utc < reply.creation_utc < second.creation_utc
        assert str(first) == "Guest (customer): opening hours"

    talk(scenario)


def test_when_it_was_said_is_unknown_where_the_history_does_not_say() -> None:
    said = (Message("customer", "hello"), Message("tool", "look: nothing"), Message("customer", "again"))
    told = Interaction(said, [Moment(frozenset({"message.received"}), 1, 5.0)])
    assert [each.creation_utc for each in told.messages] == [None, None]
    assert Interaction().last_customer_message is None
    assert told.last_customer_message is not None
    assert told.last_customer_message.content == "again"


def test_a_hook_tells_the_application_how_far_it_is_and_names_the_trace() -> None:
    async def look(context: p.LoadedContext, payload: Any, error: BaseException | None) -> p.EngineHookResult:
        data = {"status": "processing", "data": {"stage": "looking"}}
        await context.session_event_emitter.emit_status_event(trace_id=context.tracer.trace_id, data=data)
        await context.response_event_emitter.emit_custom_event(context.tracer.trace_id, {"mine": 1})
        context.logger.warning("looking into %s", context.tracer.trace_id)
        context.logger.trace("not seen")
        return p.EngineHookResult.CALL_NEXT

    async def scenario(agent: p.Agent, say: Say, client: httpx2.AsyncClient) -> None:
        agent.server.hooks.on_acknowledged.append(look)
        _, turn = await say("hello")
        emitted = [(each["kind"], each["data"]) for each in turn["trace"]["emitted"]]
        assert emitted == [
            ("status", {"status": "processing", "data": {"stage": "looking"}}),
            ("custom", {"mine": 1}),
        ]
        assert f"looking into {turn['id']}" in entries()

    with logged() as entries:
        talk(scenario)


class logged(logging.Handler):  # noqa: N801 - read as a verb
    """What the logger `jurat` says, each entry a text."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.entries: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.entries.append(record)

    def __enter__(self) -> Callable[[], list[str]]:
        logging.getLogger("jurat").addHandler(self)
        return lambda: [each.getMessage() for each in self.entries if each.exc_info is None]

    def __exit__(self, *_: object) -> None:
        logging.getLogger("jurat").removeHandler(self)


def test_a_hook_that_fails_ends_the_turn_with_one_error_and_one_entry_in_the_log() -> None:
    heard: list[Any] = []

    async def greet(context: p.LoadedContext, payload: Any, error: BaseException | None) -> p.EngineHookResult:
        message = context.interaction.last_customer_message
        assert message is not None
        if message.content == "hi":
            await context.session_event_emitter.emit_message_event(trace_id="", data="Hello!")
        if message.content == "quit":
            raise SystemError
        return p.EngineHookResult.CALL_NEXT

    async def scenario(agent: p.Agent, say: Say, client: httpx2.AsyncClient) -> None:
        agent.server.hooks.on_acknowledged.append(greet)
        agent.server.hooks.on_error.append(lambda context, payload, error: heard.append(error))
        refused = {"code": "application", "message": "a function of the application failed, so nothing was answered"}
        assert await say("hi") == ("error", {"error": refused})
        [entry] = entries()
        assert entry.startswith("the hook `greet` of `on_acknowledged` failed: `emit_message_event` is not supported")
        assert "(test_sdk_interaction.py, line " in entry
        assert await say("quit") == ("error", {"error": refused})
        assert "it raised SystemError without a text" in entries()[1]
        assert [type(each) for each in heard] == [p.NotSupported, SystemError]
        assert (await say("what else?"))[0] == "turn"

    log = logged()
    with log as entries:
        talk(scenario)
    assert len(log.entries) == 2

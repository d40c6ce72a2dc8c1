"""Functions of the program that are called around a turn: hooks, listeners, and what tools ask for."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from dataclasses import fields
from decimal import Decimal
from typing import Any
from unittest.mock import AsyncMock

import pytest
from tests.server.sdk_turns import Heard, turns

import jurat.sdk as p
from jurat.engine import Limits
from jurat.engine.errors import HookFailed, StoreError, TurnRefused, TurnSuperseded
from jurat.testing import ScriptedJudge, ScriptedVoice


def test_functions_that_only_hear_and_hang_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hanging(context: p.TurnContext, match: p.GuidelineMatch) -> None:
        await asyncio.sleep(30)

    async def declare(server: p.Server, agent: p.Agent) -> None:
        monkeypatch.setattr(server, "limits", Limits(tool_timeout_seconds=0.05))
        await agent.create_guideline(action="Be kind", id="kind", on_selected=hanging, on_message=hanging)

    [turn] = turns(declare, Heard(), "hello")
    assert turn.response is not None
    assert turn.trace.notes == [
        f"`{each}` of `kind` failed: it did not end in time" for each in ("on_selected", "on_message")
    ]


async def waits(context: p.TurnContext, payload: Any, error: Exception | None) -> None:
    await asyncio.Event().wait()


def blocks(context: p.TurnContext, payload: Any, error: Exception | None) -> None:
    threading.Event().wait()


BEFORE_THE_END = [each.name for each in fields(p.EngineHooks) if each.name != "on_error"]


@pytest.mark.timeout(20)
@pytest.mark.parametrize("kind", BEFORE_THE_END)
@pytest.mark.parametrize("hook", [waits, blocks])
def test_a_hook_that_hangs_ends_its_turn_in_time_and_not_the_conversation(hook: Any, kind: str) -> None:
    heard: list[BaseException | None] = []

    async def scenario() -> None:
        server = p.Server(judge=ScriptedJudge({}), voice=ScriptedVoice(), limits=Limits(tool_timeout_seconds=0.05))
        await server.create_agent("Bot", id="bot")
        getattr(server.hooks, kind).append(hook)
        server.hooks.on_error.append(lambda context, payload, error: heard.append(error))
        opened = await server.build()
        session = opened.engine.start_session({}, await opened.customer_of(None))
        why = f"^the hook `{hook.__name__}` of `{kind}` failed: it did not end within 0.05 s$"
        with pytest.raises(HookFailed, match=why):
            await opened.engine.turn(session, "hello")
        getattr(server.hooks, kind).clear()
        turn = await opened.engine.turn(session, "again")
        assert turn.response is not None
        assert not session.state.ended

    asyncio.run(scenario())
    [late] = heard
    assert (type(late), str(late)) == (TimeoutError, "it did not end within 0.05 s")


@pytest.mark.timeout(20)
def test_an_error_is_told_in_time_although_who_hears_of_it_hangs(caplog: pytest.LogCaptureFixture) -> None:
    async def fail(context: p.TurnContext, payload: Any, error: Exception | None) -> None:
        raise RuntimeError("no index")

    async def declare(server: p.Server, agent: p.Agent) -> None:
        server.limits = Limits(tool_timeout_seconds=0.05)
        server.hooks.on_preparing.append(fail)
        server.hooks.on_error.append(waits)

    with pytest.raises(HookFailed, match="no index"):
        turns(declare, Heard(), "hello")
    assert caplog.messages == ["the hook `waits` of `on_error` failed: it did not end within 0.05 s"]


def test_who_cancels_a_turn_ends_the_hook_it_waits_for() -> None:
    async def scenario() -> None:
        server = p.Server(judge=ScriptedJudge({}), voice=ScriptedVoice())
        await server.create_agent("Bot", id="bot")
        begun, ended = asyncio.Event(), asyncio.Event()

        async def wait(context: p.TurnContext, payload: Any, error: Exception | None) -> None:
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()

        server.hooks.on_preparing.append(wait)
        opened = await server.build()
        session = opened.engine.start_session({}, await opened.customer_of(None))
        turn = asyncio.create_task(opened.engine.turn(session, "hello"))
        await begun.wait()
        turn.cancel()
        with pytest.raises(asyncio.CancelledError):
            await turn
        assert ended.is_set()

    asyncio.run(scenario())


def test_what_an_agent_s_tools_asked_for_and_its_labels_count_although_it_hands_the_message_on() -> None:
    async def scenario() -> None:
        server = p.Server(judge=ScriptedJudge({"Person": True, "Technical": True}), voice=ScriptedVoice())
        first, second = await server.create_agent("A", id="a"), await server.create_agent("B", id="b")

        @p.tool
        async def call_a_person(context: p.ToolContext) -> str:
            await p.Session.current.update(mode="manual")
            return "called"

        await first.create_guideline("Person", tools=[call_a_person], labels=["person"])
        await first.create_guideline("Technical", hand_off=second)
        await second.create_guideline(action="Help", labels=["helped"])
        opened = await server.build()
        session = opened.engine.start_session({}, await opened.customer_of(None), agent="a")
        turn = await opened.engine.turn(session, "a person, for it is broken")
        assert [each.trace.agent for each in (*turn.before, turn)] == ["a", "b"]
        assert (session.mode, session.agent, session.state.labels) == ("manual", "b", {"person", "helped"})

    asyncio.run(scenario())


def test_errors_are_told_of_the_turn_they_are_of_and_a_newer_message_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[tuple[str, str]] = []

    async def tell(context: p.TurnContext, payload: Any, error: Exception | None) -> None:
        heard.append((context.session.id, str(error)))

    async def fail(context: p.TurnContext, payload: Any, error: Exception | None) -> None:
        raise RuntimeError("no index")

    async def scenario() -> None:
        server = p.Server(judge=ScriptedJudge({"Asked": ["?"]}, default=False), voice=ScriptedVoice())
        agent, begun = await server.create_agent("Bot", id="bot"), asyncio.Event()

        @p.tool
        async def wait(context: p.ToolContext) -> str:
            first_time, _ = not begun.is_set(), begun.set()
            return await asyncio.sleep(30 if first_time else 0, "waited")

        await agent.create_guideline("Asked", tools=[wait])
        server.hooks.on_error.append(tell)
        opened = await server.build()
        engine, customer = opened.engine, await opened.customer_of(None)
        first, second = engine.start_session({}, customer), engine.start_session({}, customer)
        superseded = asyncio.create_task(engine.turn(first, "what?"))
        await begun.wait()
        await engine.turn(first, "hello")
        with pytest.raises(TurnSuperseded):
            await superseded
        monkeypatch.setattr(engine.store, "save", AsyncMock(side_effect=StoreError("it is gone")))
        with pytest.raises(StoreError):
            await engine.turn(second, "hello")
        monkeypatch.undo()
        server.hooks.on_preparing.append(fail)
        with pytest.raises(HookFailed):
            await engine.turn(second, "hello")
        assert heard == [(second.id, "no index")]

    asyncio.run(scenario())


def test_a_remark_that_is_no_text_is_one_in_the_trace() -> None:
    class Mute:
        def __str__(self) -> str:
            raise RuntimeError

    async def remark(context: p.TurnContext, payload: Any, error: Exception | None) -> None:
        context.notes.extend([{1, 2}, {"a": Decimal(1)}, Mute(), "plain"])  # type: ignore[list-item]

    async def declare(server: p.Server, agent: p.Agent) -> None:
        server.hooks.on_preparing.append(remark)

    [turn] = turns(declare, Heard(), "hello")
    assert json.loads(json.dumps(turn.trace.as_json()))["notes"] == ["{1, 2}", {"a": "1"}, "Mute", "plain"]


def test_functions_are_called_around_a_turn_in_order() -> None:
    told: list[str] = []

    def note(name: str) -> Callable[..., Any]:
        async def hook(context: p.TurnContext, payload: Any, error: Exception | None = None) -> p.EngineHookResult:
            told.append(name if context.reply is None else f"{name}: {context.reply}")
            return p.EngineHookResult.CALL_NEXT

        return hook

    async def selected(context: p.TurnContext, match: p.GuidelineMatch) -> None:
        assert (p.Agent.current.id, p.Server.current.hooks, p.Customer.current) == (
            "bot",
            context.server.hooks,
            p.Customer.guest,
        )
        told.append(f"selected {match.id}")

    async def declare(server: p.Server, agent: p.Agent) -> None:
        for name in ("on_acknowledged", "on_preparing", "on_generating_messages", "on_message_generated"):
            getattr(server.hooks, name).append(note(name))
        await agent.create_guideline(
            "Asked", "Answer well", id="well", on_selected=selected, on_message=note("on_message")
        )

    turns(declare, Heard(), "hello")
    assert told == [
        "on_acknowledged",
        "on_preparing",
        "selected well",
        "on_generating_messages",
        "on_message_generated: Certainly.",
        "on_message: Certainly.",
    ]


def test_hooks_of_guidelines_that_fail_are_noted_and_the_turn_goes_on() -> None:
    async def broken(context: p.TurnContext, match: p.GuidelineMatch) -> None:
        raise RuntimeError("analytics are down")

    async def cancelled(context: p.TurnContext, match: p.GuidelineMatch) -> None:
        raise asyncio.CancelledError

    async def declare(server: p.Server, agent: p.Agent) -> None:
        await agent.create_guideline("Asked", "Answer well", id="well", on_selected=broken, on_message=cancelled)

    first, second = turns(declare, Heard(), "hello", "again")
    for turn, message in ((first, "hello"), (second, "again")):
        assert turn.response is not None
        assert turn.message == message
        assert turn.trace.notes == [
            "`on_selected` of `well` failed: analytics are down",
            "`on_message` of `well` failed: it was cancelled",
        ]


def test_a_hook_can_have_no_reply_sent() -> None:
    failures: list[Exception | None] = []

    def stop(context: p.TurnContext, payload: Any, error: Exception | None) -> p.EngineHookResult:
        return p.EngineHookResult.BAIL

    def note(context: p.TurnContext, payload: Any, error: Exception | None) -> None:
        failures.append(error)
        raise RuntimeError("this one changes nothing")

    async def declare(server: p.Server, agent: p.Agent) -> None:
        server.hooks.on_message_generated.append(stop)
        server.hooks.on_error.append(note)

    with pytest.raises(TurnRefused, match="the application wants no reply"):
        turns(declare, Heard(), "hello")
    assert [type(each) for each in failures] == [TurnRefused]


def test_a_tool_can_hand_over_to_another_agent_or_to_a_person() -> None:
    @p.tool
    async def hand_over(context: p.ToolContext, to: str) -> str:
        await p.Session.current.update(**({"mode": "manual"} if to == "human" else {"agent": to}))
        return f"to {to}"

    async def declare(server: p.Server, agent: p.Agent) -> None:
        await server.create_agent("Other", id="other")
        await agent.create_guideline("Asked", tools=[(hand_over, {"to": "other"})], id="over")

    first, second = turns(declare, Heard(), "hello", "again")
    assert (first.trace.agent, first.trace.handed_to, second.trace.agent) == ("bot", "other", "other")

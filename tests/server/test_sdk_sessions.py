"""What tools, matchers and hooks reach of the conversation and the turn they run in, by the names that Parlant has for it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.examples.rehearsal import rehearsed

import jurat.sdk as p

SEEKS = "The customer seeks"
seen: list[Any] = []


@p.tool
async def look(context: p.ToolContext, place: str = "here") -> p.ToolResult:
    """Look for it."""
    session, reached = p.Session.current, p.ToolContextAccessor(context)
    seen.append(
        (session.title, dict(session.metadata), session.mode, session.agent.id, reached.server is p.Server.current)
    )
    assert session.interaction == reached.current_interaction
    assert reached.logger is reached.server.logger
    await session.metadata.set("found", {"place": place})
    await session.metadata.set("gone", 1)
    await session.metadata.delete("gone")
    await session.update(title="A search", mode="manual")
    seen.append((session.title, dict(session.metadata), session.mode, await session.metadata.get("gone", "no")))
    return p.ToolResult("found", data={"where": place})


def talked(
    monkeypatch: pytest.MonkeyPatch, program: Any, judge: dict[str, Any], *messages: str
) -> list[dict[str, Any]]:
    """The turns of one conversation with what a program serves."""

    async def scenario() -> list[dict[str, Any]]:
        async with rehearsed(monkeypatch, program, judge) as running:
            talk = await running.talk()
            return [await talk.say(message) for message in messages]

    return asyncio.run(scenario())


def test_a_tool_notes_a_title_and_metadata_that_last(monkeypatch: pytest.MonkeyPatch) -> None:
    async def stay(context: p.TurnContext, match: p.GuidelineMatch) -> None:
        await p.Session.current.update(mode="auto")

    async def tell(context: p.TurnContext, match: p.GuidelineMatch) -> None:
        seen.append((p.Session.current.title, p.Session.current.metadata["found"]))

    async def program() -> None:
        async with p.Server() as server:
            agent = await server.create_agent("Bot")
            await agent.create_guideline(SEEKS, tools=[look], on_selected=stay)
            await agent.create_guideline("It is said again", "Say so", on_selected=tell)

    seen.clear()
    talked(monkeypatch, program, {SEEKS: ["look"], "It is said again": ["again"]}, "look", "again")
    assert seen == [
        (None, {}, "auto", "bot", True),
        ("A search", {"found": {"place": "here"}}, "manual", "no"),
        ("A search", {"place": "here"}),
    ]


def test_a_matcher_sees_the_calls_that_the_turn_has_made(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[list[p.ToolCall]] = []

    @p.tool
    async def find(context: p.ToolContext) -> p.ToolResult:
        """Find it."""
        return p.ToolResult("found", data={"where": "here"})

    async def was_found(context: p.GuidelineMatchingContext, guideline: p.Guideline) -> bool:
        calls.append(context.staged_tool_calls)
        return bool(context.staged_tool_calls)

    async def program() -> None:
        async with p.Server() as server:
            agent = await server.create_agent("Bot")
            await agent.create_guideline(SEEKS, tools=[find])
            await agent.create_guideline(
                "It was found", "Say where", matcher=was_found, reevaluate_after=[find], id="say"
            )

    turn = talked(monkeypatch, program, {SEEKS: ["look"]}, "look")[0]
    assert [len(each) for each in calls] == [0, 1]
    (call,) = calls[-1]
    assert (call.tool_id, call.arguments, call.result.data) == ("find", {}, {"where": "here"})
    assert "say" in [each["id"] for each in turn["trace"]["rounds"][-1]["in_force"]]


def test_hooks_of_other_moments_are_refused_where_they_are_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[str] = []

    async def acknowledging(context: p.TurnContext, payload: Any, error: Exception | None) -> p.EngineHookResult:
        heard.append("acknowledging")
        return p.EngineHookResult.CALL_NEXT

    async def acknowledged(context: p.TurnContext, payload: Any, error: Exception | None) -> None:
        heard.append("acknowledged")

    async def program() -> None:
        async with p.Server() as server:
            server.hooks.on_acknowledged.append(acknowledged)
            server.hooks.on_acknowledging.append(acknowledging)
            await server.create_agent("Bot")

    talked(monkeypatch, program, {}, "hello")
    assert heard == ["acknowledging", "acknowledged"]


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("on_draft_generated", "`on_message_generated` has what is sent"),
        ("on_preparation_iteration_start", "the rounds of a turn are in its trace"),
        ("on_preparation_iteration_end", "the rounds of a turn are in its trace"),
        ("on_generating_preamble", "a preamble is one of the agent's canned responses"),
        ("on_preamble_generated", "a preamble is one of the agent's canned responses"),
        ("on_preamble_emitted", "a preamble is one of the agent's canned responses"),
        ("on_guideline_selected_handlers", "give `on_selected` to the guideline"),
        ("on_journey_message_handlers", "give `on_message` to the guideline"),
    ],
)
def test_a_hook_of_a_moment_that_is_not_here_says_what_there_is(name: str, advice: str) -> None:
    with pytest.raises(p.NotSupported, match=f"`EngineHooks.{name}` is not supported; {advice}"):
        getattr(p.EngineHooks(), name)
    with pytest.raises(p.NotSupported, match=name):
        setattr(p.EngineHooks(), name, [])
    with pytest.raises(p.NotSupported, match=name):
        p.EngineHooks(**{name: []})


def test_hooks_of_a_misspelt_name_are_not_set_in_silence() -> None:
    with pytest.raises(AttributeError, match="has no `on_preparring`; did you mean `on_preparing`"):
        p.EngineHooks().on_preparring = []  # type: ignore[attr-defined]
    assert p.EngineHooks(on_preparing=[print]).on_preparing == [print]


def test_a_tool_and_a_hook_label_the_conversation_and_tools_at_once_lose_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen: list[list[str]] = []

    def noting(name: str) -> p.ToolEntry:
        @p.tool(name=name)
        async def note(context: p.ToolContext) -> str:
            await p.Session.current.labels.add(name)
            await p.Session.current.metadata.set(name, name)
            return name

        return note

    async def look(context: p.TurnContext, payload: Any, error: Exception | None) -> None:
        labels = p.Session.current.labels
        seen.append([*labels])
        if len(seen) == 2:
            assert {*p.Session.current.metadata} == {"a", "b", "c"}
            assert "b" in labels
            await labels.remove("b")
            with pytest.raises(p.SDKError, match="a label is a text"):
                await labels.add(7)  # type: ignore[arg-type]

    async def program() -> None:
        async with p.Server(session_store=tmp_path / "store.db") as server:
            server.hooks.on_preparing.append(look)
            agent = await server.create_agent("Bot")
            rule = await agent.create_guideline("Asks", tools=[noting("a"), noting("b"), noting("c")], labels=["asked"])
            assert rule.labels == {"asked"}
            assert (await agent.create_journey("Loan", triggers=["A loan"], labels=["loan"])).labels == {"loan"}

    judge = {"Asks": ["hello"], "A loan": False}
    talked(monkeypatch, program, judge, "hello", "thanks", "bye")
    assert seen == [[], ["a", "asked", "b", "c"], ["a", "asked", "c"]]


def test_what_a_turn_has_not_is_said_and_so_is_another_customer(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []

    async def matcher(context: p.GuidelineMatchingContext, guideline: p.Guideline) -> bool:
        with pytest.raises(p.NotSupported, match="`staged_tool_calls` has the calls of the turn"):
            context.staged_events  # type: ignore[attr-defined]  # noqa: B018
        with pytest.raises(p.NotSupported, match="`PATCH /sessions/ID` with `customer_id`"):
            await p.Session.current.update(customer=context.customer, title="No")
        with pytest.raises(p.SDKError, match="JSON cannot say"):
            await p.Session.current.metadata.set("x", object())
        said.append(str(p.Session.current.title))
        return False

    async def program() -> None:
        async with p.Server() as server:
            agent = await server.create_agent("Bot")
            await agent.create_guideline("It is so", "Say so", matcher=matcher)

    talked(monkeypatch, program, {}, "hello")
    assert said == ["None"], "nothing of an update that is refused is stored"
    with pytest.raises(p.SDKError, match="there is a current server only while a turn runs"):
        p.ToolContextAccessor(p.ToolContext("a", "s")).server  # noqa: B018

"""What a program says of a tool's arguments, calls and results, and of conversations: it is done, not only accepted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import httpx2
import pytest

import jurat.sdk as p
from jurat.engine.session import Session
from jurat.engine.turn import Turn
from jurat.testing import ScriptedJudge, ScriptedVoice

Declare = Callable[[p.Server, p.Agent], Awaitable[None]]


def talk(declare: Declare, *messages: str, judge: Any = None, arguments: Any = None) -> tuple[list[Turn], Session]:
    """The turns of one conversation with what was declared, and the session after them."""

    async def scenario() -> tuple[list[Turn], Session]:
        judged = ScriptedJudge(judge or {"Asked": ["ask"]}, default=False)
        server = p.Server(judge=judged, voice=ScriptedVoice(arguments=arguments or {}))
        agent = await server.create_agent("Bot", id="bot")
        await declare(server, agent)
        opened = await server.build()
        session = opened.engine.start_session()
        return [await opened.engine.turn(session, message) for message in messages], session

    return asyncio.run(scenario())


def test_options_of_parameters_are_followed() -> None:
    got: list[Any] = []

    def seats(context: p.ToolContext) -> list[str]:
        return ["12a", "12b"]

    @p.tool
    async def book(
        context: p.ToolContext,
        seat: Annotated[
            str, p.ToolParameterOptions(choice_provider=seats, adapter=str.upper, display_name="seat number")
        ],
    ) -> p.ToolResult:
        got.append(seat)
        return p.ToolResult(f"{seat} is yours")

    async def declare(server: p.Server, agent: p.Agent) -> None:
        await agent.create_guideline("Asked", "Book it", tools=[book])

    arguments = {"book": lambda said: {"seat": said[-1].text.split()[-1]} if " " in said[-1].text else {}}
    turns, _ = talk(declare, "ask", "ask 14c", "ask 12b", arguments=arguments)
    [missing], [refused], [done] = (turn.trace.calls for turn in turns)
    assert [each.name for each in missing.asks] == ["seat number"]
    assert (missing.status, refused.status, done.status) == ("missing", "invalid", "succeeded")
    assert "`12a`, `12b`" in refused.reason
    assert got == ["12B"]


def test_a_result_can_give_the_conversation_to_a_person_whatever_other_tools_say() -> None:
    @p.tool
    async def hand_over(context: p.ToolContext) -> p.ToolResult:
        return p.ToolResult("a colleague comes", control={"mode": "manual"})

    @p.tool
    async def look(context: p.ToolContext) -> p.ToolResult:
        return p.ToolResult("nothing there", control={"mode": "auto"})

    async def declare(server: p.Server, agent: p.Agent) -> None:
        await agent.create_guideline("Asked", tools=[hand_over, look])

    _, session = talk(declare, "ask")
    assert session.mode == "manual"


def test_a_result_for_one_reply_is_forgotten_after_it() -> None:
    @p.tool
    async def secret(context: p.ToolContext) -> p.ToolResult:
        return p.ToolResult("the code is 7", control=p.Control(lifespan="response"))

    async def declare(server: p.Server, agent: p.Agent) -> None:
        await agent.create_guideline("Asked", tools=[secret])

    [turn], session = talk(declare, "ask")
    assert turn.response is not None
    assert "the code is 7" in turn.response.text
    assert [each for each in session.conversation if each.role == "tool"] == []


def test_canned_responses_of_a_result_are_said_and_fields_fill_templates() -> None:
    @p.tool
    async def balance(context: p.ToolContext) -> p.ToolResult:
        fields = {"due": "5 euros"}
        return p.ToolResult("found", canned_responses=["You owe {{ due }}."], canned_response_fields=fields)

    async def provide(context: p.TurnContext) -> dict[str, Any]:
        return {"bank": context.agent.name, "said": context.interaction.last_customer_message.content}

    async def broken(context: p.TurnContext) -> None:
        return None

    async def declare(server: p.Server, agent: p.Agent) -> None:
        named = await server.create_canned_response("{{ bank }} heard: {{ said }}")
        await agent.create_guideline("Asked", tools=[balance])
        await agent.create_guideline("Named", reply=named, id="named", canned_response_field_provider=provide)
        await agent.create_guideline("Broken", reply=named, canned_response_field_provider=broken, id="broken")

    judge = {"Asked": ["ask"], "Named": ["name"], "Broken": ["break"]}
    turns, _ = talk(declare, "ask", "name", judge=judge)
    assert [turn.response and turn.response.text for turn in turns] == ["You owe 5 euros.", "Bot heard: name"]
    [turn], _ = talk(declare, "break", judge=judge)
    assert "the fields of `broken` are not known: it gave no mapping of names to values" in turn.trace.notes


def test_how_a_tool_is_called_is_part_of_the_policy_and_is_followed() -> None:
    tries: list[int] = []

    @p.tool(timeout=2.5, idempotent=True, retries=2)
    async def look(context: p.ToolContext) -> str:
        tries.append(1)
        if len(tries) < 3:
            raise OSError("down")
        return "found"

    assert look.body()["timeout"] == "2.5s"

    async def declare(server: p.Server, agent: p.Agent) -> None:
        await agent.create_guideline("Asked", tools=[look])
        declared = server.policy.vocabulary.tools["look"]
        assert (declared.idempotent, declared.retries) == (True, 2)
        assert declared.timeout is not None
        assert declared.timeout.total_seconds() == 2.5

    [turn], _ = talk(declare, "ask")
    assert [(each.status, each.attempts) for each in turn.trace.calls] == [("succeeded", 3)]
    for wrong, said in (({"retries": 1}, "only an idempotent tool has retries"), ({"timeout": 0}, "above 0")):
        with pytest.raises(p.SDKError, match=said):
            p.tool(**wrong)(look.function)


def test_what_is_in_force_labels_the_conversation() -> None:
    seen: list[frozenset[str]] = []

    async def look(context: p.TurnContext, match: p.GuidelineMatch) -> None:
        seen.append(p.Session.current.labels)

    async def scenario() -> None:
        judge = ScriptedJudge({"Asked": ["ask"], "A loan": ["loan"], "More": ["more"]}, default=False)
        async with p.Server(port=0, judge=judge, voice=ScriptedVoice()) as server:
            agent = await server.create_agent("Bot", id="bot")
            await agent.create_guideline("Asked", "Answer", labels=["lead", "lead"], on_selected=look)
            loan = await agent.create_journey("Loan", triggers=["A loan"], labels=["loan"])
            asked = await loan.initial_state.transition_to(chat_state="Ask", labels=["asked"])
            await asked.target.transition_to(chat_state="Go on", condition="More", labels=["more"])
            await asyncio.wait_for(server.ready.wait(), 100)
            async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", timeout=60) as client:
                session = (await client.post("/sessions", json={})).json()
                found = [session["labels"]]
                for message in ("hello", "ask", "ask for a loan"):
                    await client.post(f"/sessions/{session['id']}/messages", json={"message": message})
                    found.append((await client.get(f"/sessions/{session['id']}")).json()["labels"])
                assert found == [[], [], ["lead"], ["asked", "lead", "loan"]]
            server.shut_down()

    asyncio.run(scenario())
    assert seen == [frozenset(), frozenset({"lead"})]

"""What programs for Parlant call on agents, journeys, guidelines and states does here what it does there, or says why not."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.examples.rehearsal import rehearsed
from tests.server.served import NOBODY

import jurat.sdk as p
from jurat.engine.canned import NO_MATCH, fits_statement


@p.tool
async def look(context: p.ToolContext) -> p.ToolResult:
    """Look for it."""
    return p.ToolResult("found")


def declaring(declare: Callable[[p.Server, p.Agent], Awaitable[Any]]) -> Any:
    """What a function gives that declares on a server and an agent, which are not served."""

    async def scenario() -> Any:
        server = p.Server(script=NOBODY)
        return await declare(server, await server.create_agent("Bot"))

    return asyncio.run(scenario())


def refused(declare: Callable[[p.Server, p.Agent], Awaitable[Any]]) -> str:
    """Why something cannot be declared."""
    with pytest.raises(p.SDKError) as caught:
        declaring(declare)
    return str(caught.value)


def test_a_journeys_canned_response_is_said_while_it_is_active(monkeypatch: pytest.MonkeyPatch) -> None:
    async def program() -> None:
        async with p.Server() as server:
            agent = await server.create_agent("Bot", composition_mode=p.CompositionMode.STRICT)
            journey = await agent.create_journey("Book", conditions=["The customer books"])
            await journey.initial_state.transition_to(chat_state="Ask where to")
            await journey.create_canned_response("Where to?")

    async def scenario() -> list[str]:
        judge = {"The customer books": ["book"], fits_statement("Where to?"): True}
        async with rehearsed(monkeypatch, program, judge) as running:
            talk = await running.talk()
            return [(await talk.say(message))["reply"] for message in ("hello", "I book")]

    assert asyncio.run(scenario()) == [NO_MATCH, "Where to?"]


def test_a_retriever_of_a_rule_journey_or_state_looks_up_while_that_is_in_force(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found: list[str] = []

    def finder(name: str) -> Callable[[p.RetrieverContext], Awaitable[str]]:
        async def find(context: p.RetrieverContext) -> str:
            found.append(name)
            return f"what {name} found"

        return find

    async def program() -> None:
        async with p.Server() as server:
            agent = await server.create_agent("Bot")
            guideline = await agent.create_guideline("The price is asked for", "Say it")
            journey = await agent.create_journey("Book", conditions=["The customer books"])
            asked = await journey.initial_state.transition_to(chat_state="Ask where to")
            told = await asked.target.transition_to(chat_state="Say when", condition="The customer says where to")
            for name, each in (("rule", guideline), ("journey", journey), ("second", told.target)):
                await each.attach_retriever(finder(name), id=name)

    async def scenario() -> list[list[str]]:
        judge = {
            "The price is asked for": ["price"], "The customer books": ["book"], "The customer says where to": ["Rome"],
        }  # fmt: skip
        said = []
        async with rehearsed(monkeypatch, program, judge) as running:
            talk = await running.talk()
            for message in ("hello", "the price?", "I book", "to Rome"):
                found.clear()
                await talk.say(message)
                said.append(sorted(found))
        return said

    assert asyncio.run(scenario()) == [[], ["rule"], ["journey"], ["journey", "second"]]


def test_a_journey_knows_its_triggers_states_and_ways() -> None:
    async def declare(server: p.Server, agent: p.Agent) -> tuple[p.Journey, p.Guideline]:
        booking = await agent.create_observation("The customer books")
        journey = await agent.create_journey("Book", conditions=[booking, "The customer travels"])
        await journey.initial_state.transition_to(chat_state="Ask", condition="It is early", id="ask")
        await journey.attach_tool(look, condition="The customer seeks")
        return journey, booking

    journey, booking = declaring(declare)
    assert journey.triggers == journey.conditions == (booking, "The customer travels")
    assert [each.id for each in journey.states] == ["start", "ask"]
    (way,) = journey.transitions
    assert (way.source.id, way.target.id, way.condition) == ("start", "ask", "It is early")
    (guideline,) = (each for each in journey.document.guidelines.values() if each.tools)
    assert (guideline.scope, guideline.tools) == ("book", (look,))


def test_agents_have_variables_of_their_own_which_may_be_called_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    async def program() -> None:
        async with p.Server() as server:
            for name in ("A", "B"):
                agent = await server.create_agent(name, composition_mode=p.CompositionMode.STRICT)
                await (await agent.create_variable("plan")).set_global_value(f"that of {name}")
            await server.create_canned_response("It is {{ std.variables.plan }}.")

    async def scenario() -> list[str]:
        judge = {fits_statement(f"It is that of {name}."): True for name in "AB"}
        async with rehearsed(monkeypatch, program, judge) as running:
            talks = [await running.talk(agent=each) for each in ("a", "b")]
            return [(await talk.say("my plan?"))["reply"] for talk in talks]

    assert asyncio.run(scenario()) == ["It is that of A.", "It is that of B."]


def test_variables_are_found_by_name_and_id_among_those_of_an_agent() -> None:
    async def declare(server: p.Server, agent: p.Agent) -> None:
        other = await server.create_agent("Other")
        mine, all_ = await agent.create_variable("plan"), await server.create_variable("season")
        assert await agent.get_variable(name="plan") is await agent.find_variable(id=mine.id) is mine
        assert await agent.list_variables() == [mine, all_]
        assert await other.list_variables() == [all_]
        assert await other.find_variable(name="plan") is None
        assert await server.get_variable(name="plan") is mine
        await other.create_variable("plan")
        with pytest.raises(p.SDKError, match=r"several agents have a variable `plan`; ask one of them"):
            await server.get_variable(name="plan")

    declaring(declare)
    assert refused(lambda _, agent: agent.get_variable(name="plan")) == "no variable of `bot` is called `plan`"


@pytest.mark.parametrize("all_first", [True, False])
def test_a_name_is_all_agents_variable_or_each_ones_own(all_first: bool) -> None:
    async def declare(server: p.Server, agent: p.Agent) -> None:
        homes: list[Any] = [server, agent] if all_first else [agent, server]
        for home in homes:
            await home.create_variable("plan")

    assert refused(declare) == (
        "there is a variable `plan` already, which every agent has"
        if all_first
        else "the agent `bot` has a variable `plan` already; `server.create_variable` declares one for all of them"
    )


def test_what_the_released_parlant_calls_otherwise_is_taken_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    matched: list[str] = []

    async def note(context: p.EngineContext, match: Any) -> None:
        matched.append(match.id)

    async def program() -> None:
        async with p.Server() as server:
            agent = await server.create_agent(
                "Bot", "", p.CompositionMode.STRICT, p.OutputMode.BLOCK, None, ["t"], "me"
            )
            said = await agent.create_canned_response("It is dear.")
            await agent.create_observation("The price is named", "in money", [], [said], on_match=note, id="seen")
            first = await agent.create_guideline("The price is asked for", "Say it", id="first", on_match=note)
            second = await agent.create_guideline("It rains", "Say so", id="second", on_match=note)
            await first.entail(guideline=second)
            journey = await agent.create_journey("Book", "Be quick", ["The customer books"], on_match=note)
            await journey.initial_state.transition_to(chat_state="Ask", on_match=note, id="ask")

    async def scenario() -> str:
        judge = {
            "The price is named (in money)": ["euro"], "The price is asked for": ["price"],
            "The customer books": ["book"], fits_statement("It is dear."): True,
        }  # fmt: skip
        async with rehearsed(monkeypatch, program, judge) as running:
            talk = await running.talk(agent="me")
            for message in ("the price?", "I book"):
                await talk.say(message)
            return str((await talk.say("10 euro?"))["reply"])

    assert asyncio.run(scenario()) == "It is dear."
    assert sorted(set(matched)) == ["book", "book/ask", "first", "second", "seen"]


def test_arguments_by_position_stand_in_parlants_order() -> None:
    async def declare(server: p.Server, agent: p.Agent) -> None:
        vip = await server.create_tag("VIP")
        assert await server.get_tag(id="VIP") is await server.get_tag(name="VIP") is vip
        ann = await server.create_customer("Ann", {"age": 40}, [vip], "ann")
        assert (ann.id, ann.tags) == ("ann", ("VIP",))
        term = await agent.create_term("pickup", "Collecting a parcel", "term-1", ["self-collection"])
        assert (term.synonyms, term.agent_id) == (("self-collection",), "bot")

    declaring(declare)


@pytest.mark.parametrize(("declare", "why"), [
    (lambda s, a: a.create_guideline("c", "a", "my-id"),
     "`create_guideline`: too many positional arguments; give what comes after `action` by name: `description=`, `tools=`, `when=`, "),
    (lambda s, a: a.create_journey("T", "d", ["c"], "my-id"),
     "`create_journey`: too many positional arguments; give what comes after `triggers` by name: `conditions=`, `id=`, "),
    (lambda s, a: a.create_term("t", "d", ["u"]), "`id` is a text, not `['u']`; synonyms are given by name: `synonyms=`"),
    (lambda s, a: a.create_guideline("c", "a", on_match=note, on_selected=note),
     "`create_guideline`: `on_match` is another name of `on_selected`; give one of them"),
    (lambda s, a: a.create_observation("Conversation starts", "the first time"), "`description` says more of a condition that is judged"),
    (lambda s, a: s.create_tool(print), "`create_tool`: `print` is not a tool yet; decorate it with `@p.tool`"),
    (lambda s, a: related_to_any(a, s), "`AnyOf` is of one tag, not 2; `depend_on` needs all that it names, `depend_on_any` one of them"),
    (lambda s, a: late_context(), "tool `late`: the `ToolContext` is the first parameter, and `place` comes later"),
    (lambda s, a: s.get_tag(), "the name of a tag is a text that is not empty, not `None`"),
])  # fmt: skip
def test_wrong_use_of_these_names_is_refused_with_the_right_one(
    declare: Callable[[p.Server, p.Agent], Awaitable[Any]], why: str
) -> None:
    assert refused(declare).startswith(why)


async def note(context: p.EngineContext, match: Any) -> None:
    """Hear of a match."""


async def related_to_any(agent: p.Agent, server: p.Server) -> None:
    guideline = await agent.create_guideline("c", "a")
    one, other = await server.create_tag("one"), await server.create_tag("other")
    await guideline.depend_on(p.AnyOf(one, other))  # what a user types


async def late_context() -> None:
    @p.tool
    async def late(order: int, place: p.ToolContext) -> p.ToolResult:
        """Look it up."""
        return p.ToolResult("found")


def test_what_is_not_here_says_what_there_is_instead() -> None:
    async def declare(server: p.Server, agent: p.Agent) -> None:
        assert server.logger.logger is logging.getLogger("jurat.sdk")
        journey = await agent.create_journey("Book", conditions=["The customer books"])
        way = await journey.initial_state.transition_to(chat_state="Ask")
        for missing, advice in (
            (lambda: server.api, "serve your own routes"),
            (lambda: agent.retrievers, "stay with the program"),  # type: ignore[attr-defined]
            (lambda: journey.create_transition, "lead on from a state"),  # type: ignore[attr-defined]
            (lambda: journey.reevaluate_after, "a guideline is judged again"),  # type: ignore[attr-defined]
            (lambda: way.transition_to, "its `target`"),  # type: ignore[attr-defined]
        ):
            with pytest.raises(p.NotSupported, match=advice):
                missing()
        with pytest.raises(AttributeError, match="`Journey` has no `create_guidline`; did you mean `create_guideline`"):
            journey.create_guidline  # type: ignore[attr-defined]  # noqa: B018

    declaring(declare)

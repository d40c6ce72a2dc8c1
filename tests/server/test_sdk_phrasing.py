"""How freely agents of a program phrase their replies, what they say while tools run, and who of them answers."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.examples.rehearsal import rehearsed

import jurat.sdk as p
from jurat.engine.canned import NO_MATCH, fits_statement

HOURS = "We are open from eight to five."


def talked(
    monkeypatch: pytest.MonkeyPatch, program: Any, judge: dict[str, Any], *messages: str
) -> list[dict[str, Any]]:
    """The turns of one conversation with what a program serves."""

    async def scenario() -> list[dict[str, Any]]:
        async with rehearsed(monkeypatch, program, judge) as running:
            talk = await running.talk()
            return [await talk.say(message) for message in messages]

    return asyncio.run(scenario())


def test_a_strict_agent_says_only_what_was_written(monkeypatch: pytest.MonkeyPatch) -> None:
    async def program() -> None:
        async with p.Server() as server:
            agent = await server.create_agent("Bot", composition_mode=p.CompositionMode.STRICT)
            await agent.create_canned_response(HOURS)
            await agent.create_canned_response("Sorry, not here.", id="no_match")
            await agent.create_guideline("Opening hours are asked for", "Say them")

    judge = {"Opening hours are asked for": ["hours"], fits_statement(HOURS): ["hours"]}
    turns = talked(monkeypatch, program, judge, "your hours?", "a poem please")
    assert [(each["reply"], each["trace"]["reply_source"]) for each in turns] == [
        (HOURS, "canned"),
        ("Sorry, not here.", "no-match"),
    ]


def said_by(monkeypatch: pytest.MonkeyPatch, program: Any, judge: dict[str, Any], *asked: tuple[str, str]) -> list[str]:
    """What agents, each in a conversation of its own, reply to messages."""

    async def scenario() -> list[str]:
        async with rehearsed(monkeypatch, program, judge) as running:
            talks = [(await running.talk(agent=agent), message) for agent, message in asked]
            return [(await talk.say(message))["reply"] for talk, message in talks]

    return asyncio.run(scenario())


STAFF, PUBLIC, NONE = "Staff discount is 40 %.", "There are no discounts.", "Ask your manager."


def test_a_canned_response_of_one_agent_is_said_by_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    async def program() -> None:
        async with p.Server() as server:
            staff = await server.create_agent("Staff", composition_mode=p.CompositionMode.STRICT)
            await server.create_agent("Public", composition_mode=p.CompositionMode.STRICT)
            await staff.create_canned_response(STAFF)
            await staff.create_canned_response(NONE, id="no_match")

    asked = [(agent, message) for agent in ("staff", "public") for message in ("a discount?", "a poem?")]
    said = said_by(monkeypatch, program, {fits_statement(STAFF): ["discount"]}, *asked)
    assert said == [STAFF, NONE, NO_MATCH, NO_MATCH]


def test_a_canned_response_of_the_server_is_every_agents_and_one_that_a_rule_names_that_rules(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def program() -> None:
        async with p.Server() as server:
            staff = await server.create_agent("Staff", composition_mode=p.CompositionMode.STRICT)
            public = await server.create_agent("Public", composition_mode=p.CompositionMode.STRICT)
            await server.create_canned_response(PUBLIC)
            secret = await staff.create_canned_response(STAFF)
            await public.create_guideline("A secret is asked for", "Say it", canned_responses=[secret])

    judge = {fits_statement(PUBLIC): ["discount"], fits_statement(STAFF): True, "A secret is asked for": ["secret"]}
    said = said_by(
        monkeypatch, program, judge, *((each, "a discount?") for each in ("staff", "public")), ("public", "a secret?")
    )
    assert said == [PUBLIC, PUBLIC, STAFF]


def test_an_agent_that_lists_what_it_may_say_has_its_own_besides(monkeypatch: pytest.MonkeyPatch) -> None:
    async def program() -> None:
        async with p.Server() as server:
            listed = await server.create_canned_response("Listed.")
            await server.create_canned_response("Nobody's.")
            strict = p.CompositionMode.STRICT
            agent = await server.create_agent("Bot", composition_mode=strict, canned_responses=[listed])
            await agent.create_canned_response("Own.")

    fits = {fits_statement(text): 0.9 + place / 100 for place, text in enumerate(("Listed.", "Own.", "Nobody's."))}
    assert said_by(monkeypatch, program, fits, ("bot", "well?")) == ["Own."]


def test_a_canned_response_can_speak_of_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    async def program() -> None:
        async with p.Server() as server:
            agent = await server.create_agent("Bot", composition_mode=p.CompositionMode.STRICT)
            plan = await agent.create_variable("plan")
            await plan.set_global_value("gold")

            async def over(context: p.TurnContext, match: p.GuidelineMatch) -> None:
                await plan.set_global_value(None)

            await agent.create_guideline("The plan is asked for", "Say it", on_message=over)
            await agent.create_canned_response("Your plan is {{ std.variables.plan }}.")
            await agent.create_canned_response("I do not know.", id="no_match")

    judge = {"The plan is asked for": ["plan"], fits_statement("Your plan is gold."): ["plan"]}
    known, unknown = talked(monkeypatch, program, judge, "my plan?", "my plan?")
    assert (known["reply"], unknown["reply"]) == ("Your plan is gold.", "I do not know.")


def test_a_guideline_is_stricter_than_its_agent_while_it_applies(monkeypatch: pytest.MonkeyPatch) -> None:
    async def program() -> None:
        async with p.Server() as server:
            agent = await server.create_agent("Bot")
            said = await agent.create_canned_response(HOURS)
            await agent.create_guideline(
                "Opening hours are asked for", "Say them", composition_mode="strict", canned_responses=[said]
            )

    judge = {"Opening hours are asked for": ["hours"], fits_statement(HOURS): ["hours"]}
    asked, free = talked(monkeypatch, program, judge, "your hours?", "a poem please")
    assert (asked["reply"], asked["trace"]["reply_source"]) == (HOURS, "canned")
    assert free["trace"]["reply_source"] == "voice"


@p.tool
async def look(context: p.ToolContext) -> p.ToolResult:
    """Look for it."""
    return p.ToolResult("found")


def test_the_preamble_of_an_agent_is_of_its_policy() -> None:
    async def scenario() -> list[Any]:
        server = p.Server(port=0)
        agent = await server.create_agent("Bot", perceived_performance_policy=p.BasicPerceivedPerformancePolicy)
        await agent.create_guideline("Something is looked for", "Say what was found", tools=[look])
        policy = server.document.policy()
        return [policy.vocabulary.replies[each].text for each in policy.agents[agent.id].preamble]

    assert asyncio.run(scenario()) == list(p.BasicPerceivedPerformancePolicy.preamble)


def test_each_agent_has_its_own_rules_and_hands_on_with_them(monkeypatch: pytest.MonkeyPatch) -> None:
    async def program() -> None:
        async with p.Server() as server:
            front = await server.create_agent("Front")
            sales = await server.create_agent("Sales")
            await front.create_guideline("Something is to be bought", hand_off=sales)
            await front.create_guideline("The weather is mentioned", "Talk about it", id="weather")
            await sales.create_guideline("Something is to be bought", "Quote a price", id="quote")

    judge = {"Something is to be bought": ["buy"], "The weather is mentioned": ["rain"]}
    first, second = talked(monkeypatch, program, judge, "I buy it, in the rain", "and the rain")
    assert first["trace"]["agent"] == "sales"
    assert [each["id"] for each in first["trace"]["rounds"][-1]["in_force"]] == ["quote"]
    assert second["trace"]["rounds"][-1]["in_force"] == [], "sales has no rule about the weather"

"""Journeys that a program puts after others: one that is held back has not begun, or waits where it is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import jurat.sdk as p
from jurat.llm import Message
from jurat.testing import ScriptedJudge, ScriptedVoice

Declare = Callable[[p.Server, p.Agent], Awaitable[None]]
FLIGHT, HOTEL = "The customer wants to change a flight", "The customer wants to change a hotel"
UNCLEAR = "The customer does not say which booking is meant"
ANSWERS = {FLIGHT: ("booking", "flight"), HOTEL: ("booking", "hotel"), UNCLEAR: ("booking",)}


@dataclass(frozen=True, slots=True)
class Heard:
    """After a message: where the journeys are, what the voice was told, and what the trace says."""

    places: dict[str, str]
    told: tuple[str, ...]
    trace: list[str]


def talk(declare: Declare, *messages: str) -> list[Heard]:
    """A conversation with an agent whose judge looks for words in the newest message."""

    async def scenario() -> list[Heard]:
        voice = ScriptedVoice(lambda _: "Well?")
        judge = ScriptedJudge({text: _says(words) for text, words in ANSWERS.items()}, default=False)
        server = p.Server(judge=judge, voice=voice)
        await declare(server, await server.create_agent("Bot", id="bot"))
        opened = await server.build()
        session, found = opened.engine.start_session(), []
        for message in messages:
            turn = await opened.engine.turn(session, message)
            found.append(Heard(dict(session.journeys), voice.requests[-1].instructions, turn.trace.explain()))
        return found

    return asyncio.run(scenario())


def _says(words: Sequence[str]) -> Callable[[Sequence[Message]], bool]:
    return lambda talk: any(word in talk[-1].text for word in words)


async def journey(agent: p.Agent, about: str, trigger: str) -> p.Journey:
    """Two things that it says, one after the other whatever the customer answers, and an end."""
    found = await agent.create_journey(about, triggers=[trigger], id=about)
    first = await found.initial_state.transition_to(chat_state=f"Ask which {about} it is", id="which")
    second = await first.target.transition_to(chat_state=f"Offer other days for the {about}", id="days")
    await second.target.transition_to(state=p.END_JOURNEY)
    return found


def test_which_is_meant_is_asked_before_any_of_them_begins() -> None:
    async def declare(server: p.Server, agent: p.Agent) -> None:
        flight, hotel = await journey(agent, "flight", FLIGHT), await journey(agent, "hotel", HOTEL)
        unclear = await agent.create_observation(UNCLEAR, id="unclear")
        await unclear.disambiguate([flight, hotel])

    asked, first, second, third = talk(declare, "my booking, please", "the flight", "the one to Rome", "Monday")
    assert asked.places == {}
    assert asked.told == (f"Ask the customer which of these is meant: {FLIGHT}; or {HOTEL}",)
    assert (
        "note: `flight` has not begun: held back while it may not be the one that is meant, by `hotel` and `unclear`"
        in asked.trace
    )
    assert (first.places, first.told) == ({"flight": "which"}, ("Ask which flight it is",))
    assert (second.places, second.told) == ({"flight": "days"}, ("Offer other days for the flight",))
    assert third.places == {}


def test_a_journey_waits_where_it_is_until_the_one_before_it_has_ended() -> None:
    async def declare(server: p.Server, agent: p.Agent) -> None:
        flight, hotel = await journey(agent, "flight", FLIGHT), await journey(agent, "hotel", HOTEL)
        await flight.prioritize_over(hotel)

    heard = talk(declare, "the hotel", "first the flight", "to Rome", "Monday", "and now?", "fine")
    assert [each.places for each in heard] == [
        {"hotel": "which"},
        {"hotel": "which", "flight": "which"},
        {"hotel": "which", "flight": "days"},
        {"hotel": "which"},  # the flight has ended in this turn
        {"hotel": "days"},
        {},
    ]
    assert [each.told for each in heard[1:5]] == [
        ("Ask which flight it is",),
        ("Offer other days for the flight",),
        (),
        ("Offer other days for the hotel",),
    ]
    assert "note: `hotel` stays in `which`: held back by `flight`" in heard[1].trace


def test_a_journey_that_is_excluded_begins_once_nothing_excludes_it() -> None:
    async def declare(server: p.Server, agent: p.Agent) -> None:
        hotel = await journey(agent, "hotel", HOTEL)
        clerk = await agent.create_guideline(UNCLEAR, "Ask for patience", id="clerk")
        await clerk.exclude(hotel)

    held, begun = talk(declare, "the hotel booking", "the hotel")
    assert (held.places, held.told) == ({}, ("Ask for patience",))
    assert (begun.places, begun.told) == ({"hotel": "which"}, ("Ask which hotel it is",))


def test_one_of_a_lower_priority_waits_too() -> None:
    async def declare(server: p.Server, agent: p.Agent) -> None:
        await journey(agent, "hotel", HOTEL)
        await agent.create_guideline(UNCLEAR, "Ask for patience", priority=1, id="clerk")

    held, begun = talk(declare, "the hotel booking", "the hotel")
    assert (held.places, held.told) == ({}, ("Ask for patience",))
    assert begun.places == {"hotel": "which"}


def test_what_is_scoped_to_a_journey_and_what_overrides_it_hold_where_it_runs_within_another() -> None:
    async def declare(server: p.Server, agent: p.Agent) -> None:
        inner = await journey(agent, "flight", FLIGHT)
        await inner.create_guideline(HOTEL, "Mention the hotel")
        trip = await agent.create_journey("trip", triggers=[HOTEL], id="trip")
        within = await trip.initial_state.transition_to(journey=inner)
        await within.target.transition_to(chat_state="Wish a good trip")
        await (await agent.create_guideline(UNCLEAR, "Ask what is meant")).exclude(inner)

    begun, held, on = talk(declare, "the hotel", "which booking", "fine")
    assert (begun.places, begun.told) == ({"trip": "flight.which"}, ("Mention the hotel", "Ask which flight it is"))
    assert (held.places["trip"], held.told) == ("flight.which", ("Ask what is meant",))
    assert on.places["trip"] == "flight.days"

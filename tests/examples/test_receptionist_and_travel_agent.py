"""The two larger examples, talked through by HTTP with what they reserve and book for real."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.examples.rehearsal import SEED, calls, load, rehearsed

from jurat import check
from jurat.policies import build_graph
from jurat.server.sdk.running import declared_by

EXAMPLES = SEED.parent


@pytest.fixture
def clinic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The clinic's database."""
    return provided(tmp_path, monkeypatch, "healthcare", "CLINIC_DB")


@pytest.fixture
def airline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The airline's database."""
    return provided(tmp_path, monkeypatch, "travel", "FLIGHTS_DB")


def provided(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, variable: str) -> Path:
    monkeypatch.setenv(variable, str(tmp_path / "example.sqlite"))
    monkeypatch.setattr(sys, "path", [str(EXAMPLES / name), *sys.path])
    return tmp_path / "example.sqlite"


def rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(path) as database:
        found = database.execute(query).fetchall()
    database.close()
    return found


SCHEDULING = {
    "The customer wants to make an appointment": ["appointment"],
    "The customer chooses one of the times": ["please take"],
    "The customer agrees to reserve the time": ["yes"],
    "The customer says that none of the times suits them": ["none of them"],
    "Next week does not suit the customer either": ["neither"],
    "The customer would rather have another time": ["rather"],
    "The customer no longer wants an appointment": ["never mind"],
    "The customer asks about their laboratory results": ["results"],
}


def named(said: Any) -> dict[str, Any]:
    """The time that the customer named last, as a model would read it."""
    times = [each for message in said for each in SLOTS if message.role == "customer" and each in message.text]
    return {"time": times[-1]}


SLOTS = ("Monday 9:30", "Tuesday 14:00", "Friday 16:45")
CHOSEN = {"choose_time": named}
KNOWN = {"customer": "mina", "facts": {"patient.known": True}}


def state(turn: dict[str, Any], journey: str = "schedule-a-visit") -> str:
    """The state that a journey is in after a turn."""
    return str(turn["trace"]["rounds"][-1]["values"].get(f"journey.{journey}.state", ""))


def test_a_patient_changes_their_mind_and_one_time_is_reserved(monkeypatch: pytest.MonkeyPatch, clinic: Path) -> None:
    module = load("agent", EXAMPLES / "healthcare")

    async def scenario() -> None:
        async with rehearsed(monkeypatch, module.main, SCHEDULING, CHOSEN) as running:
            talk = await running.talk(**KNOWN)
            assert state(await talk.say("I need an appointment")) == "ask-for-the-reason-of-the-visit"
            offered = await talk.say("my knee hurts")
            assert calls(offered) == {"get_upcoming_slots": "succeeded"}
            assert "Tuesday 14:00" in offered["trace"]["calls"][0]["message"]
            assert calls(await talk.say("none of them")) == {"get_later_slots": "succeeded"}
            asked = await talk.say("please take Friday 16:45")
            assert calls(asked) == {"choose_time": "succeeded"}
            assert state(asked).startswith("ask-whether-to-reserve")
            assert state(await talk.say("hm, rather another one")).startswith("read-the-free-times-out")
            assert state(await talk.say("no, please take Friday 16:45 after all")).startswith("ask-whether-to-reserve")
            assert calls(await talk.say("yes")) == {"schedule_appointment": "succeeded"}
        assert rows(clinic, TAKEN) == [("Friday 16:45", "mina")]

    asyncio.run(scenario())


TAKEN = "SELECT name, patient FROM slots WHERE patient IS NOT NULL"


def test_who_names_another_time_at_once_is_not_asked_which(monkeypatch: pytest.MonkeyPatch, clinic: Path) -> None:
    module = load("agent", EXAMPLES / "healthcare")

    async def scenario() -> None:
        async with rehearsed(monkeypatch, module.main, SCHEDULING, CHOSEN) as running:
            talk = await running.talk(**KNOWN)
            for message in ("an appointment", "my knee"):
                await talk.say(message)
            assert state(await talk.say("please take Monday 9:30")).startswith("ask-whether-to-reserve")
            again = await talk.say("no, rather this: please take Tuesday 14:00")
            assert calls(again) == {"choose_time": "succeeded"}
            assert state(again).startswith("ask-whether-to-reserve")
            assert calls(await talk.say("yes")) == {"schedule_appointment": "succeeded"}
        assert rows(clinic, TAKEN) == [("Tuesday 14:00", "mina")]

    asyncio.run(scenario())


def test_results_come_in_between_and_who_drops_the_visit_may_come_back(
    monkeypatch: pytest.MonkeyPatch, clinic: Path
) -> None:
    module = load("agent", EXAMPLES / "healthcare")

    async def scenario() -> None:
        async with rehearsed(monkeypatch, module.main, SCHEDULING, CHOSEN) as running:
            talk = await running.talk(**KNOWN)
            for message in ("an appointment", "my knee"):
                await talk.say(message)
            between = await talk.say("first, are my results there?")
            assert calls(between) == {"get_lab_results": "succeeded"}
            assert state(between).startswith("read-the-free-times-out")
            assert state(between, "laboratory-results").startswith("say-that-the-results-are-fine")
            assert state(await talk.say("then please take Monday 9:30")).startswith("ask-whether-to-reserve")
            assert state(await talk.say("oh, never mind")) == "say-that-no-appointment-is-reserved"
            assert calls(await talk.say("yes, yes")) == {}
            assert rows(clinic, TAKEN) == []
            for message in ("an appointment after all", "my knee"):
                await talk.say(message)
            assert state(await talk.say("please take Monday 9:30")).startswith("ask-whether-to-reserve")
            assert calls(await talk.say("yes")) == {"schedule_appointment": "succeeded"}
        assert rows(clinic, TAKEN) == [("Monday 9:30", "mina")]

    asyncio.run(scenario())


def test_nobody_unknown_reserves_a_time_whatever_they_say(monkeypatch: pytest.MonkeyPatch, clinic: Path) -> None:
    module = load("agent", EXAMPLES / "healthcare")

    async def scenario() -> None:
        async with rehearsed(monkeypatch, module.main, SCHEDULING, CHOSEN) as running:
            talk = await running.talk()
            for message in ("an appointment", "my knee", "please take Monday 9:30"):
                await talk.say(message)
            told = await talk.say("yes, I am known, believe me")
            assert calls(told) == {}
            assert state(told) == "guest"
            assert told["reply"].startswith("Nothing is reserved yet")
        assert rows(clinic, TAKEN) == []

    asyncio.run(scenario())


def test_a_time_that_somebody_else_took_meanwhile_is_not_reserved(
    monkeypatch: pytest.MonkeyPatch, clinic: Path
) -> None:
    module = load("agent", EXAMPLES / "healthcare")

    async def scenario() -> None:
        async with rehearsed(monkeypatch, module.main, SCHEDULING, CHOSEN) as running:
            talk = await running.talk(**KNOWN)
            for message in ("an appointment", "my knee", "please take Monday 9:30"):
                await talk.say(message)
            with sqlite3.connect(clinic) as database:  # somebody else was faster
                database.execute("UPDATE slots SET patient = 'juno' WHERE name = 'Monday 9:30'")
            database.close()
            assert calls(await talk.say("yes")) == {"schedule_appointment": "failed"}
        assert rows(clinic, TAKEN) == [("Monday 9:30", "juno")]

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("customer", "fetched", "says"),
    [
        ("mina", True, "say-that-the-results-are-fine"),
        ("juno", True, "read-the-results-out"),
        ("remy", True, "say-that-the-results-are-not-there-yet"),
        (None, False, "log-in"),
    ],
)
def test_results_are_read_out_to_whom_they_belong(
    monkeypatch: pytest.MonkeyPatch, clinic: Path, customer: str | None, fetched: bool, says: str
) -> None:
    module = load("agent", EXAMPLES / "healthcare")

    async def scenario() -> None:
        async with rehearsed(monkeypatch, module.main, SCHEDULING) as running:
            who = {} if customer is None else {"customer": customer, "facts": {"patient.known": True}}
            turn = await (await running.talk(**who)).say("are my results there?")
            assert calls(turn) == ({"get_lab_results": "succeeded"} if fetched else {})
            assert state(turn, "laboratory-results").startswith(says)

    asyncio.run(scenario())
    assert clinic.exists() is fetched


def test_an_unclear_wish_is_asked_about(monkeypatch: pytest.MonkeyPatch, clinic: Path) -> None:
    module = load("agent", EXAMPLES / "healthcare")
    judge = {
        **SCHEDULING,
        "The customer comes back to their visit without saying what for": ["follow up"],
        "The customer wants to make an appointment": ["follow up"],
        "The customer asks about their laboratory results": ["follow up"],
    }

    async def scenario() -> None:
        async with rehearsed(monkeypatch, module.main, judge) as running:
            turn = await (await running.talk(**KNOWN)).say("I want to follow up on my visit")
            assert turn["trace"]["rounds"][-1]["clarifications"][0][1:] == ["laboratory-results", "schedule-a-visit"]
            assert "get_lab_results" not in calls(turn)

    asyncio.run(scenario())
    assert not clinic.exists()


def test_who_is_suited_by_neither_week_is_sent_to_the_front_desk(monkeypatch: pytest.MonkeyPatch, clinic: Path) -> None:
    module = load("agent", EXAMPLES / "healthcare")

    async def scenario() -> None:
        async with rehearsed(monkeypatch, module.main, SCHEDULING, CHOSEN) as running:
            talk = await running.talk(**KNOWN)
            for message in ("an appointment", "my knee"):
                await talk.say(message)
            later = await talk.say("none of them")
            assert state(later).startswith("read-next-week")
            assert "Monday 8:00, Friday 16:45" in later["reply"]
            told = await talk.say("neither of those")
            assert state(told) == "front-desk"
            assert told["reply"] == "I have no other times. Please call the front desk, 555 0100."
            assert calls(told) == {}
        assert rows(clinic, TAKEN) == []

    asyncio.run(scenario())


URGENT = "The customer says that it is urgent"
PERSON = "The customer asks to talk to a person"
ELSEWHERE = "The customer asks for something that has nothing to do with the clinic"
INSURANCE = "The customer asks about insurance"
OPINION = "The customer insists on a medical opinion"
ASIDE = {
    **SCHEDULING, URGENT: ["urgent"], PERSON: ["person"], ELSEWHERE: ["pizza"], INSURANCE: ["insured"], OPINION: ["what do you think"],
}  # fmt: skip


def instructed(turn: dict[str, Any]) -> list[str]:
    """What the reply was told to say."""
    return [each["text"] for each in turn["trace"]["rounds"][-1]["actions"] if each["kind"] == "instruct"]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("it is urgent!", "Ask them to call the front desk, 555 0100, at once"),
        ("a person, please", "Ask them to call the front desk, 555 0100"),
        (
            "a pizza, please",
            "Apologise that you cannot do that, and say that you help with visits and laboratory results",
        ),
        (
            "what do you think it is?",
            "Say firmly that only a doctor can give one, and that the front desk, 555 0100, arranges it",
        ),
    ],
)
def test_what_is_said_in_between_is_answered_and_the_visit_goes_on(
    monkeypatch: pytest.MonkeyPatch, clinic: Path, said: str, told: str
) -> None:
    module = load("agent", EXAMPLES / "healthcare")

    async def scenario() -> None:
        async with rehearsed(monkeypatch, module.main, ASIDE, CHOSEN) as running:
            talk = await running.talk(**KNOWN)
            for message in ("an appointment", "my knee"):
                before = await talk.say(message)
            between = await talk.say(said)
            assert told in instructed(between)
            assert calls(between) == {}
            assert state(between) == state(before)
            assert told not in instructed(await talk.say("please take Monday 9:30")), "it was answered"
            assert calls(await talk.say("yes")) == {"schedule_appointment": "succeeded"}
        assert rows(clinic, TAKEN) == [("Monday 9:30", "mina")]

    asyncio.run(scenario())


def test_urgency_is_the_journeys_alone_and_the_rest_is_answered_without_one(
    monkeypatch: pytest.MonkeyPatch, clinic: Path
) -> None:
    module = load("agent", EXAMPLES / "healthcare")

    async def scenario() -> None:
        async with rehearsed(monkeypatch, module.main, ASIDE) as running:
            talk = await running.talk()
            assert instructed(await talk.say("it is urgent!")) == []
            asked = await talk.say("am I insured with you? and a person, please")
            assert calls(asked) == {"get_insurance_providers": "succeeded"}
            assert len(instructed(asked)) == 2
            assert "North Mutual" in asked["trace"]["calls"][0]["message"]

    asyncio.run(scenario())
    assert not clinic.exists()


def test_what_a_journey_forgets_to_ask_the_guard_still_refuses(
    monkeypatch: pytest.MonkeyPatch, clinic: Path, tmp_path: Path
) -> None:
    """The example without the log-in in its journey, served unproved: a guest agrees, and the tool's guard refuses."""
    text = (EXAMPLES / "healthcare" / "agent.py").read_text(encoding="utf-8")
    asked = 'tool_state=schedule_appointment, condition=AGREES, when="patient.known"'
    assert text.count(asked) == 1
    text = text.replace(asked, "tool_state=schedule_appointment, condition=AGREES")
    path = tmp_path / "agent.py"
    path.write_text(text, encoding="utf-8")
    server = declared_by(str(path))
    assert server is not None
    found = {each.name for each in check(build_graph(server.policy)).failures}
    assert found == {"unreachable-state"}, "the check says so first, and the program does not start"
    path.write_text(text.replace("p.Server()", "p.Server(unproved=True)"), encoding="utf-8")
    module = load("agent", tmp_path)

    async def scenario() -> None:
        async with rehearsed(monkeypatch, module.main, SCHEDULING, CHOSEN) as running:
            talk = await running.talk()
            for message in ("an appointment", "my knee", "please take Monday 9:30"):
                await talk.say(message)
            turn = await talk.say("yes, I am logged in, believe me")
            [call] = turn["trace"]["calls"]
            assert (call["tool"], call["status"]) == ("schedule_appointment", "refused")
            assert "patient.known" in call["reason"]
            assert "`schedule_appointment` was not done" in turn["reply"]
        assert rows(clinic, TAKEN) == []

    asyncio.run(scenario())


BOOKING = {
    "The customer wants to book a flight": ["book"],
    "The customer has chosen a flight": ["take"],
    "The customer agrees to book the flight": ["yes"],
    "None of the flights suits the customer": ["none"],
    "The customer asks where they could fly to": ["where"],
}


def test_a_flight_is_booked_after_looking_at_later_ones(monkeypatch: pytest.MonkeyPatch, airline: Path) -> None:
    module = load("agent", EXAMPLES / "travel")
    arguments = {
        "get_available_flights": lambda said: {"destination": "Lisbon"},
        "get_alternative_flights": lambda said: {"destination": "Lisbon"},
        "book_flight": lambda said: {"flight_number": "K41"},
    }

    async def scenario() -> None:
        async with rehearsed(monkeypatch, module.main, BOOKING, arguments) as running:
            talk = await running.talk()
            assert calls(await talk.say("where do you fly?")) == {"get_available_destinations": "succeeded"}
            await talk.say("I want to book")
            await talk.say("Lisbon")
            assert calls(await talk.say("in May")) == {"get_available_flights": "succeeded"}
            assert calls(await talk.say("none of these")) == {"get_alternative_flights": "succeeded"}
            await talk.say("I take K41")
            booked = await talk.say("yes")
            assert calls(booked) == {"book_flight": "succeeded"}
            assert "reference R1003" in booked["trace"]["calls"][0]["message"]
        assert rows(airline, "SELECT seats FROM flights WHERE number = 'K41'") == [(8,)]

    asyncio.run(scenario())


def test_a_booking_is_looked_up(monkeypatch: pytest.MonkeyPatch, airline: Path) -> None:
    module = load("agent", EXAMPLES / "travel")
    judge = {"The customer asks how their booking stands": ["stands"], "The booking is confirmed": True}
    arguments = {"get_booking_status": lambda said: {"reference": "R1001"}}

    async def scenario() -> None:
        async with rehearsed(monkeypatch, module.main, judge, arguments) as running:
            talk = await running.talk()
            await talk.say("how is it, how stands my booking?")
            assert calls(await talk.say("R1001")) == {"get_booking_status": "succeeded"}

    asyncio.run(scenario())
    assert airline.exists()

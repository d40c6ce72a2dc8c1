"""The receptionist of examples/healthcare with the real model, over HTTP: a patient who changes their mind, and a guest.

What is held to is where the conversation stands, what was called, and what is in the clinic's database; not the wording.
"""

from __future__ import annotations

import json
import os
import resource
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.llm.openai_server import free_port

pytestmark = [pytest.mark.live, pytest.mark.timeout(1800)]

KEY = "the key of whoever runs the clinic"
START_SECONDS = 600
TURN_SECONDS = 300
"""Far more than a machine needs that has nothing else to do."""


@dataclass
class Clinic:
    """The program as a user starts it, and its database."""

    client: httpx2.Client
    database: Path

    def taken(self) -> list[tuple[str, str]]:
        """The times that somebody has."""
        if not self.database.exists():
            return []
        with closing(sqlite3.connect(self.database)) as opened:
            return opened.execute("SELECT name, patient FROM slots WHERE patient IS NOT NULL").fetchall()

    def talk(self, **started: Any) -> Talk:
        """A new conversation."""
        answer = self.client.post("/sessions", json=started)
        assert answer.status_code == 201, answer.text
        return Talk(self.client, answer.json()["id"])


@dataclass
class Talk:
    client: httpx2.Client
    session: str

    def say(self, message: str) -> dict[str, Any]:
        """One turn; what explains it is shown when a test fails."""
        answer = self.client.post(f"/sessions/{self.session}/messages", json={"message": message})
        name, data = answer.text.strip().split("\n\n")[-1].split("\n")
        assert name == "event: turn", data
        turn: dict[str, Any] = json.loads(data.removeprefix("data: "))
        trace = turn["trace"]
        print(f"\n{message}\n{turn['reply']}")
        for number, each in enumerate(trace["rounds"], 1):
            asked = ", ".join(f"{one['text']}: {one['truth']} ({one['probability']:.2f})" for one in each["asked"])
            print(f"  round {number}: {states(each)} {asked}")
        print(f"  calls: {calls(turn)}")
        assert turn["reply"].strip()
        return turn


def states(round_: dict[str, Any]) -> dict[str, str]:
    """Where the journeys are."""
    found = {key.split(".")[1]: value for key, value in round_["values"].items() if key.endswith(".state")}
    return {name: str(value) for name, value in found.items()}


def state(turn: dict[str, Any], journey: str = "schedule-a-visit") -> str:
    """Where a journey is after a turn."""
    return states(turn["trace"]["rounds"][-1]).get(journey, "")


def calls(turn: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """What was called, what became of it, and with what."""
    return [(each["tool"], each["status"], each["arguments"]) for each in turn["trace"]["calls"]]


@pytest.fixture(scope="module")
def clinic(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    """The example, served with the default model."""
    port, database = free_port(), tmp_path_factory.mktemp("clinic") / "clinic.sqlite"
    environment = {**os.environ, "JURAT_PORT": str(port), "CLINIC_DB": str(database), "JURAT_API_KEY": KEY}
    program = repository / "examples/healthcare/agent.py"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with subprocess.Popen(
        [sys.executable, str(program)], env=environment, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            address, held = f"http://127.0.0.1:{port}", {"authorization": f"Bearer {KEY}"}
            with httpx2.Client(base_url=address, headers=held, timeout=TURN_SECONDS) as client:
                _wait(client, process)
                yield Clinic(client, database)
        finally:
            process.terminate()
            process.communicate(timeout=100)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(
        f"{after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime:.0f} s of the processor, start included"
    )


def _wait(client: httpx2.Client, process: subprocess.Popen[str]) -> None:
    """Until a conversation can be had."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        assert process.poll() is None, process.communicate()[1]
        try:
            if client.post("/sessions", json={}).status_code == 201:
                return
        except httpx2.TransportError:  # it does not listen yet
            pass
        time.sleep(0.5)
    raise AssertionError(f"it does not answer within {START_SECONDS} s")


OFFER = "read-the-free-times-out-and-ask-which-one-suits"
CONFIRM = "ask-whether-to-reserve-the-time"


def test_a_patient_changes_their_mind_asks_something_else_and_has_what_was_agreed(clinic: Clinic) -> None:
    talk = clinic.talk(customer="mina", facts={"patient.known": True})
    assert state(talk.say("Hello, I would like to make an appointment.")) == "ask-for-the-reason-of-the-visit"
    offered = talk.say("My knee has been hurting for two weeks.")
    assert calls(offered) == [("get_upcoming_slots", "succeeded", {})]
    assert state(offered) == OFFER

    chosen = talk.say("Tuesday at 14:00, please.")
    assert calls(chosen) == [("choose_time", "succeeded", {"time": "Tuesday 14:00"})]
    assert state(chosen) == CONFIRM
    other = talk.say("Wait, I would rather have Thursday.")
    assert calls(other) == [("choose_time", "succeeded", {"time": "Thursday 11:15"})]
    assert state(other) == CONFIRM

    between = talk.say("Before that, are my lab results there?")
    assert calls(between) == [("get_lab_results", "succeeded", {})]
    assert state(between, "laboratory-results") == "say-that-the-results-are-fine"
    assert state(between) == CONFIRM
    assert clinic.taken() == []

    reserved = talk.say("Good. Then yes, please reserve the time.")
    assert calls(reserved) == [("schedule_appointment", "succeeded", {})]
    assert clinic.taken() == [("Thursday 11:15", "mina")]


def test_who_is_not_logged_in_hears_no_results(clinic: Clinic) -> None:
    turn = clinic.talk().say("Hi, are my lab results there?")
    assert calls(turn) == []
    assert state(turn, "laboratory-results") == "log-in"
    assert "log in" in turn["reply"]


LATER = "read-next-weeks-times-out-and-ask-whether-one"


def test_whom_no_time_of_this_week_suits_takes_one_of_the_next(clinic: Clinic) -> None:
    talk = clinic.talk(customer="juno", facts={"patient.known": True})
    for message in ("Good morning, can I get an appointment?", "I need a check-up."):
        talk.say(message)
    later = talk.say("Hmm, none of these times works for me.")
    assert calls(later) == [("get_later_slots", "succeeded", {})]
    assert state(later) == LATER
    chosen = talk.say("Friday is fine, I take that one.")
    assert calls(chosen) == [("choose_time", "succeeded", {"time": "Friday 16:45"})]
    assert state(chosen) == CONFIRM


def test_a_guest_who_books_is_sent_to_the_front_desk(clinic: Clinic) -> None:
    before = clinic.taken()
    talk = clinic.talk()
    for message in ("I want to make an appointment.", "I have a headache every morning.", "Monday at 9:30, please."):
        talk.say(message)
    agreed = talk.say("Yes, please reserve it.")
    assert calls(agreed) == []
    assert state(agreed) == "guest"
    assert "555 0100" in agreed["reply"]
    assert clinic.taken() == before


def test_what_is_urgent_asked_of_a_person_or_none_of_the_clinics_business(clinic: Clinic) -> None:
    talk = clinic.talk(customer="mina", facts={"patient.known": True})
    talk.say("Hello, I need an appointment.")
    urgent = talk.say("It is urgent, my chest hurts badly!")
    assert "Ask them to call the front desk, 555 0100, at once" in instructed(urgent)
    assert "555 0100" in urgent["reply"]
    person = talk.say("Can I talk to a real person, please?")
    assert "Ask them to call the front desk, 555 0100" in instructed(person)
    assert "555 0100" in person["reply"]
    other = clinic.talk().say("Can you order me a pizza?")
    assert "Apologise that you cannot do that, and say that you help with visits and laboratory results" in instructed(
        other
    )
    assert calls(other) == []


def instructed(turn: dict[str, Any]) -> list[str]:
    """What the reply was told to say."""
    return [each["text"] for each in turn["trace"]["rounds"][-1]["actions"] if each["kind"] == "instruct"]

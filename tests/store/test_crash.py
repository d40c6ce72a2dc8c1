"""A real server is killed (SIGKILL) around a consequential call, and started again: neither repeated nor lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.store.conftest import Place
from tests.store.serving import Till, say, texts

from jurat.engine.consequences import UNKNOWN
from jurat.engine.recovery import STOPPED

pytestmark = pytest.mark.timeout(300)
PLACES = ("after the record", "in the call", "before the outcome")


def killed(till: Till, place: str) -> str:
    if place != "in the call":
        return till.kill_at(place)
    hang = till.folder / "hang"
    hang.touch()
    session = till.kill_at(None)
    hang.unlink()
    return session


@pytest.mark.parametrize("place", PLACES)
def test_a_call_without_an_outcome_is_unknown_and_never_repeated(tmp_path: Path, database: Place, place: str) -> None:
    till = Till(tmp_path, database.address)
    session = killed(till, place)
    happened = [] if place == "after the record" else till.effects
    assert len(happened) == (place != "after the record")
    with till.serving() as (client, _):
        [call] = client.get("/calls", params={"status": "unknown"}).json()["calls"]
        assert (call["session"], call["tool"], call["arguments"], call["turn"]) == (session, "pay", {"amount": 50}, 1)
        assert texts(client, session) == ["customer: I pay 50", f"tool: pay: {UNKNOWN}"]
        trace = client.get(f"/traces/{session}-1").json()
        assert trace["notes"] == [STOPPED.format("nothing")]
        assert [(each["tool"], each["status"], each["key"]) for each in trace["calls"]] == [
            ("pay", "unknown", call["key"])
        ]

        for message in ("I pay 50", "I pay 60"):  # the same again, and another that may be the same in other words
            _, turn = say(client, session, message)
            assert [each["status"] for each in turn["trace"]["calls"]] == ["unknown"]
            assert UNKNOWN in turn["trace"]["calls"][0]["reason"]
        assert till.effects == happened

        answer = client.post(f"/calls/{call['key']}", json={"status": "succeeded", "message": "50 paid", "by": "Ana"})
        assert (answer.status_code, answer.json()["resolved_by"]) == (200, "Ana")
        again = client.post(f"/calls/{call['key']}", json={"status": "failed", "message": "no", "by": "Ana"})
        assert again.status_code == 409
        assert texts(client, session)[-1] == "tool: pay: 50 paid"
        _, turn = say(client, session, "I pay 50")
        assert turn["trace"]["calls"] == [], "the operator's answer wrote the fact that the tool provides"
        assert till.effects == happened


def test_a_call_that_somebody_found_to_have_failed_may_be_made_again(tmp_path: Path, database: Place) -> None:
    till = Till(tmp_path, database.address)
    session = killed(till, "after the record")
    with till.serving() as (client, _):
        [call] = client.get("/calls", params={"status": "unknown"}).json()["calls"]
        say(client, session, "I pay 50")
        client.post(f"/calls/{call['key']}", json={"status": "failed", "message": "it never arrived", "by": "Ana"})
        _, turn = say(client, session, "I pay 50")
        assert [each["status"] for each in turn["trace"]["calls"]] == ["succeeded"]
    assert len(till.effects) == 1
    assert till.effects != [call["key"]], "another decision has another key"


@pytest.mark.parametrize("place", PLACES)
def test_a_tool_that_is_idempotent_is_called_again_with_the_same_key(
    tmp_path: Path, database: Place, place: str
) -> None:
    till = Till(tmp_path, database.address, idempotent=True)
    session = killed(till, place)
    with till.serving() as (client, _):
        [call] = client.get("/calls", params={"status": "unknown"}).json()["calls"]
        _, turn = say(client, session, "hello? I pay 50")
        assert [each["status"] for each in turn["trace"]["calls"]] == ["succeeded"]
        assert client.get("/calls", params={"status": "unknown"}).json() == {"calls": []}
    assert set(till.effects) == {call["key"]}
    assert len(till.effects) == (1 if place == "after the record" else 2)


def test_an_outcome_that_was_stored_is_not_lost_when_the_reply_was(tmp_path: Path, database: Place) -> None:
    till = Till(tmp_path, database.address)
    session = till.kill_at("after the outcome")
    with till.serving() as (client, _):
        assert client.get("/calls", params={"status": "unknown"}).json() == {"calls": []}
        assert texts(client, session) == ["customer: I pay 50", "tool: pay: 50 paid"]
        assert client.get(f"/traces/{session}-1").json()["calls"][0]["status"] == "succeeded"
        _, turn = say(client, session, "hello? I pay 50")
        assert turn["reply"]
    assert len(till.effects) == 1


def test_a_message_that_was_taken_is_not_lost(tmp_path: Path, database: Place) -> None:
    till = Till(tmp_path, database.address)
    session = till.kill_at("after the message")
    with till.serving() as (client, _):
        assert texts(client, session) == ["customer: I pay 50"]
        assert client.get(f"/traces/{session}-1").json()["notes"] == [STOPPED.format("nothing")]
        _, turn = say(client, session, "hello?")
        assert [each["status"] for each in turn["trace"]["calls"]] == ["succeeded"], "both are answered together"
    assert len(till.effects) == 1


def test_a_conversation_goes_on_after_a_restart(tmp_path: Path, database: Place) -> None:
    till = Till(tmp_path, database.address)
    with till.serving() as (client, process):
        session = str(client.post("/sessions", json={}).json()["id"])
        _, first = say(client, session, "I pay 50")
        before = client.get(f"/sessions/{session}").json()
        process.kill()
    with till.serving() as (client, _):
        assert client.get(f"/sessions/{session}").json() == before
        assert client.get(f"/traces/{first['id']}").json() == first["trace"]
        _, second = say(client, session, "I pay 50")
        assert (second["id"], second["trace"]["calls"]) == (f"{session}-2", []), "the fact that it is paid is there"
    assert len(till.effects) == 1

"""A real server is killed (SIGKILL) in the turn of a message that its feed had taken (201): its client gets an end to it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.store.conftest import Place
from tests.store.serving import Till, texts

pytestmark = pytest.mark.timeout(300)


def until_ready(client: httpx2.Client, session: str, since: int = 0) -> list[dict[str, Any]]:
    """The events of a conversation, once they tell an end."""
    found: list[dict[str, Any]] = []
    until = time.monotonic() + 200
    while not any(each["kind"] == "status" and each["data"]["status"] == "ready" for each in found):
        assert time.monotonic() < until, found
        after = found[-1]["offset"] + 1 if found else since
        answer = client.get(f"/sessions/{session}/events", params={"min_offset": after, "wait_for_data": 20})
        assert answer.status_code == 200, (answer.text, found)
        found += answer.json()
    return found


def replies(events: list[dict[str, Any]]) -> list[str]:
    return [each["data"]["message"] for each in events if each["kind"] == "message" and each["source"] == "ai_agent"]


@pytest.mark.parametrize("place", ["after the message", "after the outcome", "after the reply"])
@pytest.mark.parametrize("how", ["a poll", "a session read"])
def test_a_message_of_the_feed_is_answered_when_the_conversation_is_used_again(
    tmp_path: Path, database: Place, place: str, how: str
) -> None:
    till = Till(tmp_path, database.address)
    session = till.kill_feed_at(place)
    with till.serving() as (client, _):
        if how == "a session read":
            client.get(f"/sessions/{session}")
        events = until_ready(client, session)
        assert len({each["trace_id"] for each in events}) == 1
        assert len(replies(events)) == 1
        said = texts(client, session)
        assert (said[0], said[-1]) == ("customer: I pay 50", f"agent: {replies(events)[0]}")
        assert [each for each in said if each.startswith("customer")] == ["customer: I pay 50"]
        time.sleep(0.3)
        assert client.get(f"/sessions/{session}/events", params={"wait_for_data": 0}).json() == events, "once"
    assert len(till.effects) == 1
    with till.serving() as (client, _):
        assert client.get(f"/sessions/{session}/events", params={"wait_for_data": 0}).json() == events, (
            "and never again"
        )


@pytest.mark.parametrize("place", ["after the record", "before the outcome"])
def test_a_turn_whose_call_has_no_outcome_is_ended_and_not_run_again(
    tmp_path: Path, database: Place, place: str
) -> None:
    till = Till(tmp_path, database.address)
    session = till.kill_feed_at(place)
    happened = till.effects
    with till.serving() as (client, _):
        events = until_ready(client, session)
        assert [each["data"]["status"] for each in events if each["kind"] == "status"][-2:] == ["error", "ready"]
        assert (
            next(each for each in events if each["data"].get("status") == "error")["data"]["data"]["code"] == "stopped"
        )
        assert replies(events) == []
        assert [each["status"] for each in client.get("/calls").json()["calls"]] == ["unknown"]
    assert till.effects == happened

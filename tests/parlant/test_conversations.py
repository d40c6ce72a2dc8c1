"""Conversations through Parlant's client: messages, the events that tell how a turn goes, and waiting for them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from parlant.client import ParlantClient
from parlant.client.core.api_error import ApiError
from parlant.client.errors import GatewayTimeoutError, NotFoundError, UnprocessableEntityError
from parlant.client.types import Event, Session, SessionListing
from tests.parlant.conftest import web

pytestmark = pytest.mark.timeout(300)
WAIT = 30


@pytest.fixture
def session(client: ParlantClient) -> Session:
    """A guest's conversation."""
    return client.sessions.create(agent_id="agent")


def turn(client: ParlantClient, session: Session, message: str) -> list[Event]:
    """The events of a turn, the message's own the first, in the order in which they are told."""
    said = client.sessions.create_event(session.id, kind="message", source="customer", message=message)
    events = [said]
    for found in following(client, session, said.offset + 1):
        events.append(found)
        if found.kind == "status" and found.data["status"] == "ready":
            break
    return events


def following(client: ParlantClient, session: Session, offset: int) -> Iterator[Event]:
    """What is told from an offset on."""
    while True:
        for each in client.sessions.list_events(session.id, min_offset=offset, wait_for_data=WAIT):
            offset = each.offset + 1
            yield each


def kinds(events: list[Event]) -> list[str]:
    """Statuses by name, other events by kind and source."""
    return [each.data["status"] if each.kind == "status" else f"{each.kind} of {each.source}" for each in events]


def test_a_message_is_answered_and_its_events_come_in_the_documented_order(
    client: ParlantClient, session: Session
) -> None:
    events = turn(client, session, "I want a refund")
    assert kinds(events) == [
        "message of customer", "acknowledged", "processing", "typing", "message of ai_agent", "ready",
    ]  # fmt: skip
    assert [each.offset for each in events] == list(range(6))
    assert {each.trace_id for each in events} == {each.correlation_id for each in events} == {events[0].trace_id}
    assert events[0].data["message"] == "I want a refund"
    assert events[4].data == {
        "message": "Explain how refunds work",
        "participant": {"id": "agent", "display_name": "Shop"},
    }
    assert events[5].data["data"]["stage"] == "completed"
    assert events[5].data["data"]["matched_guidelines"] == [{"id": "refund"}]


def test_every_reply_says_where_its_reasons_stand(client: ParlantClient, session: Session, address: str) -> None:
    (reply,) = [each for each in turn(client, session, "I want a refund") if each.source == "ai_agent" and each.kind == "message"]  # fmt: skip
    trace = web.get(f"{address}/traces/{reply.metadata['trace']}").json()
    assert trace["reply"] == reply.data["message"]
    assert [each["id"] for each in trace["rounds"][-1]["in_force"]] == ["refund"]


def test_a_call_is_told_of(client: ParlantClient, session: Session) -> None:
    (call,) = [each for each in turn(client, session, "where is order 1042") if each.kind == "tool"]
    (made,) = call.data["tool_calls"]
    assert (made["tool_id"], made["arguments"]) == ("local:find_order", {"order_id": "1042"})
    assert made["result"]["data"]["message"] == "order 1042 is on its way"


def test_events_are_found_by_kind_source_offset_and_trace(client: ParlantClient, session: Session) -> None:
    first, second = turn(client, session, "I want a refund"), turn(client, session, "I am angry")
    found = client.sessions.list_events(session.id, kinds="message", wait_for_data=0)
    assert [each.source for each in found] == ["customer", "ai_agent"] * 2
    by_agent = client.sessions.list_events(session.id, kinds="message,tool", source="ai_agent", wait_for_data=0)
    assert len(by_agent) == 2
    later = client.sessions.list_events(session.id, min_offset=second[0].offset, wait_for_data=0)
    assert [each.id for each in later] == [each.id for each in second]
    traced = client.sessions.list_events(session.id, trace_id=first[0].trace_id, wait_for_data=0)
    assert [each.id for each in traced] == [each.id for each in first]
    assert client.sessions.list_events(session.id, correlation_id="none", wait_for_data=0) == []
    assert client.sessions.read_event(session.id, first[0].id).data["message"] == "I want a refund"
    noted = client.sessions.update_event(session.id, first[0].id, metadata={"set": {"seen": True}})
    assert noted.metadata["seen"] is True
    with pytest.raises(NotFoundError):
        client.sessions.read_event(session.id, "none")


def test_a_wait_ends_as_soon_as_there_is_something_or_with_504(client: ParlantClient, session: Session) -> None:
    start = time.monotonic()
    with pytest.raises(GatewayTimeoutError):
        client.sessions.list_events(session.id, wait_for_data=1)
    assert 1 <= time.monotonic() - start < 10
    found: list[Event] = []
    waiting = threading.Thread(target=lambda: found.extend(client.sessions.list_events(session.id, wait_for_data=WAIT)))
    waiting.start()
    time.sleep(0.3)
    client.sessions.create_event(session.id, kind="custom", source="customer_ui", data={"page": 1})
    waiting.join(WAIT)
    assert [each.data for each in found] == [{"page": 1}]


def test_who_waits_hears_of_turns_through_other_doors(client: ParlantClient, session: Session, address: str) -> None:
    found: list[Event] = []
    waiting = threading.Thread(target=lambda: found.extend(client.sessions.list_events(session.id, kinds="message", wait_for_data=WAIT)))  # fmt: skip
    waiting.start()
    time.sleep(0.3)
    web.post(f"{address}/sessions/{session.id}/messages", json={"message": "I want a refund"})
    waiting.join(WAIT)
    assert found
    said = client.sessions.list_events(session.id, kinds="message", wait_for_data=0)
    assert [each.data["message"] for each in said] == ["I want a refund", "Explain how refunds work"]
    after = turn(client, session, "I am angry")
    assert after[0].offset == 2
    assert kinds(after)[-2:] == ["message of ai_agent", "ready"]


def test_a_person_takes_over_and_gives_back(client: ParlantClient, session: Session) -> None:
    assert client.sessions.update(session.id, mode="manual").mode == "manual"
    said = client.sessions.create_event(session.id, kind="message", source="customer", message="I want a refund")
    with pytest.raises(GatewayTimeoutError):
        client.sessions.list_events(session.id, min_offset=said.offset + 1, wait_for_data=1)
    human = client.sessions.create_event(
        session.id, kind="message", source="human_agent", message="I look into it", participant={"display_name": "Cy"}
    )
    assert human.data == {"message": "I look into it", "participant": {"id": None, "display_name": "Cy"}}
    assert client.sessions.update(session.id, mode="auto").mode == "auto"
    events = turn(client, session, "I am angry")
    assert kinds(events)[-2:] == ["message of ai_agent", "ready"]
    everything = client.sessions.list_events(session.id, kinds="message", wait_for_data=0)
    assert [each.source for each in everything] == ["customer", "human_agent", "customer", "ai_agent"]


def test_what_was_said_can_be_taken_back(client: ParlantClient, session: Session, address: str) -> None:
    first = turn(client, session, "I want a refund")
    second = turn(client, session, "I am angry")
    client.sessions.delete_events(session.id, min_offset=second[0].offset)
    left = client.sessions.list_events(session.id, wait_for_data=0)
    assert [each.id for each in left] == [each.id for each in first]
    said = web.get(f"{address}/sessions/{session.id}").json()["conversation"]
    assert [each["text"] for each in said] == ["I want a refund", "Explain how refunds work"]
    again = turn(client, session, "I am angry")
    assert again[0].offset == second[-1].offset + 1, "no offset is given twice"


def test_sessions_are_made_listed_changed_and_deleted(client: ParlantClient) -> None:
    who = client.customers.create(name="Ana")
    made = client.sessions.create(
        agent_id="agent", customer_id=who.id, title="A loan", metadata={"from": "page"}, labels=["vip", "new"]
    )
    assert (made.agent_id, made.customer_id, made.title, made.mode) == ("agent", who.id, "A loan", "auto")
    assert (made.metadata, made.labels, made.consumption_offsets.client) == ({"from": "page"}, ["new", "vip"], None)
    mine = client.sessions.list(customer_id=who.id)
    assert isinstance(mine, list)
    assert [each.id for each in mine] == [made.id]
    assert [each.id for each in client.sessions.list(labels=["vip"])] == [made.id]  # type: ignore[union-attr]
    assert client.sessions.list(labels=["vip", "old"]) == []
    page = client.sessions.list(limit=1, sort="desc")
    assert isinstance(page, SessionListing)
    assert (page.items[0].id, page.has_more) == (made.id, page.total_count > 1)
    changed = client.sessions.update(
        made.id, title="Another loan", consumption_offsets={"client": 7}, metadata={"set": {"n": 1}, "unset": ["from"]},
        labels={"upsert": ["hot"], "remove": ["new"]}, customer_id="guest",
    )  # fmt: skip
    assert (changed.title, changed.consumption_offsets.client) == ("Another loan", 7)
    assert (changed.metadata, changed.labels, changed.customer_id) == ({"n": 1}, ["hot", "vip"], "guest")
    assert client.sessions.retrieve(made.id).title == "Another loan"
    for wrong in ({"agent_id": "nobody"}, {"customer_id": "nobody"}):
        with pytest.raises(UnprocessableEntityError):
            client.sessions.update(made.id, **wrong)
        with pytest.raises(UnprocessableEntityError):
            client.sessions.create(**{"agent_id": "agent", **wrong})
    client.sessions.delete(made.id)
    for gone in (lambda: client.sessions.retrieve(made.id), lambda: client.sessions.list_events(made.id)):
        with pytest.raises(NotFoundError):
            gone()
    other = client.sessions.create(agent_id="agent", customer_id=who.id)
    client.sessions.delete_many(customer_id=who.id)
    with pytest.raises(NotFoundError):
        client.sessions.retrieve(other.id)


def test_events_that_cannot_be_are_refused(client: ParlantClient, session: Session) -> None:
    wrong: list[dict[str, Any]] = [
        {"kind": "tool", "source": "system"}, {"kind": "message", "source": "customer"},
        {"kind": "message", "source": "ai_agent", "message": "Hello"}, {"kind": "status", "source": "ai_agent"},
        {"kind": "message", "source": "customer", "message": "x" * 100_000}, {"kind": "nonsense", "source": "customer"},
        {"kind": "message", "source": "human_agent", "message": "Hello"},
        {"kind": "message", "source": "customer", "message": "Hello", "moderation": "paranoid"},
        {"kind": "message", "source": "ai_agent", "guidelines": [{"action": "Greet"}]},
    ]  # fmt: skip
    for fields in wrong:
        with pytest.raises(ApiError) as error:
            client.sessions.create_event(session.id, **fields)
        assert error.value.status_code in (413, 422), fields
    assert client.sessions.list_events(session.id, wait_for_data=0) == []
    with pytest.raises(UnprocessableEntityError):
        client.sessions.create(agent_id="agent", allow_greeting=True)


def test_a_newer_message_is_answered_together_with_the_one_before(client: ParlantClient, session: Session) -> None:
    first = client.sessions.create_event(session.id, kind="message", source="customer", message="I want a refund")
    second = client.sessions.create_event(session.id, kind="message", source="customer", message="and I am angry")
    events: list[Event] = []
    for each in following(client, session, 0):
        events.append(each)
        if each.kind == "status" and each.data["status"] == "ready" and each.trace_id == second.trace_id:
            break
    said = [each for each in events if each.kind == "message"]
    assert [each.source for each in said][:2] == ["customer"] * 2 or said[1].trace_id == first.trace_id
    assert said[-1].trace_id == second.trace_id
    assert "Stay calm" in said[-1].data["message"]


def test_a_stream_tells_the_same(client: ParlantClient, session: Session, address: str) -> None:
    turn(client, session, "I want a refund")
    with web.stream("GET", f"{address}/sessions/{session.id}/events", params={"sse": True, "wait_for_data": 1}) as answer:  # fmt: skip
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = [line for line in answer.iter_lines() if line.startswith("data: ")]
    assert len(lines) == 6

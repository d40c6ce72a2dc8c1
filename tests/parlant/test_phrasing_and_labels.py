"""How replies are phrased and what conversations are called, through Parlant's client."""

from __future__ import annotations

from typing import Any

import pytest
from parlant.client import ParlantClient
from tests.parlant.conftest import policy_of

from jurat.engine.canned import NO_MATCH

pytestmark = pytest.mark.timeout(300)
MODES = {
    "fluid": "fluid", "canned_fluid": "canned_fluid", "composited_canned": "composited", "strict_canned": "strict",
}  # fmt: skip


def said(client: ParlantClient, message: str, session: str | None = None) -> tuple[str, str]:
    """The conversation and the last reply to a message in it."""
    id_ = session or client.sessions.create(agent_id="agent").id
    mine = client.sessions.create_event(id_, kind="message", source="customer", message=message)
    found: list[Any] = []
    while not found:
        events = client.sessions.list_events(id_, min_offset=mine.offset + 1, wait_for_data=30)
        found = [each for each in events if each.kind == "message" and each.source == "ai_agent"]
    return id_, found[-1].data["message"]


@pytest.mark.parametrize("mode", MODES)
def test_a_composition_mode_is_the_policy_s(client: ParlantClient, address: str, mode: str) -> None:
    guideline = client.guidelines.create(condition="The customer asks for a price", action="Say it", composition_mode=mode)  # fmt: skip
    journey = client.journeys.create(title="Loan", description="Be kind", conditions=["The customer wants a loan"], composition_mode=mode)  # fmt: skip
    agent = client.agents.update("agent", composition_mode=mode)
    try:
        assert policy_of(address).count(f"composition: {MODES[mode]}") == 3
        assert guideline.composition_mode == journey.composition_mode == agent.composition_mode == mode
        assert client.guidelines.retrieve(guideline.id).guideline.composition_mode == mode
        changed = client.guidelines.update(guideline.id, composition_mode="strict_canned").guideline
        assert changed.composition_mode == "strict_canned"
        assert client.journeys.update(journey.id, composition_mode="fluid").composition_mode == "fluid"
    finally:
        client.guidelines.delete(guideline.id)
        client.journeys.delete(journey.id)
        client.agents.update("agent", composition_mode="fluid")


def test_nothing_said_of_phrasing_is_shown_as_nothing(client: ParlantClient) -> None:
    assert client.guidelines.retrieve("refund").guideline.composition_mode is None
    assert client.journeys.retrieve("return").composition_mode is None
    assert client.agents.retrieve("agent").composition_mode == "fluid"


def test_a_strict_guideline_gives_a_canned_response_or_what_stands_for_none(client: ParlantClient) -> None:
    made = client.guidelines.create(condition="The customer asks for a price", composition_mode="strict_canned")
    _, reply = said(client, "the price?")
    client.guidelines.delete(made.id)
    assert reply == NO_MATCH, "no model wrote it"
    assert said(client, "the price?")[1] != reply, "without it the model has its own words"


def test_what_was_in_force_labels_the_conversation(client: ParlantClient) -> None:
    made = client.guidelines.create(
        condition="The customer asks for a price", action="Say it", labels=["buyer", "lead"]
    )
    journey = client.journeys.create(title="Loan", description="Be kind", conditions=["The customer wants a loan"], labels=["loan"])  # fmt: skip
    try:
        assert (made.labels, journey.labels) == (["buyer", "lead"], ["loan"])
        changed = client.guidelines.update(made.id, labels={"upsert": ["hot"], "remove": ["lead"]}).guideline
        assert changed.labels == ["buyer", "hot"]
        session, _ = said(client, "hello")
        assert client.sessions.retrieve(session).labels == []
        client.sessions.update(session, labels={"upsert": ["mine"]})
        said(client, "the price?", session)
        assert client.sessions.retrieve(session).labels == ["buyer", "hot", "mine"]
        said(client, "I want a loan", session)
        assert client.sessions.retrieve(session).labels == ["buyer", "hot", "loan", "mine"]
        assert [each.id for each in client.sessions.list(labels=["loan"])] == [session]  # type: ignore[union-attr]
    finally:
        client.guidelines.delete(made.id)
        client.journeys.delete(journey.id)
    session, _ = said(client, "the price?")
    assert client.sessions.retrieve(session).labels == [], "a label goes with its guideline"

"""What is decided of a situation or a conversation, why and why not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient
from tests.server.served import HELD, POLICY, agent, app

import jurat
from jurat.engine.describe import leaving_open
from jurat.policies import load, valuation_of
from jurat.policies.expr import key_of
from jurat.server.deciding import Decider

USUAL = {"origin": "https://elsewhere.example"}
"""A request from another page is not a plain one, so it goes through the framework."""


@pytest.fixture(scope="module", params=("quick", "through the framework"))
def client(request: pytest.FixtureRequest) -> Iterator[TestClient]:
    with TestClient(app(), headers=HELD if request.param == "quick" else HELD | USUAL) as client:
        yield client


def decided(client: TestClient, **question: Any) -> dict[str, Any]:
    answer = client.post("/v1/decide", json=question)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def refused(client: TestClient, **question: Any) -> str:
    answer = client.post("/v1/decide", json=question)
    assert answer.status_code == 422, answer.text
    return f"{answer.json()['error']['code']}: {answer.json()['error']['message']}"


def test_what_is_in_force_and_what_made_it_so(client: TestClient) -> None:
    told = decided(client, situation={"asks_upgrade": True, "customer.tier": "gold", "asks_refund": False})
    assert [each["id"] for each in told["in_force"]] == ["gold", "plain"]
    [gold] = [each for each in told["in_force"] if each["id"] == "gold"]
    assert {each["key"]: (each["value"], each["source"]) for each in gold["known"]} == {
        "asks_upgrade": (True, "given"),
        "customer.tier": ("gold", "fact"),
    }
    assert told["unknown"] == told["possible"] == told["dropped"] == []
    assert {each["text"] for each in told["actions"]} == {"Offer it for free", "Offer it for a price"}


def test_why_not_and_what_is_unknown(client: TestClient) -> None:
    situation = {"asks_upgrade": True, "asks_refund": None, "customer.tier": "standard"}
    told = decided(client, situation=situation, about=["gold", "plain"])
    assert [each["id"] for each in told["possible"]] == ["check", "first", "plain"]
    assert told["unknown"] == ["asks_refund"]
    assert told["dropped"] == [{"id": "plain", "reason": "overridden", "by": ["first"]}]
    assert [each["id"] for each in told["not_triggered"]] == ["gold"], "plain has another reason"
    assert told["not_triggered"][0]["known"] == [
        {"key": "customer.tier", "value": "standard", "source": "fact", "probability": None}
    ]
    assert decided(client, situation={"asks_upgrade": True, "asks_refund": False})["unknown"] == ["customer.tier"]


def test_both_ways_answer_alike_and_are_as_guarded() -> None:
    bodies: list[bytes] = [
        b'{"situation": {"asks_upgrade": true}, "about": ["gold"]}',
        b'{"situation": {"a": NaN}}',
        b'{"situation": [',
        b'{"situation": {}, "more": 1}',
        b'{"situation": {"asks_upgrade": 1e999}}',
        b'{"messages": [{"role": "user", "content": 7}]}',
        b"[]",
        b"",
        b'{"situation": {"\\ud800": true}}',
    ]
    kind = {"content-type": "application/json"}
    with TestClient(app()) as one, TestClient(app(), headers=USUAL) as other:
        for body in bodies:
            for headers in (HELD, {}, {"authorization": "Bearer no"}):
                found = [each.post("/v1/decide", content=body, headers={**kind, **headers}) for each in (one, other)]
                assert found[0].status_code == found[1].status_code, (body, headers, found[0].text, found[1].text)
                assert found[0].json() == found[1].json()
                ours, theirs = ({k: v for k, v in each.headers.items() if k != "content-length"} for each in found)
                assert ours == theirs


def test_a_conversation_is_judged_as_a_turn_would(client: TestClient) -> None:
    lines = [
        {"role": "user", "content": "hello"},
        {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": "an upgrade"},
    ]
    told = decided(client, messages=lines, facts={"customer.tier": "gold"})
    assert [each["id"] for each in told["in_force"]] == ["gold", "plain"]
    assert told["judgements"]["asks_upgrade"]["truth"] is True
    [known] = [each for each in told["in_force"][1]["known"] if each["key"] == "asks_upgrade"]
    assert known["source"] == "judged"
    asked = decided(client, messages=[{"role": "customer", "content": "a refund and an upgrade"}], agent="support")
    assert [each["id"] for each in asked["in_force"]] == ["check", "first"]
    assert client.get("/v1/versions").json()["versions"] == [], "nothing was stored"


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ({}, "malformed: give one of"),
        ({"situation": {}, "messages": [{"role": "user", "content": "a"}]}, "malformed: give one of"),
        ({"situation": {"asks_refnd": True}}, "did you mean `asks_refund`?"),
        ({"situation": {"asks_refund": "yes"}}, "refused: `asks_refund`"),
        ({"situation": {"customer.tier": "platinum"}}, "refused: `customer.tier`"),
        ({"situation": {}, "about": ["gld"]}, "unknown-name: `about`"),
        ({"situation": {}, "facts": {"customer.tier": "gold"}}, "malformed: a situation has its facts"),
        ({"messages": []}, "malformed: `messages`"),
        ({"messages": [{"role": "assistant", "content": "a"}]}, "malformed: `messages` ends with"),
        ({"messages": [{"role": "user", "content": "a"}], "facts": {"customer.verified": True}}, "refused: "),
        ({"messages": [{"role": "user", "content": "a" * 16_001}]}, "too-long: `content`"),
        ({"messages": [{"role": "user", "content": "a"}], "agent": "sale"}, "refused: the policy has no agent"),
        ({"situation": {}, "agent": "sale"}, "refused: the policy has no agent `sale`"),
        ({"messages": [{"role": "tool", "content": "a"}]}, "malformed: `messages.0.role` must be one of"),
    ],
)
def test_a_wrong_question_is_one_clear_answer(client: TestClient, question: dict[str, Any], said: str) -> None:
    answer = client.post("/v1/decide", json=question)
    assert answer.status_code in (409, 422), answer.text
    error = answer.json()["error"]
    assert said in f"{error['code']}: {error['message']}"


@pytest.mark.parametrize("way", [{}, USUAL], ids=["quick", "through the framework"])
@pytest.mark.parametrize("asked", [{"situation": {}}, {"messages": [{"role": "user", "content": "a"}]}])
def test_a_key_for_some_agents_asks_of_no_other(way: dict[str, str], asked: dict[str, Any]) -> None:
    with TestClient(app()) as client:
        wanted = {"name": "k", "scopes": ["decide"], "agents": ["support"]}
        key = client.post("/keys", json=wanted, headers=HELD).json()["key"]
        headers = {"authorization": f"Bearer {key}", **way}
        assert client.post("/v1/decide", json={**asked, "agent": "support"}, headers=headers).status_code == 200
        for other in ({"agent": "sales"}, {}):  # the first agent is another one
            answer = client.post("/v1/decide", json={**asked, **other}, headers=headers)
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
            assert "for other agents" in answer.text


TRUTH = st.sampled_from([True, False, None])
SITUATIONS = st.fixed_dictionaries(
    {},
    optional={
        "asks_refund": TRUTH,
        "asks_upgrade": TRUTH,
        "customer.tier": st.sampled_from(["standard", "gold", None]),
        "customer.verified": TRUTH,
    },
)


@given(SITUATIONS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_it_is_the_reference_that_decides(situation: dict[str, Any]) -> None:
    told = json.loads(DECIDER.situation(situation, list(GRAPH.entities)))
    meant = jurat.resolve(GRAPH, situation)
    assert tuple(each["id"] for each in told["in_force"]) == meant.in_force
    assert {each["id"] for each in told["possible"]} == set(meant.possible) - set(meant.in_force)
    assert {each["id"]: each["reason"] for each in told["dropped"]} == {g: d.reason for g, d in meant.dropped.items()}
    explained = {each["id"] for name in ("in_force", "possible", "dropped", "not_triggered") for each in told[name]}
    assert explained == set(GRAPH.entities), "everything has its reason"


GRAPH = jurat.load(POLICY)
DECIDER = Decider(agent().engine)


@pytest.mark.parametrize(
    ("condition", "values", "unknown"),
    [
        ("pays && !(has(paid) && paid)", {}, ["pays"]),
        ("pays && !(has(paid) && paid)", {"pays": True}, []),
        ("pays && paid", {}, ["paid", "pays"]),
        ("pays implies paid", {"pays": True}, ["paid"]),
        ("pays || paid", {"pays": True}, []),
    ],
)
def test_an_absent_fact_is_named_where_it_leaves_a_condition_open(
    condition: str, values: dict[str, bool], unknown: list[str]
) -> None:
    text = "jurat: 1\nfacts: {paid: bool}\nobservations: {pays: They pay}\nguidelines:\n  g: {when: CONDITION, action: Do it}\n"
    graph = load(text.replace("CONDITION", f"'{condition}'"))
    look = valuation_of(graph, values).look
    assert sorted(key_of(each) for each in leaving_open(graph.entities["g"].condition, look)) == unknown

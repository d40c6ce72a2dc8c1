"""The agent over HTTP, by a real server on the loopback address."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import httpx2
import pytest
from tests.server.conftest import shared
from tests.server.served import HELD, KEY

JSON = {"content-type": "application/json"}


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    """The environment of a server whose operator has the key."""
    return {**environment, "JURAT_API_KEY": KEY}


@pytest.fixture(scope="module")
def server(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The example policy, served by one whose operator has the key."""
    yield from shared(repository, tmp_path_factory.mktemp("served"), JURAT_API_KEY=KEY)


@pytest.fixture
def client(server: str) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=server, timeout=30) as client:
        yield client


def start(client: httpx2.Client, **facts: object) -> str:
    answer = client.post("/sessions", json={"facts": facts})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def events(client: httpx2.Client, session: str, message: str) -> list[tuple[str, Any]]:
    """The server-sent events of one turn."""
    answer = client.post(f"/sessions/{session}/messages", json={"message": message})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    blocks = [block.split("\n") for block in answer.text.strip().split("\n\n")]
    return [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in blocks]


def code(answer: httpx2.Response, status: int) -> str:
    """The code of an error, which has a message and nothing internal."""
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert set(error) == {"code", "message"}
    assert "Traceback" not in answer.text
    return str(error["code"])


def test_a_turn_streams_its_steps_and_sentences_and_then_the_turn(client: httpx2.Client) -> None:
    told = events(client, start(client), "I want a refund for order 1042")
    assert {name for name, _ in told[:-1]} == {"step", "text"}
    assert told[-1][0] == "turn"
    steps = [step for name, step in told if name == "step"]
    begun = [step["name"] for step in steps if step["seconds"] is None]
    ended = [step["name"] for step in steps if step["seconds"] is not None]
    assert "".join(each["text"] for name, each in told if name == "text") == told[-1][1]["reply"]
    assert sorted(begun) == sorted(ended)
    assert {"match", "resolve", "act", "respond"} <= set(begun)
    turn = told[-1][1]
    assert "158.90" in turn["reply"]
    assert {call["tool"] for call in turn["trace"]["calls"]} == {"check_order_status", "verify_return_policy"}


def test_a_turn_can_be_read_again(client: httpx2.Client) -> None:
    session = start(client)
    turn = events(client, session, "I want a refund for order 1042")[-1][1]
    shown = client.get(f"/sessions/{session}").json()
    assert shown["conversation"][0]["role"] == "customer"
    assert shown["conversation"][-1] == {"role": "agent", "text": turn["reply"]}
    assert shown["traces"] == [turn["id"]]
    assert client.get(f"/traces/{turn['id']}").json() == turn["trace"]


def test_facts_of_the_application_reach_the_policy(client: httpx2.Client) -> None:
    turn = events(client, start(client, **{"customer.tier": "platinum"}), "Can I get an upgrade?")[-1][1]
    assert turn["trace"]["decisions"] == {"upgrade_offer": "complimentary"}


def test_after_a_hand_off_a_human_answers(client: httpx2.Client) -> None:
    session = start(client)
    first = events(client, session, "this is ridiculous, get me a manager")[-1][1]
    assert (first["mode"], first["trace"]["handed_to"]) == ("manual", "human")
    assert events(client, session, "hello?")[-1][1]["reply"] is None


def test_sessions_do_not_know_each_other(client: httpx2.Client) -> None:
    one, other = start(client), start(client)
    events(client, one, "I want a refund for order 1042")
    assert client.get(f"/sessions/{other}").json()["conversation"] == []


def test_conversations_at_the_same_time_all_get_their_own_answer(client: httpx2.Client) -> None:
    replies: dict[int, str] = {}

    def talk(number: int) -> None:
        turn = events(client, start(client), f"I want a refund for order {number}")[-1][1]
        replies[number] = turn["reply"]

    threads = [threading.Thread(target=talk, args=(number,)) for number in range(1041, 1047)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(replies) == 6
    assert all(f"Order {number}" in reply for number, reply in replies.items())


@pytest.mark.parametrize("fact", [{"customer.teir": "gold"}, {"customer.tier": "golden"}, {"customer.verified": True}])
def test_facts_that_may_not_be_given_are_refused(client: httpx2.Client, fact: dict[str, object]) -> None:
    assert code(client.post("/sessions", json={"facts": fact}), 422) == "refused"


@pytest.mark.parametrize(
    ("content", "headers", "status", "expected"),
    [
        (b"{", JSON, 400, "malformed"),
        (b"\xff", JSON, 400, "malformed"),
        (b"[" * 50_000, JSON, 400, "malformed"),
        (b"[]", JSON, 422, "malformed"),
        (b'{"facts": []}', JSON, 422, "malformed"),
        (b'{"fact": {}}', JSON, 422, "unknown-field"),
        (b"{}", {"content-type": "text/plain"}, 415, "content-type"),
        (b'{"facts": {"a": "' + b"x" * 70_000 + b'"}}', JSON, 413, "too-large"),
    ],
)
def test_a_wrong_body_is_one_clear_answer(
    client: httpx2.Client, content: bytes, headers: dict[str, str], status: int, expected: str
) -> None:
    assert code(client.post("/sessions", content=content, headers=headers), status) == expected


def test_a_body_of_unknown_length_is_cut_off(client: httpx2.Client) -> None:
    pieces = (b"x" * 10_000 for _ in range(20))
    assert code(client.post("/sessions", content=pieces, headers=JSON), 413) == "too-large"


@pytest.mark.parametrize(
    ("message", "expected"), [("", "missing"), ("  ", "missing"), (7, "missing"), ("x" * 16_001, "too-long")]
)
def test_a_wrong_message_is_refused(client: httpx2.Client, message: object, expected: str) -> None:
    answer = client.post(f"/sessions/{start(client)}/messages", json={"message": message})
    assert code(answer, 422) == expected


@pytest.mark.parametrize(
    "path", ["/sessions/none", "/traces/none-1", "/traces/none", "/traces/-", "/nothing", "/static/../app.py"]
)
def test_what_is_not_there_is_said(client: httpx2.Client, path: str) -> None:
    code(client.get(path), 404)


def test_a_method_that_is_not_there_is_said(client: httpx2.Client) -> None:
    code(client.put("/sessions"), 405)


def test_another_host_name_is_refused(client: httpx2.Client) -> None:
    assert client.get("/about", headers={"host": "rebound.example"}).status_code == 400


def test_health_says_which_policy_is_served_and_whether_it_is_proved(client: httpx2.Client) -> None:
    health = client.get("/healthz").json()
    assert health["status"] == "ok"
    assert health["proved"] is True
    assert len(health["policy"]) == 64


def test_an_unproved_policy_says_so_everywhere(unproved_server: str) -> None:
    with httpx2.Client(base_url=unproved_server, timeout=30) as client:
        assert client.get("/healthz").json()["proved"] is False
        about = client.get("/about").json()
        assert (about["proved"], about["status"], about["findings"]) == (False, "failed", 4)
        turn = events(client, start(client), "I want an upgrade")[-1][1]
        assert turn["trace"]["unproved"] is True
        assert "conflicting-actions" in client.get("/policy", headers=HELD).text


def test_the_picture_of_the_policy_is_an_svg_without_scripts(client: httpx2.Client) -> None:
    assert client.get("/policy").status_code == 401
    answer = client.get("/policy", headers=HELD)
    assert answer.headers["content-type"].startswith("image/svg+xml")
    root = ET.fromstring(answer.text)  # noqa: S314 - our own
    assert not list(root.iter("{http://www.w3.org/2000/svg}script"))
    assert "refund-check" in answer.text


def test_everything_is_from_here_and_nobody_frames_it(client: httpx2.Client) -> None:
    page = client.get("/")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    for name in ("/static/page.js", "/static/why.js", "/static/api.js", "/static/dom.js", "/static/style.css", "/"):
        answer = client.get(name)
        assert answer.status_code == 200
        assert "http://" not in answer.text.replace("http://www.w3.org/2000/svg", "")
        assert "https://" not in answer.text
        assert "innerHTML" not in answer.text
        assert answer.headers["x-content-type-options"] == "nosniff"

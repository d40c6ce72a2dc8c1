"""New versions of the policy while it is served, by real servers that are stopped and started again."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient
from tests.store.serving import HELD, KEY, POLICY, Till, say

from jurat.engine import Engine, Toolbox
from jurat.llm import Condition, Judgement, Message
from jurat.llm.scripted import ScriptedJudge, ScriptedVoice
from jurat.policies import Report, load
from jurat.server.app import create_app
from jurat.server.opening import Agent
from jurat.server.settings import Settings

pytestmark = pytest.mark.timeout(300)
PLAIN = POLICY.replace("MORE ", "")
POLITE = PLAIN.replace("Say that it is paid", "Say that it is paid and thank the customer")
CONTRADICTORY = PLAIN + "  closed: {when: pays, forbid: [pay]}\n"


def numbers(client: httpx2.Client) -> tuple[int, list[int]]:
    found = client.get("/versions").json()
    return found["active"], [each["number"] for each in found["versions"]]


@pytest.fixture
def till(tmp_path: Path) -> Till:
    return Till(tmp_path, str(tmp_path / "store.db"))


def test_a_version_is_proved_takes_effect_is_compared_and_taken_back(till: Till) -> None:
    with till.serving() as (client, _):
        assert numbers(client) == (1, [1])
        first = client.get("/versions/1").json()
        assert (first["origin"], first["status"], list(first["files"])) == ("file", "passed", ["policy.yaml"])
        assert first["report"]["digest"] == first["digest"] == client.get("/healthz").json()["policy"]

        session = str(client.post("/sessions", json={}).json()["id"])
        say(client, session, "hello")
        made = client.post("/versions", json={"policy": POLITE, "comment": "be polite"})
        assert made.status_code == 201, made.text
        assert (made.json()["number"], made.json()["active"], made.json()["comment"]) == (2, True, "be polite")
        assert client.get("/healthz").json()["policy"] == made.json()["digest"]
        _, turn = say(client, session, "I pay 50")
        assert turn["trace"]["policy"] == made.json()["digest"]
        assert "the policy has changed since the last turn" in turn["trace"]["notes"]
        assert [each["status"] for each in turn["trace"]["calls"]] == ["succeeded"], "the tools are beside the policy"

        diff = client.get("/versions/2/diff").json()
        assert (diff["status"], diff["before"]["path"], diff["after"]["path"]) == (
            "different",
            "version 1",
            "version 2",
        )
        assert client.get("/versions/2/diff", params={"against": 2}).json()["status"] == "equivalent"

        back = client.post("/versions/1/rollback", json={"comment": "too polite"})
        assert (back.status_code, back.json()["active"]) == (200, True)
        assert client.get("/healthz").json()["policy"] == first["digest"]
        effects = client.get("/versions").json()["activations"]
        assert [(each["version"], each["comment"], each["author"]) for each in effects] == [
            (1, "too polite", "JURAT_API_KEY"),
            (2, "be polite", "JURAT_API_KEY"),
            (1, "", None),
        ]


def test_agents_guidelines_and_journeys_are_changed_one_by_one(till: Till) -> None:
    with till.serving() as (client, _):
        session = str(client.post("/sessions", json={}).json()["id"])
        say(client, session, "hello")
        thanks = {
            "when": "pays && session.started",
            "action": "Say hello, and that it takes a moment",
            "criticality": "low",
        }
        loan = {
            "triggers": ["pays"], "initial": "ask", "rank": 1,
            "states": {"ask": {"say": "Ask for the amount", "to": [{"when": "pays", "state": "done"}]}, "done": {"end": True}},
        }  # fmt: skip
        change = {"guidelines": {"greet": thanks}, "journeys": {"loan": loan}, "agents": {}}
        assert client.post("/versions", json={"change": change}).status_code == 422, "a section without parts"
        del change["agents"]
        made = client.post("/versions", json={"change": change, "of": 1, "comment": "greet"})
        assert made.status_code == 201, made.text
        text = client.get("/versions/2").json()["files"]["policy.yaml"]
        assert text.startswith(client.get("/versions/1").json()["files"]["policy.yaml"].rstrip()[:200]), (
            "the rest stays as it was"
        )
        assert load(text).journeys["loan"].rank == 1
        assert client.get("/versions/2/diff").json()["status"] == "different"
        say(client, session, "I pay 50")
        assert client.get("/healthz").json()["policy"] == made.json()["digest"]

        said = {
            "agent": "x",
            "guidelines": {"greet": None, "receipt": {"when": 'succeeded("pay")', "action": "Say it is paid"}},
        }
        assert client.post("/versions", json={"change": said}).json()["error"]["code"] == "malformed"
        del said["agent"]
        assert client.post("/versions", json={"change": said}).json()["number"] == 3
        after = load(client.get("/versions/3").json()["files"]["policy.yaml"])
        assert "greet" not in after.guidelines
        assert after.guidelines["receipt"].actions[0].text == "Say it is paid"  # type: ignore[union-attr]
        assert list(after.journeys) == ["loan"]

        clash = {"guidelines": {"closed": {"when": "pays", "forbid": ["pay"]}}}
        for wrong, status, code in (
            ({"change": {"guidelines": {"nobody": None}}}, 422, "change"),
            ({"change": {"guidelines": {"greet": thanks}}, "of": 1}, 409, "other-version"),
            ({"change": {"guidelines": {"greet": {"actoin": "Go"}}}}, 422, "unreadable"),
            ({"change": clash}, 422, "not-proved"),
            ({"change": {"guidelnes": {"greet": thanks}}}, 422, "malformed"),
            ({"change": {}, "of": 1}, 422, "malformed"),
            ({"change": clash, "policy": PLAIN}, 422, "malformed"),
            ({"of": 3, "policy": PLAIN}, 422, "malformed"),
            ({"change": {"guidelines": {"greet": {"action": "\ud800"}}}}, 422, "malformed"),
            ({"change": {"services": {"afar": {"mcp": ["touch", "x"]}}}}, 422, "tools"),
        ):
            headers = {"content-type": "application/json"}
            answer = client.post("/versions", content=json.dumps(wrong), headers=headers)
            assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), answer.text
        assert numbers(client) == (3, [3, 2, 1])
        assert client.post("/versions/1/rollback", json={}).status_code == 200
        assert (
            client.post("/versions", json={"change": {"guidelines": {"greet": thanks}}, "of": 1}).json()["number"] == 4
        )
        assert load(client.get("/versions/4").json()["files"]["policy.yaml"]).journeys == {}, "of the one in effect"


def test_a_version_from_afar_starts_no_program(till: Till, tmp_path: Path) -> None:
    mark = tmp_path / "started"
    service = f"services:\n  afar: {{mcp: [touch, {mark}]}}\ntools:\n  more: {{mcp: afar/more}}\n"
    with till.serving() as (client, _):
        refused = client.post("/versions", json={"policy": PLAIN.replace("tools:\n", service, 1)})
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "tools"), refused.text
    assert "service `afar` is not declared so by the policy in effect" in refused.text
    assert not mark.exists()


def test_what_does_not_pass_is_refused_with_its_findings_and_the_old_one_stays(till: Till) -> None:
    with till.serving() as (client, _):
        digest = client.get("/healthz").json()["policy"]
        refused = client.post("/versions", json={"policy": CONTRADICTORY})
        assert (refused.status_code, refused.json()["error"]["code"]) == (422, "not-proved")
        assert "conflicting-actions" in [each["name"] for each in refused.json()["report"]["findings"]]

        unreadable = client.post("/versions", json={"files": {"a.yaml": "jurat: 1\nguidelnes: {}\n"}})
        assert (unreadable.status_code, unreadable.json()["error"]["code"]) == (422, "unreadable")
        [error] = unreadable.json()["errors"]
        assert (error["span"]["source"], error["span"]["line"]) == ("a.yaml", 2)

        outside = client.post("/versions", json={"policy": "jurat: 1\ninclude: [../../../../etc/passwd]\n"})
        assert outside.json()["errors"][0]["message"].endswith("is not among the files given")
        toolless = PLAIN.replace("tools:pay", "tools:pya")
        assert client.post("/versions", json={"policy": toolless}).json()["error"]["code"] == "tools"
        for wrong in (
            {}, {"policy": 1}, {"policy": "a", "files": {}}, {"files": {"../a.yaml": ""}}, {"files": {"a.txt": ""}},
            {"files": {"a.yaml": 1}}, {"policy": PLAIN, "comment": 7}, {"policy": PLAIN, "commment": ""},
        ):  # fmt: skip
            assert client.post("/versions", json=wrong).status_code == 422, wrong
        for path in ("/versions/9", "/versions/1/diff"):
            assert client.get(path).status_code == 404
        assert client.post("/versions/9/rollback", json={}).status_code == 404
        assert numbers(client) == (1, [1])
        assert client.get("/healthz").json()["policy"] == digest


def test_a_version_survives_a_restart_until_the_disk_says_otherwise(till: Till) -> None:
    with till.serving() as (client, process):
        made = client.post("/versions", json={"policy": POLITE}).json()
        process.kill()
    with till.serving() as (client, _):
        assert client.get("/healthz").json()["policy"] == made["digest"]
        assert numbers(client) == (2, [2, 1])
        session = str(client.post("/sessions", json={}).json()["id"])
        _, turn = say(client, session, "I pay 50")
        assert [each["status"] for each in turn["trace"]["calls"]] == ["succeeded"]
    policy = till.folder / "policy/policy.yaml"
    policy.write_text(policy.read_text().replace("Cashier", "Teller"))
    with till.serving() as (client, _):
        assert client.get("/about").json()["agent"] == "Teller"
        assert numbers(client) == (3, [3, 2, 1])


class Slow(ScriptedJudge):
    """Answers when it is let go."""

    def __init__(self) -> None:
        super().__init__({"asks": True})
        self.begun, self.go = threading.Event(), threading.Event()

    async def judge(self, conversation: Sequence[Message], conditions: Sequence[Condition]) -> list[Judgement]:
        self.begun.set()
        await asyncio.to_thread(self.go.wait, 60)
        return await super().judge(conversation, conditions)


SERVICED = """
jurat: 1
observations: {asks: The customer asks}
services: {orders: {mcp: ["${PYTHON}", "${SERVER}"]}}
tools: {check: {mcp: orders/check}}
guidelines:
  answer: {when: asks, action: Answer}
"""


def started(name: str) -> list[str]:
    """The processes of a server that this one has started."""
    command = ["pgrep", "-P", str(os.getpid()), "-f", name]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()


def test_the_engine_before_leaves_its_services_once_its_turn_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mcp")
    server = Path(__file__).parents[1] / "engine/mcp/mcp_orders.py"
    monkeypatch.setenv("PYTHON", sys.executable)
    monkeypatch.setenv("SERVER", str(server))
    (tmp_path / "policy.yaml").write_text(SERVICED)
    graph, judge = load(tmp_path / "policy.yaml"), Slow()
    report = Report(graph.digest, (), (), 1, 0)
    toolbox = Toolbox.load(graph, tmp_path)
    engine = Engine(graph, judge, ScriptedVoice(lambda request: "well"), toolbox, report=report)
    [first] = started(server.name)
    with TestClient(create_app(Agent(engine, report), None, tmp_path, Settings(master=KEY)), headers=HELD) as client:
        session = client.post("/sessions", json={}).json()["id"]
        turn = threading.Thread(target=lambda: say(client, session, "one?"))  # type: ignore[arg-type]
        turn.start()
        assert judge.begun.wait(60)
        made = client.post("/versions", json={"policy": SERVICED.replace("action: Answer", "action: Answer well")})
        assert made.status_code == 201, made.text
        time.sleep(0.5)
        assert len(started(server.name)) == 2, "the turn may call its tools until it has ended"
        judge.go.set()
        turn.join(60)
        until = time.monotonic() + 100
        while len(started(server.name)) > 1:
            assert time.monotonic() < until
            time.sleep(0.05)
        assert first not in started(server.name)
        client.portal.call(asyncio.to_thread, client.app.state.service.agent.engine.toolbox.close)  # type: ignore[union-attr, attr-defined]
    assert started(server.name) == []


def test_a_turn_that_runs_ends_under_the_version_that_it_began_with(tmp_path: Path) -> None:
    old = "jurat: 1\nobservations: {asks: The customer asks}\nguidelines: {answer: {when: asks, action: Answer}}\n"
    new = old.replace("{answer:", "{reply:")
    graph, judge = load(old), Slow()
    report = Report(graph.digest, (), (), 1, 0)
    engine = Engine(graph, judge, ScriptedVoice(lambda request: "well"), Toolbox(graph), report=report)
    with TestClient(create_app(Agent(engine, report), None, tmp_path, Settings(master=KEY)), headers=HELD) as client:
        session = client.post("/sessions", json={}).json()["id"]
        turns: list[Any] = []
        first = threading.Thread(target=lambda: turns.append(say(client, session, "one?")))  # type: ignore[arg-type]
        first.start()
        assert judge.begun.wait(60)
        made = client.post("/versions", json={"policy": new}).json()
        assert not turns
        judge.go.set()
        first.join(60)
        turns.append(say(client, session, "two?"))  # type: ignore[arg-type]  # it has httpx2's methods
    policies = [turn["trace"]["policy"] for _, turn in turns]
    assert policies == [graph.digest, made["digest"]]
    held = [[each["id"] for each in turn["trace"]["rounds"][-1]["in_force"]] for _, turn in turns]
    assert held == [["answer"], ["reply"]]

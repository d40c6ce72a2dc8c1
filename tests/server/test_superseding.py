"""Over HTTP: a second message before the first is answered, with a model that is slow."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

import httpx2
import pytest
import uvicorn

from jurat.engine import Engine, Toolbox
from jurat.llm import Condition, Judgement, Message
from jurat.llm.scripted import ScriptedJudge, ScriptedVoice
from jurat.policies import Report, load
from jurat.server.app import create_app
from jurat.server.opening import Agent

POLICY = """
jurat: 1
observations: {asks: The customer asks}
guidelines: {answer: {when: asks, action: Answer}}
"""


class Slow(ScriptedJudge):
    """Takes its time with what has no second message in it yet."""

    def __init__(self) -> None:
        super().__init__({"asks": ["?"]})
        self.began = threading.Event()

    async def judge(self, conversation: Sequence[Message], conditions: Sequence[Condition]) -> list[Judgement]:
        if "\n" not in conversation[-1].text:
            self.began.set()
            await asyncio.sleep(60)
        return await super().judge(conversation, conditions)


@pytest.fixture
def served() -> Iterator[tuple[httpx2.Client, Slow]]:
    graph, judge = load(POLICY), Slow()
    report = Report(graph.digest, (), (), 1, 0)
    engine = Engine(graph, judge, ScriptedVoice(lambda request: "well"), Toolbox(graph), report=report)
    config = uvicorn.Config(create_app(Agent(engine, report)), host="127.0.0.1", port=0, log_level="error", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
        yield client, judge
    server.should_exit = True
    thread.join(20)


def last_event(client: httpx2.Client, session: str, message: str) -> tuple[str, Any]:
    answer = client.post(f"/sessions/{session}/messages", json={"message": message})
    name, data = answer.text.strip().split("\n\n")[-1].split("\n")
    return name.removeprefix("event: "), json.loads(data.removeprefix("data: "))


def test_the_first_stream_ends_and_the_second_answers_both(served: tuple[httpx2.Client, Slow]) -> None:
    client, judge = served
    session = str(client.post("/sessions", json={"facts": {}}).json()["id"])
    first: list[tuple[str, Any]] = []
    thread = threading.Thread(target=lambda: first.append(last_event(client, session, "Where is my order?")))
    thread.start()
    assert judge.began.wait(20)
    name, turn = last_event(client, session, "It is number 1042")
    thread.join(20)
    assert first == [("error", {"error": {"code": "superseded", "message": "a newer message came; both are answered together"}})]  # fmt: skip
    assert (name, turn["reply"]) == ("turn", "well")
    assert [each["id"] for each in turn["trace"]["rounds"][0]["in_force"]] == ["answer"], "the first was heard too"
    shown = client.get(f"/sessions/{session}").json()
    assert [each["role"] for each in shown["conversation"]] == ["customer", "customer", "agent"]
    assert shown["traces"] == [f"{session}-1", f"{session}-2"]
    superseded = client.get(f"/traces/{session}-1").json()
    assert superseded["notes"] == ["a newer message came; both are answered together"]
    assert shown["running"] is False

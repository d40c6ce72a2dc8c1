"""A turn whose model's server misbehaves in the middle: it ends, nothing opens, and what is asked for is said."""

from __future__ import annotations

import asyncio
import inspect
import json
import math
from collections.abc import Iterator
from typing import Any

import pytest
import stamina
from tests.llm.raw_server import (
    Answer,
    Raw,
    chat,
    chunk,
    completion,
    error,
    flood,
    garbage,
    half,
    http,
    raw_server,
    reset,
    stream,
    trickle,
    usual,
)

from jurat.engine import Engine, Toolbox, Turn
from jurat.llm.backends.server import ServerBackend
from jurat.llm.backends.wire import ATTEMPTS
from jurat.llm.batching import Batching
from jurat.llm.calibration import Calibration
from jurat.llm.judge import ScoringJudge
from jurat.llm.voice import ModelVoice
from jurat.policies import load

GRAPH = load(
    inspect.cleandoc("""
    jurat: 1
    observations:
      wants_money: The customer asks for a refund
      calm: The customer is calm
    tools:
      pay: {python: "tools:pay", consequential: true, guard: calm}
    guidelines:
      pay: {when: wants_money, tools: [pay], on_unknown: ask}
    """)
)
SKEWED = Calibration(slope=1.0, intercept=3.0, low=0.2, high=0.8)
"""Takes a score of one half for true."""


@pytest.fixture(autouse=True)
def at_once() -> Iterator[None]:
    stamina.set_testing(True, attempts=ATTEMPTS, cap=True)
    yield
    stamina.set_testing(False)


FAULTS: dict[str, Answer] = {
    "a page": http("<html>", kind="text/html"),
    "broken": http("{nope"),
    "not UTF-8": http(b'{"choices": "\xff"}'),
    "null": http("null"),
    "nothing": http(""),
    "nested": http("[" * 100_000),
    "no choices": http({"choices": []}),
    "nan": completion({" yes": math.nan, " no": math.nan}),
    "neither": completion({" perhaps": -0.1, " what": -3.0}),
    "no probabilities": http({"choices": [{"index": 0, "text": " yes"}]}),
    "prose": chat("Sure, yes to everything"),
    "pieces of nothing": stream(chunk(None), "data: [DONE]\n\n"),
    "unauthorised": error("401 Unauthorized"),
    "gone": error("404 Not Found", "the model does not exist"),
    "busy": error("429 Too Many Requests", retry_after="3600"),
    "failed": error("500 Internal Server Error"),
    "moved": error("308 Permanent Redirect", location="http://127.0.0.1:1/"),
    "too long": error("400 Bad Request", "This model's maximum context length is 5 tokens, you asked for 9 tokens"),
    "reset": reset,
    "half": half,
    "garbage": garbage,
    "slow": trickle,
    "flood": flood,
}


def turn_of(raw: Raw, fault: Answer, *, logprobs: bool) -> tuple[Turn, list[str]]:
    paid: list[str] = []

    async def run() -> Turn:
        backend = Batching(await ServerBackend.connect(raw.url, answer_seconds=1.0))
        judge, voice = ScoringJudge(backend, calibration=SKEWED), ModelVoice(backend)
        engine = Engine(GRAPH, judge, voice, Toolbox(GRAPH, {"pay": lambda: paid.append("paid")}), unproved=True)
        raw.handlers = {"/completions": lambda _, __: fault}
        try:
            return await asyncio.wait_for(engine.turn(engine.start_session(), "I want my money back"), 30)
        finally:
            await backend.close()

    if not logprobs:
        raw.handlers["/v1/completions"] = lambda _, __: error("400 Bad Request")
    return asyncio.run(run()), paid


@pytest.mark.parametrize("logprobs", [True, False])
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_server_that_begins_to_misbehave(fault: Answer, logprobs: bool) -> None:
    with raw_server(Raw()) as raw:
        turn, paid = turn_of(raw, fault, logprobs=logprobs)
    assert paid == []
    assert [call.status for call in turn.calls] == []
    assert {each.truth for each in turn.trace.rounds[0].asked} == {None}
    assert turn.response is not None
    assert turn.response.text
    explained = "\n".join(turn.trace.explain())
    assert "Traceback" not in explained
    json.dumps(turn.trace.as_json(), allow_nan=False)


def test_a_server_that_behaves_pays() -> None:
    """The turns above could have paid."""

    def answer(path: str, body: Any) -> Answer:
        false = "horse" in str(body.get("prompt", "")).rpartition("Conversation:")[2]
        return completion({" yes": -3.0, " no": -0.05}) if false else usual(path, body)

    with raw_server(Raw({"/v1/completions": answer})) as raw:

        async def run() -> list[str]:
            paid: list[str] = []
            backend = await ServerBackend.connect(raw.url)
            judge = ScoringJudge(backend, calibration=Calibration(1.0, 0.0, 0.2, 0.8))
            box = Toolbox(GRAPH, {"pay": lambda: paid.append("paid")})
            engine = Engine(GRAPH, judge, ModelVoice(backend), box, unproved=True)
            await engine.turn(engine.start_session(), "I want my money back")
            await backend.close()
            return paid

        assert asyncio.run(run()) == ["paid"]

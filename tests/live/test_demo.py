"""The two conversations of the demonstration, with the real model, tools and database."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

import jurat as package
from jurat.engine import Turn
from jurat.llm.backends.embedded import EmbeddedBackend
from jurat.llm.models import DEFAULT_MODEL, pull
from jurat.server.opening import Agent, open_with_backend, toolbox_of

pytestmark = [pytest.mark.live, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def run() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def agent(repository: Path, run: asyncio.Runner) -> Iterator[Agent]:
    path = repository / "examples/support"
    graph = package.load(path)
    opening = open_with_backend(
        graph,
        package.check(graph),
        toolbox_of(graph, str(path)),
        run.run(EmbeddedBackend.load(pull(DEFAULT_MODEL))),
        unproved=False,
    )
    agent = run.run(opening)
    yield agent
    run.run(agent.close())


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fresh database."""
    monkeypatch.setenv("JURAT_SUPPORT_DB", str(tmp_path / "shop.sqlite"))


def talk(agent: Agent, run: asyncio.Runner, *messages: str) -> list[Turn]:
    """The turns of one conversation; what explains them is shown when a test fails."""
    session = agent.engine.start_session()
    turns = [run.run(agent.engine.turn(session, message)) for message in messages]
    for turn in turns:
        print(f"\n{turn.message}\n{turn.response.text if turn.response else None}", *turn.trace.explain(), sep="\n  ")
    return turns


def test_a_refund_calls_the_real_order_tool_and_answers_from_its_data(agent: Agent, run: asyncio.Runner) -> None:
    (turn,) = talk(agent, run, "I want a refund for order 1042")
    calls = {call.tool: call for call in turn.calls}
    assert calls["check_order_status"].status == "succeeded"
    assert calls["check_order_status"].arguments == {"order_id": "1042"}
    assert turn.trace.decisions == {"refund": "granted"}
    assert turn.trace.handed_to is None
    assert turn.response is not None
    assert turn.response.source == "voice"
    assert "158.90" in turn.response.text
    told = "\n".join(turn.trace.explain())
    assert "in force: refund-check, because `asks_refund` is true (judged, " in told
    assert "tool check_order_status(order_id=1042) succeeded" in told


def test_a_request_for_a_manager_hands_off(agent: Agent, run: asyncio.Runner) -> None:
    (turn,) = talk(agent, run, "this is ridiculous, get me a manager")
    assert turn.trace.handed_to == "human"
    assert [(call.tool, call.status) for call in turn.calls] == [("transfer_to_human", "succeeded")]
    told = "\n".join(turn.trace.explain())
    assert "in force: escalate, because `wants_human` is true (judged, " in told
    assert "handed off to human" in told


def test_a_manager_in_the_middle_of_a_refund_still_hands_off(agent: Agent, run: asyncio.Runner) -> None:
    first, second = talk(agent, run, "I want a refund for order 1042", "this is ridiculous, get me a manager")
    assert first.trace.decisions == {"refund": "granted"}
    assert second.trace.handed_to == "human"
    assert "issue_refund" not in {call.tool for turn in (first, second) for call in turn.calls}

"""An agent with the shortcut of very large policies: what is left unasked stands in the trace, and nothing starts without a threshold."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest
from tests.llm.canned import Canned
from tests.llm.openai_server import Manners, serving

import jurat.sdk as p
from jurat import check
from jurat.llm import BackendError
from jurat.llm.prefilter import PROBE, Prefilter, Threshold
from jurat.llm.protocol import Vector
from jurat.llm.thresholds import store
from jurat.policies import load
from jurat.server.opening import Agent, open_with_backend, toolbox_of
from jurat.server.prefiltering import Embeddings, connect
from jurat.server.sdk.errors import SDKError
from jurat.server.sdk.opening import Minds

T = TypeVar("T")
POLICY = """\
jurat: 1
observations:
  refund: The customer wants a refund
  parking: Somebody asks about parking places
  unsafe: {text: Somebody is unsafe, critical: true}
guidelines:
  refunds: {when: refund, action: Explain refunds}
  parks: {when: parking, action: Tell where to park}
  help: {when: unsafe, action: Offer help}
"""


@pytest.fixture(autouse=True)
def kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("JURAT_CALIBRATIONS", str(tmp_path / "kept"))
    (tmp_path / "policy.yaml").write_text(POLICY, "utf-8")
    return tmp_path / "policy.yaml"


def fitted(url: str) -> None:
    """Keep a threshold for the server's model."""

    async def probe() -> Vector:
        embedder = await connect(Embeddings(url))
        try:
            return (await embedder.embed([PROBE]))[0]
        finally:
            await embedder.close()

    store(Threshold(0.35, 1.0, asyncio.run(probe())), "tiny")


def opened(policy: Path, url: str, what: Callable[[Agent], Awaitable[T]]) -> T:
    async def run() -> T:
        graph = load(policy)
        parts = (graph, check(graph), toolbox_of(graph, policy), Canned(text="Fine."))
        agent = await open_with_backend(*parts, unproved=True, embeddings=Embeddings(url))
        try:
            return await what(agent)
        finally:
            await agent.close()

    return asyncio.run(run())


def test_what_nothing_resembles_is_left_unasked_and_the_trace_says_so(kept: Path) -> None:
    async def talk(agent: Agent) -> list[tuple[str, bool | None, str]]:
        turn = await agent.engine.turn(agent.engine.start_session(), "I want a refund for the lamp")
        return [(each.observation, each.truth, each.evidence) for each in turn.trace.rounds[0].asked]

    with serving(Manners()) as url:
        fitted(url)
        asked = opened(kept, url, talk)
    assert {key for key, _, _ in asked} == {"refund", "parking", "unsafe"}
    assert [(key, truth) for key, truth, evidence in asked if "not asked" in evidence] == [("parking", False)]


def test_what_may_be_left_out_is_learned_before_the_first_message(kept: Path) -> None:
    manners = Manners()

    async def talk(agent: Agent) -> list[list[str]]:
        await agent.engine.turn(agent.engine.start_session(), "I want a refund for the lamp")
        return [body["input"][1:] for path, body in manners.asked if path == "/v1/embeddings"]

    with serving(manners) as url:
        fitted(url)
        manners.asked.clear()
        *_, learned, said = opened(kept, url, talk)
    assert sorted(learned) == ["Somebody asks about parking places", "The customer wants a refund"]
    assert "I want a refund for the lamp" in said
    assert not set(said) & set(learned)


def test_the_page_still_finds_what_the_judge_takes_for_known(kept: Path) -> None:
    async def bands(agent: Agent) -> object:
        judge = agent.engine.judge
        assert isinstance(judge, Prefilter)
        assert judge.band is not None
        return judge.band("The customer wants a refund")

    with serving(Manners()) as url:
        fitted(url)
        assert opened(kept, url, bands) == (0.1, 0.9)


def test_without_a_threshold_nothing_starts(kept: Path) -> None:
    with serving(Manners()) as url, pytest.raises(BackendError, match="jurat calibrate CASES --embeddings"):
        opened(kept, url, lambda _: asyncio.sleep(0))


def test_a_program_names_the_embedding_model_or_its_environment_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JURAT_EMBEDDINGS", "http://localhost:1")
    assert Minds().embeddings == "http://localhost:1"
    assert Minds(embeddings="http://localhost:2").embeddings == "http://localhost:2"
    assert Minds(model="any").embeddings == "http://localhost:1"
    with pytest.raises(SDKError, match="give that too"):
        p.Server(embedding_model="e5")
    with pytest.raises(SDKError, match="shortcut before a model"):
        p.Server(embeddings="http://localhost:1", script="x.yaml")

"""vLLM as a server of its own, over HTTP on the loopback device; started and stopped here."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.llm.openai_server import free_port

import jurat
from jurat.engine import Engine, Toolbox
from jurat.llm import BackendError, Condition, Message
from jurat.llm.backends import scoring
from jurat.llm.backends.server import ServerBackend
from jurat.llm.backends.wire import Wire
from jurat.llm.errors import ContextTooLong
from jurat.llm.judge import ANSWERS, ScoringJudge
from jurat.llm.prompts import chat
from jurat.llm.typed import by_key, choice, truths, typed
from jurat.llm.voice import ModelVoice

START_SECONDS = 600
TALK = (Message("customer", "I want a refund for order 1042"),)
CONDITIONS = [Condition(f"c{n}", f"The customer asks for item {n}") for n in range(70)]
SCHEMA = {"type": "object", "properties": {"order_id": {"type": "string"}}, "required": ["order_id"]}
POLICY = """
jurat: 1
observations: {asks: The customer asks for a refund}
tools: {refund: {python: "tools:refund", consequential: true, guard: asks}}
guidelines: {pay: {when: asks, tools: [refund], on_unknown: act}}
"""


class Server:
    """A vLLM server in a process group of its own, so that its children end with it."""

    def __init__(self, folder: Path, log: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = log
        command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", str(folder)]
        command += ["--host", "127.0.0.1", "--port", str(self.port), "--served-model-name", "tiny"]
        command += ["--max-model-len", "4096", "--dtype", "bfloat16", "--enforce-eager", "--block-size", "32"]
        environment = {
            **os.environ, "HF_HUB_OFFLINE": "1", "VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind",
            "VLLM_NO_USAGE_STATS": "1", "OMP_NUM_THREADS": "2", "OMP_WAIT_POLICY": "PASSIVE",
        }  # fmt: skip
        self._process = subprocess.Popen(
            command, env=environment, stdout=log.open("w"), stderr=subprocess.STDOUT, start_new_session=True
        )

    def wait(self) -> None:
        end = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > end:
                pytest.fail(f"vLLM's server did not start:\n{self._log.read_text()[-4000:]}")
            time.sleep(0.5)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=2) as answer:  # noqa: S310 - our own address
                return bool(answer.status == 200)
        except OSError:
            return False

    def stop(self) -> None:
        for sign in (signal.SIGTERM, signal.SIGKILL):
            if self._process.poll() is None:
                os.killpg(self._process.pid, sign)
                try:
                    self._process.wait(30)
                except subprocess.TimeoutExpired:
                    continue


@pytest.fixture(scope="module")
def server(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    found = Server(tiny_folder, tmp_path_factory.mktemp("vllm") / "log")
    try:
        found.wait()
        yield found
    finally:
        found.stop()


@pytest.fixture(scope="module")
def run() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def backend(server: Server, run: asyncio.Runner) -> Iterator[ServerBackend]:
    model = run.run(ServerBackend.connect(server.url))
    yield model
    run.run(model.close())


def test_it_is_found_out_that_vllm_scores_by_token(backend: ServerBackend) -> None:
    assert backend.name == "tiny"
    assert backend.ungraded == ""
    assert type(backend._scorer).__name__ == "ByToken"


def test_more_conditions_than_a_request_takes_come_back_in_order(backend: ServerBackend, run: asyncio.Runner) -> None:
    found = run.run(ScoringJudge(backend, defended=False).judge(TALK, CONDITIONS))
    assert [each.observation for each in found] == [each.key for each in CONDITIONS]
    assert all(0 < (each.probability or 0) < 1 for each in found)
    alone = run.run(ScoringJudge(backend, defended=False).judge(TALK, CONDITIONS[66:67]))[0]
    assert alone.probability == pytest.approx(found[66].probability, abs=0.06)


def test_a_chat_gives_probabilities_of_as_many_tokens_as_the_server_allows(
    server: Server, run: asyncio.Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "CHAT_TOP_TOKENS", (21, *scoring.CHAT_TOP_TOKENS))  # vLLM refuses more than 20
    wire = Wire(server.url, None)
    chats = scoring.ByChat(wire, "tiny")
    assert run.run(chats.works())
    judge = ScoringJudge(ServerBackend(wire, "tiny", "0", None, chats), defended=False)
    found = run.run(judge.judge(TALK, CONDITIONS[:10]))
    assert [each.observation for each in found] == [each.key for each in CONDITIONS[:10]]
    assert all(0 < (each.probability or 0) < 1 for each in found)
    run.run(wire.client.close())


def test_typed_answers_arguments_and_replies(backend: ServerBackend, run: asyncio.Runner) -> None:
    chosen = run.run(typed(backend, "Tea or coffee?", choice(["tea", "coffee"]), max_tokens=30))
    assert chosen.model_dump()["choice"] in ("tea", "coffee")
    both = by_key(run.run(typed(backend, "Is it so?", truths(["it rains", "it snows"]), max_tokens=60)))
    assert set(both) == {"it rains", "it snows"}
    voice = ModelVoice(backend)
    found = run.run(voice.arguments(TALK, "check_order", "Looks an order up", SCHEMA))
    assert found.values.get("order_id", "1042") == "1042"
    pieces: list[str] = []
    text = run.run(backend.generate(chat("Be kind.", "Hello"), max_tokens=20, on_text=pieces.append))
    assert len(pieces) > 5
    assert "".join(pieces) == text


def test_a_prompt_that_is_too_long_says_by_how_much(backend: ServerBackend, run: asyncio.Runner) -> None:
    with pytest.raises(ContextTooLong) as caught:
        run.run(backend.score("word " * 8000, ["a"], ANSWERS))
    assert (caught.value.limit, caught.value.tokens > 4096) == (4096, True)


def test_an_answer_of_several_tokens_is_refused(backend: ServerBackend, run: asyncio.Runner) -> None:
    with pytest.raises(BackendError, match="tokens for `tiny`, and must be one"):
        run.run(backend.score("", [], (" certainly so", " no")))


def test_another_model_is_refused(server: Server, run: asyncio.Runner) -> None:
    with pytest.raises(BackendError, match="does not serve `huge`; it serves `tiny`"):
        run.run(ServerBackend.connect(server.url, "huge"))


def test_a_server_that_dies_leaves_guards_shut_and_a_human_on_offer(server: Server, run: asyncio.Runner) -> None:
    """The last test here: it ends the server."""
    ran: list[str] = []
    backend = run.run(ServerBackend.connect(server.url))
    graph = jurat.load(POLICY)
    toolbox = Toolbox(graph, {"refund": lambda: ran.append("refund") or "paid"})
    engine = Engine(graph, ScoringJudge(backend), ModelVoice(backend), toolbox, unproved=True)
    server.stop()
    turn = run.run(engine.turn(engine.start_session(), "I want a refund"))
    assert ran == []
    assert "cannot be reached" in turn.trace.notes[0]
    assert turn.response is not None
    assert turn.response.source == "safe"
    assert "human colleague" in turn.response.text
    run.run(backend.close())

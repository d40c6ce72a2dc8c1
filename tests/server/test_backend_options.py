"""Choosing on the command line what runs the model: a server over real HTTP, and a recording of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.llm.openai_server import Manners, free_port, serving

from .conftest import Jurat

POLICY = """\
jurat: 1
observations: {asks: The customer asks for a refund}
guidelines: {hear: {when: asks, action: Hear them out}}
"""


@pytest.fixture
def policy(tmp_path: Path) -> str:
    file = tmp_path / "policy.yaml"
    file.write_text(POLICY, "utf-8")
    return str(file)


@pytest.fixture
def manners() -> Manners:
    return Manners(key="secret")


@pytest.fixture
def url(manners: Manners, environment: dict[str, str]) -> Iterator[str]:
    environment["JURAT_SERVER_KEY"] = "secret"
    with serving(manners) as found:
        yield found


def test_a_conversation_with_a_server_is_recorded_and_replayed_without_it(
    jurat: Jurat, policy: str, url: str, manners: Manners, tmp_path: Path
) -> None:
    tape = str(tmp_path / "talk.cassette")
    said = ("chat", policy, "--message", "I want a refund", "--json")
    live = jurat(*said, "--url", url, "--cassette", tape)
    assert live.returncode == 0, live.stderr
    told = json.loads(live.stdout)
    assert told["reply"] == "Hello there"
    assert told["judge"] == "tiny"
    asked = len(manners.asked)
    again = jurat(*said, "--backend", "cassette", "--cassette", tape)
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["reply"] == told["reply"]
    assert len(manners.asked) == asked
    other = jurat("chat", policy, "--message", "I want tea", "--backend", "cassette", "--cassette", tape)
    assert other.returncode == 2
    assert "has no recording of" in other.stderr
    assert "secret" not in Path(tape).read_text("utf-8") + live.stdout + live.stderr


def test_answers_without_probabilities_are_marked_in_the_trace(
    jurat: Jurat, policy: str, url: str, manners: Manners
) -> None:
    manners.logprobs = False
    done = jurat("chat", policy, "--message", "I want a refund", "--json", "--url", url)
    (asked,) = json.loads(done.stdout)["rounds"][0]["asked"]
    assert (asked["truth"], asked["probability"]) == (True, None)
    assert "no probabilities" in asked["evidence"]
    assert "the server gives no probabilities, so each condition is a plain yes or no" in done.stderr


def test_a_lower_way_of_scoring_is_said_at_the_start(
    jurat: Jurat, policy: str, url: str, manners: Manners, tmp_path: Path
) -> None:
    manners.logprobs, manners.chat_logprobs = False, True
    said = ("chat", policy, "--message", "I want a refund", "--json", "--url", url)
    done = jurat(*said, "--cassette", str(tmp_path / "tape"))
    assert "each condition is a chat of one token" in done.stderr
    (asked,) = json.loads(done.stdout)["rounds"][0]["asked"]
    assert asked["probability"] == pytest.approx(0.9)
    assert "not calibrated" in asked["evidence"]
    manners.logprobs = True
    assert "each condition" not in jurat(*said).stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--backend", "server"), "give --url"),
        (("--backend", "vllm", "--url", "http://localhost"), "leave one of them out"),
        (("--backend", "cassette"), "give --cassette FILE"),
        (("--backend", "cassette", "--cassette", "x", "--model", "y"), "leave --model out"),
        (("--backend", "cassette", "--cassette", "nowhere.cassette"), "cannot read the recording"),
        (("--url", "nonsense"), "is not the address of a server"),
        (("--url", "http://127.0.0.1:{port}"), "cannot be reached"),
        (("--url", "http://localhost", "--script", "x.yaml"), "a script stands in for a model"),
        (("--backend", "vllm"), "`make vllm` builds an environment"),
    ],
)
def test_what_cannot_be_is_one_sentence_and_status_2(
    jurat: Jurat, policy: str, options: tuple[str, ...], words: str
) -> None:
    given = [each.format(port=free_port()) for each in options]
    done = jurat("chat", policy, "--message", "hi", *given)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr

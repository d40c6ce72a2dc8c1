"""Recorded answers are replayed without the model that gave them, and nothing else is."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from tests.llm.canned import Canned

from jurat.llm import BackendError, Condition, LLMError, Message
from jurat.llm.backends.cassette import CassetteBackend
from jurat.llm.errors import CassetteMiss
from jurat.llm.judge import ANSWERS, ScoringJudge

TALK = (Message("customer", "I want a refund"),)
REFUND, BYE = Condition("refund", "The customer asks for a refund"), Condition("bye", "The customer says goodbye")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "talk.cassette"


def recorded(file: Path, source: Canned | None = None) -> CassetteBackend:
    backend = CassetteBackend.record(file, source or Canned(text="Hello"))
    asyncio.run(ScoringJudge(backend).judge(TALK, [REFUND, BYE]))
    asyncio.run(backend.generate("Say hello", {"type": "object"}, max_tokens=10))
    return backend


def test_a_replay_answers_as_the_model_did(file: Path) -> None:
    live = asyncio.run(ScoringJudge(Canned()).judge(TALK, [REFUND, BYE]))
    recorded(file)
    replay = CassetteBackend.replay(file)
    assert asyncio.run(ScoringJudge(replay).judge(TALK, [REFUND, BYE])) == live
    pieces: list[str] = []
    text = asyncio.run(replay.generate("Say hello", {"type": "object"}, max_tokens=10, on_text=pieces.append))
    assert text == "".join(pieces) == "Hello"
    assert (replay.name, replay.digest) == ("canned", "0")


def test_conditions_are_recorded_one_by_one(file: Path) -> None:
    recorded(file)
    replay = ScoringJudge(CassetteBackend.replay(file))
    assert [each.observation for each in asyncio.run(replay.judge(TALK, [BYE]))] == ["bye"]


@pytest.mark.parametrize("what", ["condition", "message", "prompt", "schema", "length"])
def test_a_miss_is_an_error_and_no_unknown_answer(file: Path, what: str) -> None:
    recorded(file)
    replay = CassetteBackend.replay(file)
    questions = {
        "condition": lambda: ScoringJudge(replay).judge(TALK, [Condition("x", "The customer sings")]),
        "message": lambda: ScoringJudge(replay).judge((Message("customer", "Bye"),), [REFUND]),
        "prompt": lambda: replay.generate("Say goodbye", {"type": "object"}, max_tokens=10),
        "schema": lambda: replay.generate("Say hello", {"type": "string"}, max_tokens=10),
        "length": lambda: replay.generate("Say hello", {"type": "object"}, max_tokens=11),
    }
    with pytest.raises(CassetteMiss, match="has no recording of") as caught:
        asyncio.run(questions[what]())
    assert not isinstance(caught.value, BackendError)
    assert isinstance(caught.value, LLMError)


def test_another_revision_of_the_model_finds_nothing(file: Path) -> None:
    recorded(file)
    lines = file.read_text("utf-8").splitlines()
    head = {**json.loads(lines[0]), "revision": "1"}
    file.write_text("\n".join([json.dumps(head), *lines[1:]]), "utf-8")
    with pytest.raises(CassetteMiss):
        asyncio.run(ScoringJudge(CassetteBackend.replay(file)).judge(TALK, [REFUND]))


def test_a_recording_is_gone_on_with_by_the_same_model_only(file: Path) -> None:
    recorded(file)
    before = len(file.read_text("utf-8").splitlines())
    again = Canned(text="Hello")
    recorded(file, again)
    assert again.prefixes == []
    assert len(file.read_text("utf-8").splitlines()) == before
    other = Canned()
    other.digest = "1"
    with pytest.raises(BackendError, match="another revision"):
        CassetteBackend.record(file, other)


def test_that_there_are_no_probabilities_is_recorded_too(file: Path) -> None:
    source = Canned()
    source.ungraded = "no probabilities here"  # type: ignore[attr-defined]
    backend = CassetteBackend.record(file, source)
    asyncio.run(backend.score("", ["refund"], ANSWERS))
    assert CassetteBackend.replay(file).ungraded == "no probabilities here"


@pytest.mark.parametrize("content", ["", "{}", "not json", '["x"]', '{"cassette": 99}'])
def test_what_is_no_recording_is_said_in_one_line(file: Path, content: str) -> None:
    file.write_text(content, "utf-8")
    with pytest.raises(BackendError, match="recording") as caught:
        CassetteBackend.replay(file)
    assert "\n" not in str(caught.value)


def test_a_missing_recording_is_said(file: Path) -> None:
    with pytest.raises(BackendError, match="cannot read the recording"):
        CassetteBackend.replay(file)

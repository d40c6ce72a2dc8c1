"""Recorded answers are replayed without the model that gave them, and nothing else is."""

from __future__ import annotations

import asyncio
import itertools
import json
import math
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.llm.canned import Canned

from jurat.llm import BackendError, Condition, LLMError, Message, ReplyRequest
from jurat.llm.backends.cassette import CassetteBackend
from jurat.llm.errors import CassetteMiss
from jurat.llm.judge import ANSWERS, ScoringJudge
from jurat.llm.protocol import CutOff
from jurat.llm.voice import ModelVoice
from jurat.llm.wording import LAYOUT

TALK = (Message("customer", "I want a refund"),)
REFUND, BYE = Condition("refund", "The customer asks for a refund"), Condition("bye", "The customer says goodbye")


ROOT = Path(__file__).parents[2]
PATHS = {"PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "src")))}


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


ODD = "a\u2028b\u2029c\u0085d\x1ee\x0bf\x0c\r\ng"
"""Every character that ends a line for Python and not for JSON."""


@pytest.mark.parametrize("text", [ODD, "half a pair: \ud800"])
def test_every_text_is_replayed(file: Path, text: str) -> None:
    live = asyncio.run(CassetteBackend.record(file, Canned(text=text)).generate(text, max_tokens=3))
    assert live == text
    assert asyncio.run(CassetteBackend.replay(file).generate(text, max_tokens=3)) == text


def test_that_a_reply_ran_out_of_tokens_is_replayed(file: Path) -> None:
    request = ReplyRequest("Bot", "An agent", TALK)
    first = asyncio.run(ModelVoice(recorded(file, Canned(text=CutOff("We are open. You")))).reply(request))
    assert asyncio.run(ModelVoice(CassetteBackend.replay(file)).reply(request)) == first == "We are open."


def test_that_the_model_gave_neither_answer_is_replayed(file: Path) -> None:
    class Neither(Canned):
        async def score(self, prefix: str, suffixes: Sequence[str], answers: tuple[str, str]) -> list[float]:
            return [math.nan] * len(suffixes)

    asyncio.run(CassetteBackend.record(file, Neither()).score("", ["x"], ANSWERS))
    assert math.isnan(asyncio.run(CassetteBackend.replay(file).score("", ["x"], ANSWERS))[0])


def entry(file: Path, **changed: object) -> None:
    """Change the last line of a recording."""
    *lines, last = file.read_text("utf-8").splitlines()
    file.write_text("\n".join([*lines, json.dumps({**json.loads(last), **changed})]) + "\n", "utf-8")


@pytest.mark.parametrize("answer", [None, "0.5", "high", [1], {"a": 1}, 5, -1, True, float("inf")])
def test_a_score_that_is_none_is_damage(file: Path, answer: object) -> None:
    asyncio.run(CassetteBackend.record(file, Canned()).score("", ["x"], ANSWERS))
    entry(file, answer=answer)
    for begin in (CassetteBackend.replay, lambda path: CassetteBackend.record(path, Canned())):
        with pytest.raises(BackendError, match="is not a recording"):
            begin(file)


@pytest.mark.parametrize("answer", [None, 5, [1], {}])
def test_a_text_that_is_none_is_damage(file: Path, answer: object) -> None:
    asyncio.run(CassetteBackend.record(file, Canned(text="Hello")).generate("x", max_tokens=3))
    entry(file, answer=answer)
    with pytest.raises(BackendError, match="is not a recording"):
        CassetteBackend.replay(file)


@pytest.mark.parametrize(
    "line", [b"[" * 100_000, b"\xff\xfe", b"\0" * 9, b"5", b"null", b'{"key": 5, "asked": {}, "answer": 1}']
)
def test_a_damaged_line_is_damage(file: Path, line: bytes) -> None:
    recorded(file)
    file.write_bytes(file.read_bytes() + line + b"\n")
    with pytest.raises(BackendError, match="is not a recording"):
        CassetteBackend.replay(file)


@pytest.mark.parametrize("cut", [1, 20, 60])
def test_a_recording_that_was_broken_off_is_replayed_and_gone_on_with(file: Path, cut: int) -> None:
    recorded(file)
    whole = file.read_bytes()
    file.write_bytes(whole[:-cut])
    CassetteBackend.replay(file)
    recorded(file)
    assert file.read_bytes() == whole


def test_a_recording_is_not_gone_on_with_where_probabilities_come_or_go(file: Path) -> None:
    recorded(file)
    source = Canned()
    source.ungraded = "no probabilities here"  # type: ignore[attr-defined]
    with pytest.raises(BackendError, match="another revision"):
        CassetteBackend.record(file, source)


def test_an_answer_that_could_not_be_written_is_not_taken_for_recorded(file: Path) -> None:
    backend = CassetteBackend.record(file, Canned())
    file.unlink()
    file.mkdir()
    for _ in range(2):
        with pytest.raises(BackendError, match="cannot write the recording"):
            asyncio.run(backend.score("", ["x"], ANSWERS))


@pytest.mark.parametrize("place", ["missing/x.cassette", "."])
def test_a_place_that_cannot_be_written_to_is_said(tmp_path: Path, place: str) -> None:
    with pytest.raises(BackendError, match="cannot write the recording"):
        CassetteBackend.record(tmp_path / place, Canned())


RECORD = """
import asyncio, sys
from tests.llm.canned import Canned
from jurat.llm.backends.cassette import CassetteBackend
from jurat.llm.judge import ANSWERS
backend = CassetteBackend.record(sys.argv[1], Canned(text="x" * 20_000))
for n in range(60):
    asyncio.run(backend.score("both", [str(n)], ANSWERS))
    asyncio.run(backend.generate(f"{sys.argv[2]} {n}", max_tokens=3))
"""


def test_processes_that_record_at_the_same_time_do_not_harm_each_other(file: Path) -> None:
    who = [
        subprocess.Popen([sys.executable, "-c", RECORD, str(file), str(n)], env=os.environ | PATHS) for n in range(3)
    ]
    assert [each.wait(60) for each in who] == [0, 0, 0]
    replay = CassetteBackend.replay(file)
    assert asyncio.run(replay.score("both", [str(n) for n in range(60)], ANSWERS)) == [0.05] * 60
    for who_, n in itertools.product(range(3), range(60)):
        assert len(asyncio.run(replay.generate(f"{who_} {n}", max_tokens=3))) == 20_000
    assert file.read_text("utf-8").count('"cassette"') == 1


def test_what_was_too_long_is_replayed_as_too_long(file: Path) -> None:
    room = len(LAYOUT.prefix([Message("customer", "Hi")]))
    talk = [Message("customer", f"{n} {'word ' * 20}") for n in range(8)]

    async def both(backend: CassetteBackend) -> tuple[object, str]:
        found = await ScoringJudge(backend).judge(talk, [REFUND, BYE])
        return found, await ModelVoice(backend).reply(ReplyRequest("Bot", "An agent", tuple(talk)))

    source = Canned(text="Hello", limit=room + 300)
    live = asyncio.run(both(CassetteBackend.record(file, source)))
    assert asyncio.run(both(CassetteBackend.replay(file))) == live
    assert "without the oldest" in live[0][0].evidence  # type: ignore[index]


@pytest.mark.parametrize("answer", [{}, {"tokens": 5}, {"tokens": "5", "limit": 3}, {"tokens": True, "limit": 3}])
def test_a_length_that_is_none_is_damage(file: Path, answer: object) -> None:
    asyncio.run(CassetteBackend.record(file, Canned(text="Hello")).generate("x", max_tokens=3))
    entry(file, answer=answer)
    with pytest.raises(BackendError, match="is not a recording"):
        CassetteBackend.replay(file)

"""What is remembered of a judge, for how long, and that nothing of its failures is."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from tests.llm.canned import Canned

from jurat.llm import BackendError, Condition, Judgement, Message, UnscriptedCondition
from jurat.llm.conversation import together
from jurat.llm.judge import Calibration, ScoringJudge
from jurat.llm.scripted import ScriptedJudge
from jurat.llm.sensor import Sensor, window_digest

REFUND, HELLO, ODD = Condition("a", "wants a refund"), Condition("b", "says hello"), Condition("c", "perhaps")
TALK = [Message("customer", "Money back!")]


class Counted(Canned):
    """Canned, and counts what it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.scored = 0
        self.down = False

    async def score(self, prefix: str, suffixes: Sequence[str], answers: tuple[str, str]) -> list[float]:
        if self.down:
            raise BackendError("out of memory")
        self.scored += len(suffixes)
        return await super().score(prefix, suffixes, answers)


def ask(sensor: Sensor, *conditions: Condition, talk: Sequence[Message] = TALK) -> list[Judgement]:
    return asyncio.run(sensor.judge(talk, list(conditions)))


def counted(**more: Any) -> tuple[Sensor, Counted]:
    backend = Counted()
    return Sensor(
        ScoringJudge(backend, calibration=Calibration(1.0, 0.0, 0.2, 0.7), defended=False),
        **{"seconds": 5.0, "kept": 100, **more},
    ), backend


def test_only_what_was_not_asked_before_is_asked() -> None:
    sensor, backend = counted()
    first = ask(sensor, REFUND, ODD)
    second = ask(sensor, HELLO, ODD, REFUND)
    assert backend.scored == 3
    assert [(each.observation, each.recalled) for each in second] == [("b", False), ("c", True), ("a", True)]
    assert [second[2].truth, second[1].truth] == [first[0].truth, first[1].truth], "an undecided answer is one too"


def test_another_conversation_wording_or_calibration_is_another_question() -> None:
    sensor, backend = counted()
    ask(sensor, REFUND)
    ask(sensor, REFUND, talk=[*TALK, Message("tool", "look: shipped")])
    ask(sensor, REFUND, talk=[Message("agent", TALK[0].text)])
    ask(sensor, Condition("a", "asks for a refund"))
    assert backend.scored == 4
    loose, strict = (
        ScoringJudge(backend, calibration=Calibration(1.0, 0.0, *band), defended=False) for band in ((0.1, 0.9), (0, 1))
    )
    assert loose.identity != strict.identity


def test_texts_that_could_be_taken_for_others_have_digests_of_their_own() -> None:
    talks = [[("customer", "a"), ("agent", "b")], [("customer", "a agent 1 b")], [("customer", "ab")], []]
    digests = {window_digest([Message(role, text) for role, text in talk]) for talk in talks}  # type: ignore[arg-type]
    assert len(digests) == 4


def test_the_answer_used_least_recently_makes_room() -> None:
    sensor, backend = counted(kept=2)
    ask(sensor, REFUND, HELLO)
    ask(sensor, REFUND)
    ask(sensor, ODD)
    assert [each.recalled for each in ask(sensor, REFUND)] == [True]
    assert [each.recalled for each in ask(sensor, HELLO)] == [False]
    assert backend.scored == 4


def test_a_failure_is_not_remembered() -> None:
    sensor, backend = counted()
    backend.down = True
    with pytest.raises(BackendError, match="out of memory"):
        ask(sensor, REFUND)
    backend.down = False
    (found,) = ask(sensor, REFUND)
    assert (found.truth, found.recalled) == (True, False)


def test_a_judge_without_an_identity_is_asked_each_time() -> None:
    judge = ScriptedJudge({"a": True})
    sensor = Sensor(judge, seconds=5.0, kept=10)
    assert not any(each.recalled for _ in range(2) for each in ask(sensor, REFUND))
    assert len(judge.asked) == 2
    sensor, backend = counted(kept=0)
    ask(sensor, REFUND)
    ask(sensor, REFUND)
    assert backend.scored == 2


class Broken:
    """A judge that answers whatever it is told to."""

    name = "broken"

    def __init__(self, *found: Judgement, error: Exception | None = None, seconds: float = 0.0) -> None:
        self.found, self.error, self.seconds = found, error, seconds

    async def judge(self, conversation: Sequence[Message], conditions: Sequence[Condition]) -> list[Judgement]:
        await asyncio.sleep(self.seconds)
        if self.error:
            raise self.error
        return list(self.found)


@pytest.mark.parametrize(
    ("judge", "said"),
    [
        (Broken(), "answered others"),
        (Broken(Judgement("b", False, 0.1)), "answered others"),
        (Broken(Judgement("a", False, 0.1), Judgement("a", True, 0.9)), "answered others"),
        (Broken(Judgement("a", False, float("nan"))), "is no answer"),
        (Broken(Judgement("a", True, 1.5)), "is no answer"),
        (Broken(Judgement("a", "no", None)), "is no answer"),  # type: ignore[arg-type]
        (Broken(Judgement("a", 1, None)), "is no answer"),  # type: ignore[arg-type]
        (Broken(Judgement("a", True, "high")), "is no answer"),  # type: ignore[arg-type]
        (Broken(None), "gave no judgements"),  # type: ignore[arg-type]
        (Broken(True), "gave no judgements"),  # type: ignore[arg-type]
        (Broken({"a": True}), "gave no judgements"),  # type: ignore[arg-type]
        (Broken(error=KeyError("choices")), "KeyError"),
        (Broken(error=ConnectionError("refused")), "ConnectionError"),
        (Broken(seconds=9.0), "did not answer within 0.05 s"),
    ],
)
def test_what_is_no_answer_is_a_failure_and_never_false(judge: Broken, said: str) -> None:
    with pytest.raises(BackendError, match=said):
        ask(Sensor(judge, seconds=0.05, kept=10), REFUND)


def test_a_script_without_an_answer_stays_an_error_of_its_author() -> None:
    with pytest.raises(UnscriptedCondition):
        ask(Sensor(ScriptedJudge({}), seconds=5.0, kept=10), REFUND)


def test_what_was_not_answered_yet_is_one_message() -> None:
    one, two, three = (Message("customer", text) for text in ("one", "two", "three"))
    agent, tool = Message("agent", "yes?"), Message("tool", "look: ok")
    assert together([one, agent, two, tool, three]) == (one, agent, tool, Message("customer", "two\nthree"))
    assert together([one, agent, two, tool]) == (one, agent, two, tool)
    assert together([one, two, agent]) == (one, two, agent)
    assert together([]) == ()


def test_a_judge_that_gives_nothing_at_all_has_failed() -> None:
    class Nothing(Broken):
        async def judge(self, conversation: Sequence[Message], conditions: Sequence[Condition]) -> Any:
            return None

    with pytest.raises(BackendError, match="gave no judgements"):
        ask(Sensor(Nothing(), seconds=5.0, kept=10), REFUND)


def test_what_is_remembered_does_not_grow_with_the_judges_identity() -> None:
    class Wordy(Broken):
        identity = "x" * 1_000_000

    sensor = Sensor(Wordy(Judgement("a", True, 0.9)), seconds=5.0, kept=10)
    assert [each.recalled for each in (*ask(sensor, REFUND), *ask(sensor, REFUND))] == [False, True]
    assert all(len(part) < 100 for key in sensor._answers for part in key[:-1])

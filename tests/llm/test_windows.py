"""Each condition is judged with as much of a long conversation as fits with it, whatever else is asked."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.llm.canned import Canned

from jurat.llm import Condition, Message
from jurat.llm.batching import Batching
from jurat.llm.calibration import Calibration
from jurat.llm.errors import ContextTooLong
from jurat.llm.judge import ScoringJudge
from jurat.llm.protocol import Scoring

PLAIN = Calibration(slope=1.0, intercept=0.0, low=0.2, high=0.8)
ROOM = 300
"""Characters that the context has for conversation and statement, beyond the instructions."""


class Narrow(Canned):
    """Has a context as narrow as told; a score is decided by every character of the question."""

    def __init__(self, room: int = ROOM) -> None:
        super().__init__(limit=0)
        layout = ScoringJudge(Canned(), calibration=PLAIN)._layout
        self.context = len(layout.prefix([])) + room
        self.calls = 0

    async def score(self, prefix: str, suffixes: Sequence[str], answers: tuple[str, str]) -> list[float]:
        self.calls += 1
        longest = max(map(len, suffixes), default=0) + len(prefix)
        if longest > self.context:
            raise ContextTooLong(longest, self.context)
        return [value(prefix, each) for each in suffixes]


class NarrowMany(Narrow):
    async def score_many(self, requests: Sequence[Scoring], answers: tuple[str, str]) -> list[Any]:
        found: list[Any] = []
        for each in requests:
            try:
                found.append(await self.score(each.prefix, each.suffixes, answers))
            except ContextTooLong as error:
                found.append(error)
        return found


def value(prefix: str, suffix: str) -> float:
    if "horse" in suffix:
        return 0.1
    if "There is a conversation" in suffix:
        return 0.9
    return int.from_bytes(hashlib.sha256((prefix + suffix).encode()).digest()[:4]) / 2**32


TALK = [Message("customer", f"{n} " + "word " * 6) for n in range(12)]
LONG = Condition("long", "The customer " + "y" * 250)
TOO_LONG = Condition("too long", "z" * 1000)
SHORT = Condition("short", "The customer asks")


def judged(*conditions: Condition, defended: bool = True) -> list[Any]:
    judge = ScoringJudge(Narrow(), calibration=PLAIN, defended=defended)
    return asyncio.run(judge.judge(TALK, conditions))


@pytest.mark.parametrize("defended", [True, False])
@pytest.mark.parametrize("other", [LONG, TOO_LONG])
def test_a_long_condition_takes_no_room_from_a_short_one(defended: bool, other: Condition) -> None:
    (alone,) = judged(SHORT, defended=defended)
    assert "without the oldest" in alone.evidence
    assert judged(other, SHORT, defended=defended)[1] == alone
    assert judged(SHORT, other, defended=defended)[0] == alone


def test_a_condition_that_does_not_fit_at_all_is_unknown_and_says_so() -> None:
    found = judged(SHORT, TOO_LONG, LONG)[1]
    assert (found.truth, found.probability) == (None, None)
    assert found.evidence == "the condition does not fit into the model's context"


def test_a_message_that_does_not_fit_fails_the_judge() -> None:
    judge = ScoringJudge(Narrow(10), calibration=PLAIN)
    with pytest.raises(ContextTooLong):
        asyncio.run(judge.judge(TALK, [SHORT]))


def test_a_long_conversation_costs_two_refusals_a_step_however_many_conditions_there_are() -> None:
    backend = Narrow()
    conditions = [Condition(str(n), f"It is {n}") for n in range(100)]
    asyncio.run(ScoringJudge(backend, calibration=PLAIN).judge(TALK, conditions))
    assert backend.calls <= 2 * 5 + 1


LENGTHS = st.integers(0, 400)


@given(
    st.lists(LENGTHS, min_size=1, max_size=8),
    st.lists(st.integers(0, 120), min_size=1, max_size=10),
    st.randoms(use_true_random=False),
    st.booleans(),
    st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_an_answer_hangs_on_no_other_condition_however_long_that_is(
    lengths: list[int], said: list[int], random: Any, many: bool, defended: bool
) -> None:
    talk = [Message(random.choice(["customer", "agent", "tool"]), "x" * length) for length in said]
    conditions = [Condition(str(n), f"{n} {'s' * length}") for n, length in enumerate(lengths)]

    async def run() -> None:
        backend = Batching(NarrowMany() if many else Narrow(), piece=random.randint(1, 5))
        judge = ScoringJudge(backend, calibration=PLAIN, defended=defended)

        async def ask(some: Sequence[Condition]) -> dict[str, Any]:
            try:
                return {each.observation: each for each in await judge.judge(talk, some)}
            except ContextTooLong:
                return {each.key: None for each in some}

        alone = {key: each for one in conditions for key, each in (await ask([one])).items()}
        some = [random.sample(conditions, random.randint(1, len(conditions))) for _ in range(3)]
        for found in await asyncio.gather(*map(ask, some)):
            if defended:
                assert found.items() <= alone.items()
            else:  # without controls a condition that fits nowhere is an error where it is asked for alone
                fits = {key: each for key, each in found.items() if each and each.probability is not None}
                assert fits.items() <= alone.items()

    asyncio.run(run())

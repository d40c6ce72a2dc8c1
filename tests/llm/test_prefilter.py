"""The shortcut before the judge: what it leaves unasked, and that it fails towards asking."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest
from tests.llm.openai_server import Manners, serving

from jurat.llm import BackendError, Condition, Judgement, Message
from jurat.llm.backends.embedding import ServerEmbedder
from jurat.llm.errors import CalibrationError
from jurat.llm.prefilter import MOST_PIECES, PIECE, Prefilter, Resemblance, Threshold, checked
from jurat.llm.sensor import Sensor
from jurat.llm.thresholds import FEWEST, file_of, fitted, store, stored

T = TypeVar("T")

TALK = [Message("customer", "I want a refund for the broken lamp.")]
REFUND = Condition("refund", "The customer wants a refund", critical=False)
PARKING = Condition("parking", "Somebody asks where to park", critical=False)
DANGER = Condition("danger", "Somebody says they are unsafe")
THRESHOLD = Threshold(0.35, 0.99, (1.0,))


class Yes:
    """Says yes, and keeps what it was asked."""

    name = "yes"
    identity = "yes 1"

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def judge(self, conversation: Sequence[Message], conditions: Sequence[Condition]) -> list[Judgement]:
        self.asked += [each.key for each in conditions]
        return [Judgement(each.key, True, 0.9) for each in conditions]


def using(url: str, what: Callable[[ServerEmbedder], Awaitable[T]]) -> T:
    """What is done with the embedding model at an address, which is closed then."""

    async def run() -> T:
        embedder = await ServerEmbedder.connect(url)
        try:
            return await what(embedder)
        finally:
            await embedder.close()

    return asyncio.run(run())


def judged(*conditions: Condition, talk: Sequence[Message] = TALK) -> tuple[list[Judgement], list[str]]:
    """What is answered, and what the judge was asked."""
    judge = Yes()
    with serving(Manners()) as url:
        found = using(url, lambda embedder: Prefilter(judge, embedder, THRESHOLD).judge(talk, conditions))
    return found, judge.asked


def test_what_nothing_resembles_is_false_and_not_asked_unless_it_is_critical() -> None:
    found, asked = judged(PARKING, DANGER, REFUND)
    assert [(each.observation, each.truth) for each in found] == [
        ("parking", False),
        ("danger", True),
        ("refund", True),
    ]
    assert asked == ["danger", "refund"]
    assert "nothing in the conversation resembles it" in found[0].evidence
    assert found[0].probability is None


def test_an_answer_does_not_hang_on_what_else_is_asked() -> None:
    alone = [judged(each)[0][0] for each in (PARKING, REFUND)]
    assert alone == judged(REFUND, DANGER, PARKING)[0][::-2]


def test_what_is_said_in_the_middle_of_a_long_message_is_not_drowned() -> None:
    words = "mountains rivers birds clouds " * 50
    found, _ = judged(REFUND, PARKING, talk=[Message("customer", f"{words} I want a refund for the lamp. {words}")])
    assert [each.truth for each in found] == [True, False]


@pytest.mark.parametrize(
    "talk",
    [[], [Message("tool", "paid")], [Message("customer", "x " * PIECE * MOST_PIECES)]],
    ids=["none", "tool", "much"],
)
def test_where_there_is_nothing_to_compare_or_too_much_all_is_asked(talk: list[Message]) -> None:
    assert judged(PARKING, talk=talk)[1] == ["parking"]


def test_where_the_embedding_model_fails_all_is_asked_and_said_so() -> None:
    manners, judge = Manners(), Yes()

    async def ask(embedder: ServerEmbedder) -> list[Judgement]:
        manners.key = "changed meanwhile"
        return await Prefilter(judge, embedder, THRESHOLD).judge(TALK, [PARKING, DANGER])

    with serving(manners) as url:
        found = using(url, ask)
    assert judge.asked == ["parking", "danger"]
    assert all("embedding model failed" in each.evidence for each in found)


def test_vectors_of_statements_are_asked_for_once() -> None:
    manners = Manners()

    async def twice(embedder: ServerEmbedder) -> None:
        resemblance = Resemblance(embedder)
        for _ in range(2):
            await resemblance.of(TALK, [PARKING.text, REFUND.text, PARKING.text])

    with serving(manners) as url:
        using(url, twice)
    texts = [body["input"] for path, body in manners.asked if path == "/v1/embeddings"]
    assert [len(each) for each in texts] == [1, 4, 2]


def test_what_is_remembered_is_remembered_apart() -> None:
    """The same statement, critical in another version of the policy, is no longer answered by the shortcut."""

    async def both(embedder: ServerEmbedder) -> list[Judgement]:
        sensor = Sensor(Prefilter(Yes(), embedder, THRESHOLD), seconds=5, kept=100)
        first = await sensor.judge(TALK, [PARKING])
        return first + await sensor.judge(TALK, [Condition("parking", PARKING.text)])

    with serving(Manners()) as url:
        assert [each.truth for each in using(url, both)] == [False, True]


@pytest.mark.parametrize(
    "given",
    [
        None,
        "no",
        7,
        [],
        [{}],
        [{"index": 0, "embedding": []}],
        [{"index": 0, "embedding": [0.0, 0.0]}],
        [{"index": 0, "embedding": ["a"]}],
        [{"index": 0, "embedding": [1e308] * 9}],
        [{"index": 0, "embedding": [1.0]}, {"index": 1, "embedding": [1.0]}],
    ],
)
def test_what_is_no_vector_for_each_text_is_told(given: Any) -> None:
    with (
        serving(Manners(embeddings={} if given is None else given)) as url,
        pytest.raises(BackendError, match="cannot be read"),
    ):
        asyncio.run(ServerEmbedder.connect(url))


@pytest.mark.parametrize(
    ("manners", "said"),
    [
        (Manners(models=("a", "b")), "--embedding-model; it serves `a`, `b`"),
        (Manners(key="secret"), "set JURAT_EMBEDDINGS_KEY"),
    ],
)
def test_a_server_that_cannot_be_asked_says_why(manners: Manners, said: str) -> None:
    with serving(manners) as url, pytest.raises(BackendError) as error:
        asyncio.run(ServerEmbedder.connect(url))
    assert said in str(error.value)


@pytest.mark.parametrize("probe", [(1.0,), (1.0,) + (0.0,) * 63])
def test_a_threshold_is_of_the_model_it_was_fitted_for(probe: tuple[float, ...]) -> None:
    with serving(Manners()) as url, pytest.raises(BackendError, match="is not the embedding model"):
        using(url, lambda embedder: checked(embedder, Threshold(0.3, 0.99, probe)))


def test_the_threshold_is_the_highest_that_the_share_reaches() -> None:
    values = [n / 100 for n in range(100)]
    assert fitted(values, 1.0) == 0.0
    assert fitted(values, 0.99) == 0.01
    assert fitted(values, 0.9) == 0.1
    with pytest.raises(CalibrationError, match="too few"):
        fitted(values[: FEWEST - 1], 0.9)


def test_a_threshold_is_kept_and_a_damaged_one_is_told(tmp_path: Path) -> None:
    kept = Threshold(0.25, 0.98, (0.6, 0.8))
    assert stored("m", tmp_path) is None
    store(kept, "m", tmp_path)
    assert stored("m", tmp_path) == kept
    assert stored("other", tmp_path) is None
    for damaged in ("", "[]", '{"jurat_threshold": 1}', file_of("m", tmp_path).read_text("utf-8").replace("0.25", "7")):
        file_of("m", tmp_path).write_text(damaged, "utf-8")
        with pytest.raises(CalibrationError, match="make it again"):
            stored("m", tmp_path)

"""The shortcut before the judge: what it leaves unasked, and that it fails towards asking."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest
from tests.llm.openai_server import Manners, serving, words

from jurat.llm import BackendError, Condition, Judgement, Message, prefilter
from jurat.llm.backends.embedding import ServerEmbedder, unit
from jurat.llm.errors import CalibrationError
from jurat.llm.prefilter import MOST_PIECES, PIECE, PROBE, Prefilter, Resemblance, Threshold
from jurat.llm.sensor import Sensor
from jurat.llm.thresholds import FEWEST, file_of, fitted, store, stored

T = TypeVar("T")

TALK = [Message("customer", "I want a refund for the broken lamp.")]
REFUND = Condition("refund", "The customer wants a refund", critical=False)
PARKING = Condition("parking", "Somebody asks where to park", critical=False)
DANGER = Condition("danger", "Somebody says they are unsafe")


def threshold(least: float = 0.35) -> Threshold:
    """One that was fitted for the server's model."""
    return Threshold(least, 0.99, unit(words(PROBE)))


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
        found = using(url, lambda embedder: Prefilter(judge, embedder, threshold()).judge(talk, conditions))
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
        return await Prefilter(judge, embedder, threshold()).judge(TALK, [PARKING, DANGER])

    with serving(manners) as url:
        found = using(url, ask)
    assert judge.asked == ["parking", "danger"]
    assert all("embedding model failed" in each.evidence for each in found)


def again(manners: Manners, change: Callable[[], None], *back: Callable[[], None]) -> list[list[str]]:
    """What the judge was asked at first, and after each change of the server."""
    judge = Yes()

    async def ask(embedder: ServerEmbedder) -> list[list[str]]:
        made, found = Prefilter(judge, embedder, threshold()), []
        for each in (lambda: None, change, *back):
            each()
            before = len(judge.asked)
            await made.judge(TALK, [PARKING])
            found.append(judge.asked[before:])
        return found

    with serving(manners) as url:
        return using(url, ask)


@pytest.mark.parametrize("other", [{"salt": "x"}, {"dimensions": 32}], ids=["as long", "shorter"])
def test_where_another_model_answers_meanwhile_all_is_asked(other: dict[str, Any]) -> None:
    manners = Manners()
    assert again(manners, lambda: vars(manners).update(other)) == [[], ["parking"]]


def test_where_the_embedding_model_is_slow_all_is_asked_and_it_is_left_alone_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(prefilter, "_SECONDS", 0.3)
    manners = Manners()

    def dawdle() -> None:
        manners.delay_seconds = 30

    def mend() -> None:
        manners.delay_seconds = 0
        manners.asked.clear()

    start = time.monotonic()
    assert again(manners, dawdle, mend) == [[], ["parking"], ["parking"]]
    assert time.monotonic() - start < 10
    assert not manners.asked, "each try could take as long as the last"
    monkeypatch.setattr(prefilter, "_REST_SECONDS", 0)
    assert again(Manners(), dawdle, mend)[-1] == []


def test_what_is_critical_has_nothing_to_do_with_it() -> None:
    manners, judge = Manners(), Yes()

    async def ask(embedder: ServerEmbedder) -> list[Judgement]:
        manners.key = "changed meanwhile"
        made = Prefilter(judge, embedder, threshold())
        await made.judge(TALK, [PARKING])  # from here on it is left alone for a while
        return await made.judge(TALK, [DANGER])

    with serving(manners) as url:
        [found] = using(url, ask)
    assert found.evidence == ""


def test_what_one_conversation_is_refused_for_is_nothing_to_others() -> None:
    manners = Manners()

    def narrow() -> None:
        manners.context = 20

    def widen() -> None:
        manners.context = 10_000

    assert again(manners, narrow, widen) == [[], ["parking"], []]


def test_many_statements_are_learned_some_at_a_time_and_what_was_learned_stays() -> None:
    manners = Manners()
    many = [*(f"Somebody asks about number {n}" for n in range(80)), "x" * 20_000]

    async def learn(embedder: ServerEmbedder) -> None:
        resemblance = Resemblance(embedder)
        with pytest.raises(BackendError):
            await resemblance.learn(many)
        manners.context = 100_000
        assert len(await resemblance.learn(many)) == 81

    with serving(manners) as url:
        using(url, learn)
    texts = [len(body["input"]) for path, body in manners.asked if path == "/v1/embeddings"]
    assert texts == [1, 32, 32, 20, 20], "no more at once than every server takes"


def test_a_server_without_a_list_of_models_is_asked_for_the_one_that_is_named() -> None:
    async def named(url: str) -> str:
        embedder = await ServerEmbedder.connect(url, "any")
        await embedder.close()
        return embedder.name

    with serving(Manners(models=None)) as url:
        assert asyncio.run(named(url)) == "any"
        with pytest.raises(BackendError, match="name its model with --embedding-model"):
            asyncio.run(ServerEmbedder.connect(url))


def test_vectors_of_statements_are_asked_for_once() -> None:
    manners = Manners()

    async def twice(embedder: ServerEmbedder) -> None:
        resemblance = Resemblance(embedder)
        for _ in range(2):
            await resemblance.of(TALK, [PARKING.text, REFUND.text, PARKING.text])

    with serving(manners) as url:
        using(url, twice)
    texts = [body["input"] for path, body in manners.asked if path == "/v1/embeddings"]
    assert [len(each) for each in texts] == [1, 3, 3, 3], "one sentence whose vector is known stands before the others"


def test_what_is_remembered_is_remembered_apart() -> None:
    """The same statement, critical in another version of the policy, is no longer answered by the shortcut."""

    async def both(embedder: ServerEmbedder) -> list[Judgement]:
        sensor = Sensor(Prefilter(Yes(), embedder, threshold()), seconds=5, kept=100)
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
        using(url, lambda embedder: Prefilter(Yes(), embedder, Threshold(0.3, 0.99, probe)).prepare(()))


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
    store(replace(kept, recall=0.0), "none", tmp_path)
    assert stored("none", tmp_path) == replace(kept, recall=0.0)
    for damaged in ("", "[]", '{"jurat_threshold": 1}', file_of("m", tmp_path).read_text("utf-8").replace("0.25", "7")):
        file_of("m", tmp_path).write_text(damaged, "utf-8")
        with pytest.raises(CalibrationError, match="make it again"):
            stored("m", tmp_path)

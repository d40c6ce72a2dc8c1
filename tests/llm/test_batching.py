"""Requests of many sessions share a model: together or in turns, each with its own answer, error and end."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Coroutine, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.llm.canned import Canned

from jurat.llm import Backend, BackendError, Condition, Message
from jurat.llm.batching import Batching
from jurat.llm.judge import ANSWERS, ScoringJudge
from jurat.llm.protocol import BatchBackend, Scoring


def value(prefix: str, suffix: str) -> float:
    """A score that every character of the question decides."""
    return int.from_bytes(hashlib.sha256(f"{len(prefix)} {prefix}{suffix}".encode()).digest()[:4]) / 2**32


class One(Canned):
    """Scores one conversation a call, in a moment; `bad` prefixes fail."""

    def __init__(self, *bad: str) -> None:
        super().__init__()
        self.bad = bad
        self.calls: list[tuple[str, int]] = []
        self.go = asyncio.Event()
        self.go.set()
        self.stopped = self.at_once = self.most_at_once = 0

    async def score(self, prefix: str, suffixes: Sequence[str], answers: tuple[str, str]) -> list[float]:
        self.calls.append((prefix, len(suffixes)))
        await self._work()
        if prefix in self.bad:
            raise BackendError(f"{prefix} is too long")
        return [value(prefix, each) for each in suffixes]

    async def _work(self) -> None:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(0)
            await self.go.wait()
        except asyncio.CancelledError:
            self.stopped += 1
            raise
        finally:
            self.at_once -= 1


class Many(One):
    """Scores several at once; `blunt` lets the whole batch fail where one is bad."""

    def __init__(self, *bad: str, blunt: bool = False) -> None:
        super().__init__(*bad)
        self.blunt = blunt
        self.batches: list[list[tuple[str, int]]] = []

    async def score_many(
        self, requests: Sequence[Scoring], answers: tuple[str, str]
    ) -> list[list[float] | BackendError]:
        self.batches.append([(each.prefix, len(each.suffixes)) for each in requests])
        await self._work()
        if self.blunt and any(each.prefix in self.bad for each in requests):
            raise BackendError("one of them is too long")
        return [
            BackendError(f"{each.prefix} is too long")
            if each.prefix in self.bad
            else [value(each.prefix, suffix) for suffix in each.suffixes]
            for each in requests
        ]


def asks(batching: Batching, prefix: str, number: int) -> Coroutine[Any, Any, list[float]]:
    return batching.score(prefix, [f"{prefix}{n}" for n in range(number)], ANSWERS)


def expected(prefix: str, number: int) -> list[float]:
    return [value(prefix, f"{prefix}{n}") for n in range(number)]


def test_it_is_a_backend_and_needs_no_other_kind() -> None:
    assert isinstance(Batching(One()), Backend)
    assert isinstance(Many(), BatchBackend)
    assert not isinstance(One(), BatchBackend)


@given(
    st.lists(st.integers(0, 40), max_size=8),
    st.booleans(),
    st.integers(1, 3),
    st.integers(1, 9),
    st.integers(1, 30),
)
@settings(max_examples=60)
def test_everybody_gets_their_own_scores(sizes: list[int], many: bool, lanes: int, piece: int, batch: int) -> None:
    async def run() -> list[list[float]]:
        batching = Batching(Many() if many else One(), lanes=lanes, piece=piece, batch=batch)
        return await asyncio.gather(*(asks(batching, f"session {n} ", size) for n, size in enumerate(sizes)))

    assert asyncio.run(run()) == [expected(f"session {n} ", size) for n, size in enumerate(sizes)]


def test_what_waits_is_taken_together() -> None:
    async def run() -> Many:
        backend = Many()
        batching = Batching(backend)
        backend.go.clear()
        first = [asyncio.create_task(asks(batching, name, 3)) for name in "ab"]
        await asyncio.sleep(0.01)
        later = [asyncio.create_task(asks(batching, name, 2)) for name in "cdef"]
        await asyncio.sleep(0.01)
        backend.go.set()
        await asyncio.gather(*first, *later)
        return backend

    backend = asyncio.run(run())
    assert backend.batches == [[("a", 3), ("b", 3)], [("c", 2), ("d", 2), ("e", 2), ("f", 2)]]
    assert backend.calls == []


def test_nobody_waits_behind_a_long_request() -> None:
    async def run() -> tuple[One, list[str]]:
        backend, ended = One(), list[str]()
        batching = Batching(backend, piece=4)

        async def ask(name: str, number: int) -> None:
            await asks(batching, name, number)
            ended.append(name)

        await asyncio.gather(ask("long", 40), ask("short", 3), ask("middle", 8))
        return backend, ended

    backend, ended = asyncio.run(run())
    assert ended == ["short", "middle", "long"]
    assert backend.calls[:4] == [("long", 4), ("short", 3), ("middle", 4), ("long", 4)]
    assert backend.most_at_once == 1


def test_a_backend_that_batches_by_itself_gets_several_calls_at_once() -> None:
    async def run() -> One:
        backend = One()
        batching = Batching(backend, lanes=3, piece=1000)
        await asyncio.gather(*(asks(batching, f"{n}", 5) for n in range(9)))
        return backend

    backend = asyncio.run(run())
    assert backend.most_at_once == 3
    assert len(backend.calls) == 9


@pytest.mark.parametrize("backend", [lambda: One("bad"), lambda: Many("bad"), lambda: Many("bad", blunt=True)])
def test_an_error_is_of_one_request(backend: Any) -> None:
    async def run() -> list[Any]:
        batching = Batching(backend())
        return await asyncio.gather(*(asks(batching, name, 3) for name in ("a", "bad", "c")), return_exceptions=True)

    one, bad, three = asyncio.run(run())
    assert (one, three) == (expected("a", 3), expected("c", 3))
    assert isinstance(bad, BackendError)
    assert "bad is too long" in str(bad)


@pytest.mark.parametrize("kind", [One, Many])
def test_a_cancelled_request_hurts_nobody(kind: type[One]) -> None:
    async def run() -> tuple[One, list[Any]]:
        backend = kind()
        batching = Batching(backend, piece=2)
        backend.go.clear()
        tasks = [asyncio.create_task(asks(batching, name, 6)) for name in "abc"]
        await asyncio.sleep(0.01)
        tasks[1].cancel()
        await asyncio.sleep(0.01)
        backend.go.set()
        return backend, await asyncio.gather(*tasks, return_exceptions=True)

    backend, (a, b, c) = asyncio.run(run())
    assert (a, c) == (expected("a", 6), expected("c", 6))
    assert isinstance(b, asyncio.CancelledError)
    assert backend.stopped == 0, "others were waiting for that call, or it was another's"
    assert not any(prefix == "b" for prefix, _ in backend.calls)


@pytest.mark.parametrize("kind", [One, Many])
def test_a_call_that_nobody_waits_for_is_stopped_and_the_next_one_starts(kind: type[One]) -> None:
    async def run() -> tuple[One, list[float]]:
        backend = kind()
        batching = Batching(backend)
        backend.go.clear()
        task = asyncio.create_task(asks(batching, "a", 3))
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.sleep(0.01)
        backend.go.set()
        return backend, await asks(batching, "b", 3)

    backend, found = asyncio.run(run())
    assert (backend.stopped, found) == (1, expected("b", 3))


def test_the_queue_is_bounded_and_empties_again() -> None:
    async def run() -> tuple[list[Any], list[float]]:
        backend = One()
        batching = Batching(backend, waiting=2)
        backend.go.clear()
        first = asyncio.create_task(asks(batching, "a", 3))
        await asyncio.sleep(0.01)
        rest = [asyncio.create_task(asks(batching, name, 3)) for name in "bcd"]
        await asyncio.sleep(0.01)
        backend.go.set()
        found = await asyncio.gather(first, *rest, return_exceptions=True)
        return found, await asks(batching, "e", 3)

    found, later = asyncio.run(run())
    assert found[:3] == [expected(name, 3) for name in "abc"]
    assert isinstance(found[3], BackendError)
    assert "2 requests wait for the model already" in str(found[3])
    assert later == expected("e", 3)


def test_who_waits_when_it_is_closed_is_told() -> None:
    async def run() -> list[Any]:
        backend = One()
        batching = Batching(backend)
        backend.go.clear()
        tasks = [asyncio.create_task(asks(batching, name, 3)) for name in "ab"]
        await asyncio.sleep(0.01)
        await batching.close()
        return await asyncio.gather(*tasks, asks(batching, "c", 1), return_exceptions=True)

    assert [str(each) for each in asyncio.run(run())] == ["the model is closed"] * 3


class Short(One):
    """Leaves one score out."""

    async def score(self, prefix: str, suffixes: Sequence[str], answers: tuple[str, str]) -> list[float]:
        return (await super().score(prefix, suffixes, answers))[1:]


def test_a_score_too_few_is_an_error_and_no_shift() -> None:
    with pytest.raises(BackendError, match="was asked 3 conditions and scored 2"):
        asyncio.run(asks(Batching(Short()), "a", 3))


WORDS = st.text("abcde ", min_size=1, max_size=8).map(str.strip).filter(bool)


@given(st.lists(WORDS, min_size=1, max_size=12, unique=True), st.randoms(use_true_random=False), st.booleans())
@settings(max_examples=60)
def test_an_answer_does_not_hang_on_what_else_is_asked(texts: list[str], random: Any, many: bool) -> None:
    """Alone, in any order, among any others, and beside other sessions in one batch: the same probability."""
    talk = [Message("customer", "Hello there")]
    conditions = [Condition(text, text) for text in texts]

    async def run() -> tuple[dict[str, Any], list[dict[str, Any]]]:
        judge = ScoringJudge(Batching(Many() if many else One(), piece=random.randint(1, 5)))

        async def ask(some: Sequence[Condition]) -> dict[str, Any]:
            return {each.observation: (each.truth, each.probability) for each in await judge.judge(talk, some)}

        alone = {key: each for one in conditions for key, each in (await ask([one])).items()}
        some = [random.sample(conditions, random.randint(1, len(conditions))) for _ in range(3)]
        elsewhere = [judge.judge([Message("customer", f"I am {n}")], conditions) for n in range(2)]
        found = asyncio.gather(*map(ask, some))
        await asyncio.gather(*elsewhere)
        return alone, await found

    alone, found = asyncio.run(run())
    for each in found:
        assert each.items() <= alone.items()

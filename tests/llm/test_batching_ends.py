"""Whatever ends a request or a call, the next request is answered, and nothing is left waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.llm.test_batching import Many, One, asks, expected

from jurat.llm import BackendError
from jurat.llm.batching import Batching
from jurat.llm.judge import ANSWERS
from jurat.llm.protocol import Scoring


def left(batching: Batching) -> tuple[int, int]:
    """Calls that are under way, and requests that wait."""
    return len(batching._running), len(batching._queue)


@pytest.mark.parametrize("kind", [One, Many])
@pytest.mark.parametrize("steps", range(8))
def test_a_cancellation_at_any_moment_leaves_the_lane_free(kind: type[One], steps: int) -> None:
    async def run() -> list[float]:
        batching = Batching(kind())
        task = asyncio.create_task(asks(batching, "a", 3))
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        return await asyncio.wait_for(asks(batching, "b", 3), 5)

    assert asyncio.run(run()) == expected("b", 3)


class Raises(Many):
    """A defect of a backend: not the error that it is to raise, or no answer."""

    def __init__(self, what: Exception | list[Any]) -> None:
        super().__init__()
        self.what = what

    async def score_many(self, requests: Sequence[Scoring], answers: tuple[str, str]) -> Any:
        await self._work()
        if isinstance(self.what, Exception):
            raise self.what
        return self.what


@pytest.mark.parametrize("what", [RuntimeError("boom"), [None, None], [3, 4], [[], []]])
def test_a_backend_that_breaks_its_promise_leaves_nobody_waiting(what: Exception | list[Any]) -> None:
    async def run() -> tuple[list[Any], tuple[int, int]]:
        batching = Batching(Raises(what))
        both = asyncio.gather(asks(batching, "a", 3), asks(batching, "b", 3), return_exceptions=True)
        return await asyncio.wait_for(both, 5), left(batching)

    found, waiting = asyncio.run(run())
    assert all(isinstance(each, Exception) for each in found)
    assert waiting == (0, 0)


STORY = st.lists(
    st.tuples(st.integers(0, 12), st.integers(0, 6), st.sampled_from(["ask", "cancel", "bad"])), max_size=12
)


@given(STORY, st.booleans(), st.booleans(), st.integers(1, 3), st.integers(1, 5))
@settings(max_examples=150, deadline=None)
def test_everybody_is_answered_or_gone_whoever_is_cancelled_when(
    story: list[tuple[int, int, str]], many: bool, blunt: bool, lanes: int, piece: int
) -> None:
    """A story: how many conditions, after how many steps of the loop it goes on, and what becomes of the request."""

    async def run() -> None:
        bad = [f"{n} " for n, (*_, fate) in enumerate(story) if fate == "bad"]
        batching = Batching(Many(*bad, blunt=blunt) if many else One(*bad), lanes=lanes, piece=piece, batch=8)
        tasks = []
        for n, (size, steps, fate) in enumerate(story):
            tasks.append(asyncio.create_task(asks(batching, f"{n} ", size)))
            for _ in range(steps):
                await asyncio.sleep(0)
            if fate == "cancel":
                tasks[-1].cancel()
        found = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 5)
        for n, (each, (size, _, fate)) in enumerate(zip(found, story, strict=True)):
            expects = {"ask": list, "cancel": (list, asyncio.CancelledError), "bad": BackendError}[fate]
            assert isinstance(each, expects)  # type: ignore[arg-type]
            assert not isinstance(each, list) or each == expected(f"{n} ", size)
        await asyncio.wait_for(batching.score("x", ["y"], ANSWERS), 5)
        await asyncio.sleep(0)
        assert left(batching) == (0, 0)
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(run())

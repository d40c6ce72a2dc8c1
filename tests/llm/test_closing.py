"""Backends that own a thread: what waits when they are closed is told, and what was loaded is loaded once."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.llm.canned import Canned

from jurat.llm import BackendError
from jurat.llm.backends.embedded import EmbeddedBackend
from jurat.llm.backends.paired import Paired
from jurat.llm.judge import ANSWERS


def embedded() -> Any:
    """The backend around no model."""
    made = EmbeddedBackend.__new__(EmbeddedBackend)
    made._server, made._closing, made._worker = object(), False, ThreadPoolExecutor(max_workers=1)
    return made


def test_who_waits_when_the_model_is_closed_is_told_and_what_runs_ends() -> None:
    async def run() -> list[Any]:
        backend, go = embedded(), threading.Event()
        running = asyncio.create_task(backend._run(lambda _: go.wait(5)))
        waiting = asyncio.create_task(backend._run(lambda _: True))
        await asyncio.sleep(0.05)
        closing = asyncio.create_task(backend.close())
        await asyncio.sleep(0.05)
        go.set()
        await closing
        late = backend.score("", ["x"], ANSWERS)
        return await asyncio.gather(running, waiting, late, return_exceptions=True)

    running, *others = asyncio.run(run())
    assert running is True
    assert [str(each) for each in others] == ["the model is closed"] * 2
    assert all(isinstance(each, BackendError) for each in others)


def test_a_cancellation_from_outside_stays_one() -> None:
    async def run() -> None:
        backend, go = embedded(), threading.Event()
        tasks = [asyncio.create_task(backend._run(lambda _: go.wait(5))) for _ in range(2)]
        await asyncio.sleep(0.05)
        for task in tasks:
            task.cancel()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        go.set()
        await backend.close()
        assert all(isinstance(each, asyncio.CancelledError) for each in found)

    asyncio.run(run())


class Scorer(Canned):
    calls_at_once = 1


class Writers:
    """Makes writers slowly; the first `bad` ones cannot be loaded."""

    def __init__(self, bad: int = 0) -> None:
        self.bad = bad
        self.made: list[Canned] = []
        self.closed = 0

    def __call__(self) -> Any:
        time.sleep(0.1)
        if self.bad > 0:
            self.bad -= 1
            raise BackendError("out of memory")
        self.made.append(Closing(self))
        return self.made[-1]


class Closing(Canned):
    def __init__(self, writers: Writers) -> None:
        super().__init__(text="Hello")
        self.writers = writers

    async def close(self) -> None:
        self.writers.closed += 1


def paired(writers: Writers) -> Paired:
    return Paired(Scorer(), writers)  # type: ignore[arg-type]  # it needs the methods only


def test_a_writer_is_loaded_once_whoever_gives_up_waiting_for_it() -> None:
    async def run(writers: Writers) -> str:
        backend = paired(writers)
        first = asyncio.create_task(backend.generate("x", max_tokens=1))
        await asyncio.sleep(0.02)
        first.cancel()
        text, _ = await asyncio.gather(*(backend.generate("x", max_tokens=1) for _ in range(2)))
        await backend.close()
        return text

    writers = Writers()
    assert asyncio.run(run(writers)) == "Hello"
    assert (len(writers.made), writers.closed) == (1, 1)


def test_a_writer_that_could_not_be_loaded_is_loaded_again() -> None:
    async def run() -> str:
        backend = paired(Writers(bad=1))
        with pytest.raises(BackendError, match="out of memory"):
            await backend.generate("x", max_tokens=1)
        return await backend.generate("x", max_tokens=1)

    assert asyncio.run(run()) == "Hello"


def test_a_writer_that_is_being_loaded_when_the_model_is_closed_is_closed_too() -> None:
    async def run(writers: Writers) -> None:
        backend = paired(writers)
        first = asyncio.create_task(backend.generate("x", max_tokens=1))
        await asyncio.sleep(0.02)
        first.cancel()
        await backend.close()
        with pytest.raises(BackendError, match="is closed"):
            await backend.generate("x", max_tokens=1)

    writers = Writers()
    asyncio.run(run(writers))
    assert writers.closed == len(writers.made) == 1

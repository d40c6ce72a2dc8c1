"""The loop that owns an engine, with an engine of three lines: what happens to requests when things go wrong."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from jurat.llm import BackendError
from jurat.llm.backends.loop import EngineLoop, Job

SECONDS = 20


@dataclass
class Output:
    request_id: str
    finished: bool
    step: int


class Counting:
    """Ends each request after as many steps as its prompt says; `fault` is called at each step."""

    def __init__(self, fault: Callable[[], None] = lambda: None) -> None:
        self.left: dict[str, int] = {}
        self.aborted: list[str] = []
        self.batches: list[int] = []
        self._fault = fault

    def add_request(self, request_id: str, prompt: Any, params: Any) -> str:
        if prompt == "bad":
            raise ValueError("this prompt is refused")
        self.left[request_id] = prompt
        return request_id

    def step(self) -> list[Output]:
        self._fault()
        self.batches.append(len(self.left))
        self.left = {name: steps - 1 for name, steps in self.left.items()}
        found = [Output(name, steps <= 0, steps) for name, steps in self.left.items()]
        self.left = {name: steps for name, steps in self.left.items() if steps > 0}
        return found

    def abort_request(self, request_ids: list[str]) -> None:
        self.aborted += request_ids
        for name in request_ids:
            self.left.pop(name, None)

    def has_unfinished_requests(self) -> bool:
        return bool(self.left)


def test_requests_run_together_and_end_on_their_own() -> None:
    gate = threading.Event()
    engine = Counting(lambda: gate.wait(SECONDS) and None)
    loop = EngineLoop(lambda: engine)
    seen: list[int] = []
    jobs = [loop.submit(Job(steps, None, lambda output: seen.append(output.step))) for steps in (3, 1, 2)]
    gate.set()
    assert [job.done.result(SECONDS).finished for job in jobs] == [True, True, True]
    assert len(seen) == 6
    assert max(engine.batches) > 1
    loop.close()


def test_a_refused_request_is_its_caller_s_alone() -> None:
    loop = EngineLoop(Counting)
    bad, good = loop.submit(Job("bad", None)), loop.submit(Job(2, None))
    with pytest.raises(ValueError, match="this prompt is refused"):
        bad.done.result(SECONDS)
    assert good.done.result(SECONDS).finished
    loop.close()


def test_a_request_that_is_given_up_is_aborted_and_nobody_waits_for_it() -> None:
    begun = threading.Event()
    engine = Counting(begun.set)
    loop = EngineLoop(lambda: engine)
    job = loop.submit(Job(10**9, None))
    assert begun.wait(SECONDS)
    loop.cancel(job)
    with pytest.raises(BackendError, match="given up"):
        job.done.result(SECONDS)
    assert engine.aborted == ["0"]
    assert loop.submit(Job(1, None)).done.result(SECONDS).finished
    loop.close()


def test_an_engine_that_fails_fails_all_that_wait_and_all_that_come() -> None:
    def fault() -> None:
        raise RuntimeError("out of\nmemory")

    loop = EngineLoop(lambda: Counting(fault))
    jobs = [loop.submit(Job(5, None))]
    with pytest.raises(BackendError, match="the model failed: out of memory"):
        jobs[0].done.result(SECONDS)
    with pytest.raises(BackendError, match="the model failed: out of memory"):
        loop.submit(Job(1, None))
    loop.close()


def test_closing_fails_what_waits() -> None:
    begun = threading.Event()
    loop = EngineLoop(lambda: Counting(begun.set))
    job = loop.submit(Job(10**9, None))
    assert begun.wait(SECONDS)
    loop.close()
    loop.close()
    with pytest.raises(BackendError, match="the model is closed"):
        job.done.result(SECONDS)
    with pytest.raises(BackendError, match="the model is closed"):
        loop.submit(Job(1, None))


def test_what_stops_the_engine_from_being_built_is_raised_where_it_was_asked_for() -> None:
    def build() -> Counting:
        raise OSError("no such model")

    with pytest.raises(OSError, match="no such model"):
        EngineLoop(build)

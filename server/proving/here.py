"""A proof in this process, for systems without fork: nothing survives a crash, but time and Z3's memory are bounded."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Self

from jurat.policies import PolicyGraph, Report, Verdict
from jurat.server.cli.interrupts import interruptible
from jurat.server.proving.bounds import Answered, Bounds, Tell, full, in_words, is_memory, late, partial

if TYPE_CHECKING:
    from jurat.solver.outcome import Outcome

LOOK_SECONDS = 0.05


class _Late(Exception):
    """The time is up."""


class Here:
    """A proof that runs when its report is asked for."""

    def __init__(self, graph: PolicyGraph, bounds: Bounds) -> None:
        self._graph = graph
        self._bounds = bounds
        self._found: list[Answered] = []
        self._check = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def report(self, tell: Tell) -> Report:
        """Prove."""
        from jurat.solver import Limits, check, interrupt
        from jurat.solver.memory import bound_memory
        from jurat.solver.store import kept

        begun = time.monotonic()
        if self._bounds.megabytes is not None:
            bound_memory(self._bounds.megabytes)
        with interruptible(interrupt) as stop_if_interrupted, _clock(self._bounds.seconds, interrupt) as is_late:

            def progress(name: str, number: int) -> None:
                stop_if_interrupted()
                self._check = name
                tell(name, number)

            def emit(outcome: Outcome) -> None:
                self._take(outcome, is_late())

            try:
                with kept(self._bounds.store) as store:
                    report = check(self._graph, Limits(**self._bounds.limits), progress, emit, store=store)
                return replace(report, proofs=tuple(map(in_words, report.proofs)))
            except _Late:
                reason = late(self._bounds)
            except MemoryError:
                reason = full(self._bounds)
            except Exception as error:
                if not is_memory(str(error)):
                    raise
                reason = full(self._bounds)
        return partial(self._graph, self._found, self._check, reason, time.monotonic() - begun)

    def _take(self, outcome: Outcome, is_late: bool) -> None:
        unknown = outcome.proof.verdict is Verdict.UNKNOWN
        if is_late and unknown:
            raise _Late
        if unknown and is_memory(outcome.proof.reason):
            raise MemoryError
        self._found.append((in_words(outcome.proof), outcome.finding))
        if is_late:
            raise _Late


@contextmanager
def _clock(seconds: float | None, interrupt: Callable[[], None]) -> Iterator[Callable[[], bool]]:
    """Interrupt the solver again and again once the time is up; yields whether it is."""
    over, up = threading.Event(), threading.Event()

    def watch() -> None:
        if seconds is None or over.wait(seconds):
            return
        up.set()
        while not over.wait(LOOK_SECONDS):
            interrupt()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield up.is_set
    finally:
        over.set()
        watcher.join()

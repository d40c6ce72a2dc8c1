"""One thread that owns an inference engine: it builds it, feeds it what arrives, steps it, and hands out what is done.

Requests of any number of callers run in one batch (continuous batching), because the engine is stepped once for all that
wait; an engine's threads are bound to the thread that built it, which is why it is built there too. The shape is that
of vLLM's own `LLMEngine`: `add_request`, `step`, `abort_request`.
"""

from __future__ import annotations

import itertools
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Protocol

from jurat.llm.errors import BackendError, one_line

OnOutput = Callable[[Any], None]
_CLOSE_SECONDS = 30.0


class Engine(Protocol):
    """The part of vLLM's `LLMEngine` that the loop uses."""

    def add_request(self, request_id: str, prompt: Any, params: Any, *, lora_request: Any = ...) -> object: ...
    def step(self) -> list[Any]: ...
    def abort_request(self, request_ids: list[str]) -> None: ...
    def has_unfinished_requests(self) -> bool: ...


@dataclass(slots=True)
class Job:
    """One request; `done` gets its last output. `on_output` is called in the engine's thread for each output, `adapter` is
    a `LoRARequest` or None.
    """

    prompt: Any
    params: Any
    on_output: OnOutput | None = None
    adapter: Any = None
    done: Future[Any] = field(default_factory=Future)
    id: str = ""


class EngineLoop:
    """Runs what `build` gives; raises what `build` raises.

    After an error of a step every waiting request fails with it, and so does every later one: an engine that failed in
    the middle of a batch is in no state to go on from.
    """

    def __init__(self, build: Callable[[], Engine]) -> None:
        self._inbox: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._jobs: dict[str, Job] = {}
        self._numbers = itertools.count()
        self._broken: str | None = None
        self._lock = threading.Lock()
        started: Future[Engine] = Future()
        self._thread = threading.Thread(target=self._run, args=(build, started), name="jurat-engine", daemon=True)
        self._thread.start()
        self.engine: Any = started.result()

    def submit(self, job: Job) -> Job:
        """Have a request run; `cancel` ends it. Raises `BackendError` after `close` or a failure."""
        with self._lock:
            if self._broken is not None:
                raise BackendError(self._broken)
            self._inbox.put(lambda: self._add(job))
        return job

    def cancel(self, job: Job) -> None:
        """Stop a request, wherever it is; one that is done is left alone."""
        job.done.cancel()
        self._inbox.put(lambda: self._abort(job))

    def close(self) -> None:
        """Fail what waits, and let go of the engine. Idempotent."""
        self._break("the model is closed")
        self._inbox.put(None)
        self._thread.join(_CLOSE_SECONDS)
        self.engine = None

    def _run(self, build: Callable[[], Engine], started: Future[Engine]) -> None:
        try:
            engine = build()
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
            started.set_exception(error)
            return
        self._engine = engine
        started.set_result(engine)
        try:
            while self._take_in(wait=not engine.has_unfinished_requests()):
                for output in engine.step():
                    self._deliver(output)
        except Exception as error:  # noqa: BLE001 - whatever an engine raises ends it
            self._break(f"the model failed: {one_line(error) or type(error).__name__}")
        finally:
            self._break("the model is closed")
            for job in self._jobs.values():
                _fail(job, BackendError(self._broken or "the model is closed"))
            self._drain()
            del self._engine

    def _take_in(self, *, wait: bool) -> bool:
        """Do what has arrived; false when the loop is to end."""
        while True:
            try:
                do = self._inbox.get(block=wait)
            except queue.Empty:
                return True
            if do is None:
                return False
            do()
            wait = wait and not self._jobs

    def _add(self, job: Job) -> None:
        if not job.done.set_running_or_notify_cancel():
            return
        try:
            job.id = str(next(self._numbers))
            through = {} if job.adapter is None else {"lora_request": job.adapter}
            self._engine.add_request(job.id, job.prompt, job.params, **through)
        except Exception as error:  # noqa: BLE001 - a request that is refused is its caller's, not the loop's
            job.done.set_exception(error)
        else:
            self._jobs[job.id] = job

    def _abort(self, job: Job) -> None:
        if self._jobs.pop(job.id, None) is not None:
            self._engine.abort_request([job.id])
            _fail(job, BackendError("the request was given up"))  # or a thread that waits for it would wait for ever

    def _deliver(self, output: Any) -> None:
        job = self._jobs.get(output.request_id)
        if job is None:
            return
        if job.on_output is not None:
            job.on_output(output)
        if output.finished:
            del self._jobs[output.request_id]
            job.done.set_result(output)

    def _break(self, reason: str) -> None:
        with self._lock:
            self._broken = self._broken or reason

    def _drain(self) -> None:
        """Requests that arrived too late: their `_add` is run once more, only to fail."""
        self._engine = _Refusing(self._broken or "")  # type: ignore[assignment]
        while not self._inbox.empty():
            do = self._inbox.get()
            if do is not None:
                do()


class _Refusing:
    """Stands where the engine stood."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def add_request(self, *_: Any) -> str:
        raise BackendError(self._reason)

    def abort_request(self, *_: Any) -> None:
        pass


def _fail(job: Job, error: Exception) -> None:
    if not job.done.done():
        job.done.set_exception(error)

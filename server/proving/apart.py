"""The parent of a process that proves: it listens, and says what became of it."""

from __future__ import annotations

import multiprocessing
import signal
import time
from types import TracebackType
from typing import Self

from jurat.policies import PolicyGraph, Report, Verdict
from jurat.server.proving.bounds import Answered, Bounds, Tell, full, in_words, late, partial
from jurat.server.proving.child import work
from jurat.server.proving.transport import Batch, Done, Failed, Full, Message, completed, unpack


class Apart:
    """A proof in a child process, forked on entry and gone on exit."""

    def __init__(self, graph: PolicyGraph, bounds: Bounds) -> None:
        self._graph = graph
        self._bounds = bounds
        self._found: list[Answered] = []
        self._check = ""
        context = multiprocessing.get_context("fork")
        self._pipe, self._end = context.Pipe(duplex=False)
        self._process = context.Process(target=work, args=(graph, bounds, self._end), daemon=True)
        self._started = 0.0

    @property
    def pid(self) -> int | None:
        """The child's process id."""
        return self._process.pid

    def __enter__(self) -> Self:
        self._started = time.monotonic()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT,))  # until the child has it blocked for itself
        try:
            self._process.start()
        finally:
            self._end.close()
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.join()
        self._pipe.close()

    def report(self, tell: Tell) -> Report:
        """Wait for the child, with progress; what it cannot say any more is said for it."""
        while (message := self._next()) is not None:
            match message:
                case Batch(check=check, done=number):
                    self._found += (_worded(each) for sent in message.answers for each in unpack(sent))
                    self._check = check
                    tell(check, number)
                case Done():
                    return completed(message, self._found)
                case Full():
                    return self._stopped(full(self._bounds))
                case Failed(error=error, trace=text):
                    error.add_note(text)
                    raise error
        return self._stopped(late(self._bounds) if self._is_late() else self._end_of_child())

    def _next(self) -> Message | None:
        """The next message; None when there is none and no time left, or nobody to send one."""
        try:
            if self._pipe.poll(self._left()):
                message: Message = self._pipe.recv()
                return message
        except (EOFError, OSError):
            self._process.join()
        return None

    def _left(self) -> float | None:
        if self._bounds.seconds is None:
            return None
        return max(0.0, self._started + self._bounds.seconds - time.monotonic())

    def _is_late(self) -> bool:
        return self._process.exitcode is None and self._left() == 0

    def _end_of_child(self) -> str:
        """Why nobody answers any more."""
        code = self._process.exitcode
        if code is None or code >= 0:
            return f"the solver's process ended early, with status {code}"
        name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
        if self._bounds.megabytes is not None and name in {"SIGABRT", "SIGSEGV"}:
            return f"the solver crashed ({name}), probably for want of memory: {full(self._bounds)}"
        if name == "SIGKILL":
            return "the solver was killed (SIGKILL), as systems do when memory runs out"
        return f"the solver crashed ({name})"

    def _stopped(self, reason: str) -> Report:
        return partial(self._graph, self._found, self._check, reason, time.monotonic() - self._started)


def _worded(answer: Answered) -> Answered:
    proof, finding = answer
    return (in_words(proof), finding) if proof.verdict is Verdict.UNKNOWN else answer

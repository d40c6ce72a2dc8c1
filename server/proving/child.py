"""The process that proves: it sends every answer as soon as there is one, and ends with its parent."""

from __future__ import annotations

import faulthandler
import gc
import os
import pickle
import signal
import threading
import traceback
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from jurat.policies import InternalError, PolicyGraph, Verdict
from jurat.server.proving.bounds import Bounds, is_memory
from jurat.server.proving.transport import Batch, Done, Failed, Full, Message, Sent, pack

if TYPE_CHECKING:
    from jurat.solver.outcome import Outcome

SEND_SECONDS = 0.02
"""An answer is on its way after this time at the latest, even while the solver is busy with the next one."""


class Sender:
    """Answers to the parent, in batches, from a thread of their own."""

    def __init__(self, pipe: Connection) -> None:
        self._answers: list[Sent] = []
        self._pipe = pipe
        self._lock = threading.Lock()
        self._at = ("", 0)
        self._told = ("", 0)
        self._parent = os.getppid()
        threading.Thread(target=self._keep_sending, daemon=True).start()

    def emit(self, outcome: Outcome) -> None:
        """Take an answer. Nothing that Z3 says after it ran out of memory is taken."""
        if outcome.proof.verdict is Verdict.UNKNOWN and is_memory(outcome.proof.reason):
            raise MemoryError
        self._answers.append(pack(outcome.proof, outcome.finding))

    def forward(self, rows: bytes) -> None:
        """Take proofs that were kept."""
        self._answers.append(rows)

    def progress(self, check: str, number: int) -> None:
        """Note where the work is."""
        self._at = (check, number)

    def send(self, message: Message | None = None) -> None:
        """Send what was not sent yet, then a message."""
        with self._lock:
            at, new = self._at, self._answers[:]
            if new or at != self._told:
                self._pipe.send(Batch(new, *at))
                del self._answers[: len(new)]
                self._told = at
            if message is not None:
                self._pipe.send(message)

    def _keep_sending(self) -> None:
        while os.getppid() == self._parent:
            try:
                self.send()
            except OSError:  # nobody reads any more
                break
            threading.Event().wait(SEND_SECONDS)
        os._exit(1)


def work(graph: PolicyGraph, bounds: Bounds, pipe: Connection) -> None:
    """Prove, and end this process."""
    gc.freeze()  # what came from the parent stays; looking it over again and again would copy all of it
    _stand_apart()
    sender = Sender(pipe)
    try:
        message = _prove(graph, bounds, sender)
    except MemoryError:
        message = Full()
    except Exception as error:  # noqa: BLE001 - it is raised again where somebody can say it
        message = Full() if is_memory(str(error)) else _failed(error)
    _unbound_memory()
    sender.send(message)
    os._exit(0)


def _prove(graph: PolicyGraph, bounds: Bounds, sender: Sender) -> Message:
    from jurat.solver import Limits, check
    from jurat.solver.checks import CHECKS
    from jurat.solver.memory import bound_memory
    from jurat.solver.store import kept

    if bounds.megabytes is not None:
        bound_memory(bounds.megabytes)
        _bound_memory(bounds.megabytes)
    with kept(bounds.store) as store:
        report = check(
            graph, Limits(**bounds.limits), sender.progress, sender.emit, store=store, forward=sender.forward
        )
    return Done(replace(report, proofs=(), findings=()), tuple(module.CHECK.name for module in CHECKS))


def _stand_apart() -> None:
    """Ctrl-C is the parent's matter, and what a crashing solver mutters is nobody's."""
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT,))
    if os.environ.get("JURAT_DEBUG"):
        return
    faulthandler.disable()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)


def _failed(error: Exception) -> Failed:
    trace = "".join(traceback.format_exception(error))
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    except Exception:  # noqa: BLE001 - whatever it is, it cannot travel
        return Failed(InternalError(f"{type(error).__name__}: {error}"), trace)
    return Failed(error, trace)


def _bound_memory(megabytes: int) -> None:
    """No more address space than now and so much more; where the system does not say what there is now, none."""
    import resource

    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    except (OSError, ValueError):
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = pages * resource.getpagesize() + megabytes * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


def _unbound_memory() -> None:
    """The last message needs some memory too."""
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))

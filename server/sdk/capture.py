"""Taking what a program declares without serving it: for `jurat export`, and for whoever wants to look at a policy."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jurat.server.sdk.server import Server


class Complete(BaseException):
    """All was declared, so that the program has no more to do; it is no fault, and no `except Exception` holds it up."""


class Captured:
    """What the first server of a program declares. The program ends once it is complete."""

    def __init__(self) -> None:
        self.server: Server | None = None
        self._quiet: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[object] | None = None
        self._complete = False

    def begin(self, server: Server, quiet_seconds: float) -> None:
        """Wait for what a server declares."""
        self.server = self.server or server
        self._seconds = quiet_seconds
        self._task = asyncio.current_task()

    def touched(self) -> None:
        """More was declared; the program may sleep from now on."""
        if self._quiet is not None:
            self._quiet.cancel()
        self._quiet = asyncio.get_running_loop().call_later(self._seconds, self._pause)

    def _pause(self) -> None:
        self._complete = True
        if self._task is not None:
            self._task.cancel()

    def end(self, server: Server, error: BaseException | None) -> bool:  # noqa: ARG002
        """Leave the block, and with it the program, unless the program failed."""
        if self._quiet is not None:
            self._quiet.cancel()
        if error is not None and not (isinstance(error, asyncio.CancelledError) and self._complete):
            return False
        if self._complete and self._task is not None:
            self._task.uncancel()
        raise Complete


_NOW: list[Captured] = []


def capturing() -> Captured | None:
    """Who wants to have what is declared; None in a program that serves."""
    return _NOW[-1] if _NOW else None


@contextmanager
def captured() -> Iterator[Captured]:
    """Take what servers declare inside of this."""
    _NOW.append(Captured())
    try:
        yield _NOW[-1]
    finally:
        _NOW.pop()

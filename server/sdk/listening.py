"""An HTTP server inside of a program that goes on: it listens at once, and ends on a signal or when it is told to."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import threading
from collections.abc import Callable, Iterator

import uvicorn
from starlette.types import ASGIApp

from jurat.server.cli.serve import is_local
from jurat.server.wire import config

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class _Embedded(uvicorn.Server):
    """Signals belong to the program."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Listening:
    """A running HTTP server. ``stop`` is set when it is to end."""

    def __init__(self, app: ASGIApp, listener: socket.socket) -> None:
        self.port: int = listener.getsockname()[1]
        self._listener = listener
        self._server = _Embedded(config(app, lifespan="off"))
        self._task = asyncio.create_task(self._server.serve(sockets=[listener]))

    async def end(self) -> None:
        """Stop listening, once what is under way is done or its time is up."""
        self._server.should_exit = True
        try:
            await self._task
        finally:
            self._listener.close()


def hosts_of(host: str) -> tuple[str, ...] | None:
    """The names that a server answers to; None is any."""
    return ("localhost", "127.0.0.1", host) if is_local(host) else None


class Signals:
    """Calls ``act`` on Ctrl-C and on a request to terminate, once; the second one does what it did before."""

    def __init__(self, act: Callable[[], None]) -> None:
        self._act = act
        self._before: dict[signal.Signals, object] = {}

    def take(self) -> None:
        """Take the signals over, where this is the program's main thread."""
        if threading.current_thread() is not threading.main_thread():
            return
        loop = asyncio.get_running_loop()
        for each in SIGNALS:
            before = signal.getsignal(each)
            with contextlib.suppress(NotImplementedError):  # on Windows the program is simply ended
                loop.add_signal_handler(each, self._on_signal)
                self._before[each] = before

    def give_back(self) -> None:
        """Give them back to whom they belonged."""
        loop = asyncio.get_running_loop()
        for each, before in self._before.items():
            loop.remove_signal_handler(each)
            if callable(before) or isinstance(before, signal.Handlers):
                signal.signal(each, before)
        self._before = {}

    def _on_signal(self) -> None:
        self.give_back()
        self._act()

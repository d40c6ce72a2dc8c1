"""HTTP on the wire: bounds on those who are slow, and on how many there are."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any, cast

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

GRACE_SECONDS = 3
"""How long running turns may go on after Ctrl-C."""

HEADER_SECONDS = 15.0
"""That the head of a request may take to arrive, and that a connection may be idle before it has sent any."""

HEAD_BYTES = 64 * 1024
"""Of a request before its body, as they are counted while it comes in pieces."""

CONNECTIONS = 4_000
"""Open at once; more are told to come back."""


WAITING_BYTES = 64 * 1024
"""Of an answer, that wait to be sent together."""


class Together:
    """A transport that sends in one piece what is written at once.

    The head of an answer and its body would be two calls of the system and two packets, each of which wakes who reads.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._waiting = bytearray()

    def write(self, data: bytes) -> None:
        """Asyncio's interface, as are the others; what nothing more follows is sent when the loop comes round."""
        if not self._waiting:
            self._loop.call_soon(self.flush)
        self._waiting += data
        if len(self._waiting) > WAITING_BYTES:
            self.flush()

    def flush(self) -> None:
        """Send what waits."""
        if self._waiting:
            self._transport.write(bytes(self._waiting))
            self._waiting.clear()

    def close(self) -> None:
        self.flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class Impatient(HttpToolsProtocol):
    """Ends a connection whose next request does not come to its headers in time; uvicorn itself would wait for ever."""

    _deadline: asyncio.TimerHandle | None = None
    _head = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Asyncio's interface, as are the others."""
        self._together = Together(transport, self.loop)
        super().connection_made(cast("asyncio.Transport", self._together))
        self._wait()

    def on_response_complete(self) -> None:
        """Send what is left of an answer at once."""
        self._together.flush()
        super().on_response_complete()

    def data_received(self, data: bytes) -> None:
        """Count time and bytes from the first piece of a head on."""
        super().data_received(data)
        if self._within_request():
            self._rest()
            self._head = 0
            return
        self._head += len(data)
        if self._head > HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("The head of the request is too long.")
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop counting."""
        self._rest()
        super().connection_lost(exc)

    def _within_request(self) -> bool:
        return bool(self.cycle) and not self.cycle.response_complete

    def _wait(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(HEADER_SECONDS, self._give_up)

    def _rest(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        if not self._within_request():
            self.transport.close()


class Server(uvicorn.Server):
    """Ends what is under way before it hangs up; those who wait would be cut off, each with an error in the log."""

    def __init__(self, config: uvicorn.Config, settle: Callable[[], Awaitable[None]]) -> None:
        super().__init__(config)
        self._settle = settle

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Uvicorn's interface."""
        await self._settle()
        await super().shutdown(sockets)


def config(app: ASGIApp, **options: Any) -> uvicorn.Config:
    """How the application is served."""
    return uvicorn.Config(
        app, http=Impatient, log_level="warning", access_log=False, server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS, limit_concurrency=CONNECTIONS, **options,
    )  # fmt: skip

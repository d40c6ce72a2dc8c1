"""The life of a server: it listens, builds what was declared whenever declaring has paused, and ends."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import click
from fastapi import FastAPI

from jurat.server.app import create_app, settle
from jurat.server.cli.serve import is_local, listen, reached
from jurat.server.cli.shell import complain_mildly
from jurat.server.headers import with_cors
from jurat.server.opening import Agent
from jurat.server.sdk.errors import SDKError
from jurat.server.sdk.gate import Gate
from jurat.server.sdk.listening import Listening, Signals, hosts_of

if TYPE_CHECKING:
    from jurat.server.sdk.server import Server


class Life:
    """From the entry of a server's block to the end of its exit."""

    def __init__(self, server: Server, listening: Listening, gate: Gate) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.ready = asyncio.Event()
        self._server = server
        self._gate = gate
        self._listening = listening
        self._task = task
        self._version, self._built = 0, -1
        self._quiet: asyncio.TimerHandle | None = None
        self._building: asyncio.Task[None] | None = None
        self._failure: BaseException | None = None
        self._stopped = asyncio.Event()
        self._exiting = False
        self._app: FastAPI | None = None
        self._signals = Signals(self.stop)

    @classmethod
    def begin(cls, server: Server) -> Life:
        """Listen.

        Raises:
            SDKError: the address cannot be listened at.
        """
        try:
            listener = listen(server.host, server.port)
        except click.ClickException as error:
            raise SDKError(error.format_message().replace("--port", "`port`")) from None
        gate = Gate()
        life = cls(server, Listening(with_cors(gate, server.cors_allowed_origins), listener), gate)
        server.port = life._listening.port
        life._signals.take()
        return life

    def touched(self) -> None:
        """Something was declared: nobody is answered until it is proved, and it is built once no more comes."""
        self._version += 1
        self._gate.shut()
        self.ready.clear()
        if self._quiet is not None:
            self._quiet.cancel()
        if not self._exiting:
            self._quiet = asyncio.get_running_loop().call_later(self._server.quiet_seconds, self._begin_building)

    def stop(self) -> None:
        """End: the exit of the block returns, and a program that sleeps in the block is woken."""
        self._stopped.set()
        if not self._exiting and asyncio.current_task() is not self._task:
            self._task.cancel()

    def _begin_building(self) -> None:
        if self._building is None or self._building.done():
            self._building = asyncio.create_task(self._build())
            self._building.add_done_callback(self._on_built)

    def _on_built(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or (error := task.exception()) is None:
            return
        self._failure = error
        if not self._exiting:
            self._task.cancel()

    async def _build(self) -> None:
        while self._built != self._version:
            version = self._version
            agent = await self._server.build()
            if version == self._version:
                self._open(agent)
                self._built = version

    def _open(self, agent: Agent) -> None:
        host, port = self._server.host, self._listening.port
        if self._app is None:
            self._app = create_app(agent, hosts_of(host), settings=self._server.settings)
        else:
            self._app.state.service.change(agent)
        self._gate.open(self._app)
        self.ready.set()
        if not is_local(host):
            complain_mildly(reached(port, self._server.settings))
        where = "localhost" if is_local(host) else host
        click.echo(f"{agent.name} answers at http://{where}:{port} (Ctrl-C ends it)")

    async def end(self, error: BaseException | None) -> bool:
        """Leave the block: build what is left to build and wait for the end; whether ``error`` was only a way to wake it."""
        self._exiting = True
        if self._quiet is not None:
            self._quiet.cancel()
        try:
            if error is None:
                await self._serve()
                return False
            return self._woken(error)
        except asyncio.CancelledError as late:  # the block was left in the very moment in which it was to be woken
            if self._woken(late):
                return False
            raise
        finally:
            await self._close()

    def _woken(self, error: BaseException) -> bool:
        if not isinstance(error, asyncio.CancelledError):
            return False
        if self._failure is not None:
            self._task.uncancel()
            raise self._failure from None
        if self._stopped.is_set():
            self._task.uncancel()
            return True
        return False

    async def _serve(self) -> None:
        stopped = asyncio.create_task(self._stopped.wait())
        if self._building is None or self._building.done():
            if self._failure is not None:
                raise self._failure
            self._building = asyncio.create_task(self._build())
        try:
            await asyncio.wait({stopped, self._building}, return_when=asyncio.FIRST_COMPLETED)
            if self._building.done():
                await self._building
            await stopped
        finally:
            stopped.cancel()

    async def _close(self) -> None:
        if self._building is not None and not self._building.done():
            self._building.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._building
        if self._app is not None:
            await settle(self._app)
        await self._listening.end()
        self._signals.give_back()

"""MCP servers: one connection each, kept open and opened again when it was lost.

A connection is entered and left by one task, as the SDK asks; calls come from others. What is sent again is only what
was certainly never received: a request on a connection that proved dead before it, or that no server was there to take.

A server that left a call without an answer is asked, before the next call, whether it is there. One that does not say so
is left and reached anew; what others still wait for there is waited for, and the call that was given up is not made again.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from jurat.engine.errors import EngineError, OutcomeUnknown
from jurat.engine.remote.background import Background
from jurat.engine.remote.complaints import Complaints
from jurat.engine.remote.environment import extra_missing, fault, filled_in, headers_of, variable
from jurat.engine.remote.validation import Validator
from jurat.engine.results import ToolResult
from jurat.engine.tools import Tool, ToolContext
from jurat.policies.diagnostics import near_miss
from jurat.policies.model import ServiceDeclaration

if TYPE_CHECKING:
    from mcp import Client

CONNECTING_SECONDS = 30.0
FRESH_SECONDS = 0.5
"""A started server that answered so recently is not asked again whether it is there."""

PROBE_SECONDS = 5.0
"""That a server has to say that it is there."""

KEY = "idempotency-key"
"""Where a request's ``_meta`` names the call; it is the same when the call is made again."""

CLOSED = -32000
NO_SUCH_METHOD = -32601
PAGES = 100


class ServiceFailed(EngineError):
    """A service could not be reached, or answered with an error."""


class ConnectionLost(ServiceFailed, OutcomeUnknown):
    """The connection broke after a call was sent, or what was answered cannot be read."""


@dataclass(frozen=True, slots=True)
class Offered:
    """One tool of a server, as the server tells it."""

    name: str
    description: str
    schema: dict[str, Any]


class McpServer:
    """One server of a policy. Its methods may be called from any thread and event loop.

    Args:
        declared: where it is.
        folder: where a command is started.
        background: runs the connection.

    Raises:
        ToolLoadError: the optional package is missing, or a variable of the environment.
    """

    def __init__(self, declared: ServiceDeclaration, folder: Path, background: Background) -> None:
        try:
            import mcp  # noqa: F401 - only whether it is there
        except ModuleNotFoundError:
            raise extra_missing(declared, "mcp") from None
        self.declared = declared
        self._folder = folder
        self._background = background
        self._command = [filled_in(declared, each) for each in declared.command]
        self._environment = {name: variable(declared, name) for name in declared.environment}
        self._url = filled_in(declared, declared.url)
        self._headers = headers_of(declared)
        self._connection: _Connection | None = None
        self._reaching: asyncio.Task[_Connection] | None = None
        self._left: list[_Connection] = []

    def tools(self) -> dict[str, Offered]:
        """What the server offers, by name.

        Raises:
            ToolLoadError: it cannot be reached, or does not answer.
        """
        try:
            return self._background.wait(self._tools())
        except ServiceFailed as reason:
            raise fault(self.declared, str(reason)) from None

    async def call(self, name: str, arguments: Mapping[str, Any], key: str = "") -> ToolResult:
        """Call a tool, under an idempotency key.

        Raises:
            ServiceFailed: the server cannot be reached, or answered with an error.
        """
        try:
            return await self._background.ask(self._call(name, dict(arguments), key))
        except ServiceFailed as reason:
            raise type(reason)(f"service `{self.declared.id}`: {reason}") from reason

    def close(self) -> None:
        """Leave the server; one that was started ends. Idempotent."""
        self._background.wait(self._end())

    async def _tools(self) -> dict[str, Offered]:
        found: dict[str, Offered] = {}
        cursor: str | None = None
        async with self._failures(), asyncio.timeout(CONNECTING_SECONDS):
            connection = await self._connected()
            for _ in range(PAGES):
                page = await connection.client.list_tools(cursor=cursor, cache_mode="refresh")
                for each in page.tools:
                    found[each.name] = Offered(each.name, each.description or "", each.input_schema)
                cursor = page.next_cursor
                if cursor is None:
                    break
        return found

    async def _call(self, name: str, arguments: dict[str, Any], key: str) -> ToolResult:
        from mcp import MCPError

        meta: Any = {KEY: key} if key else None
        for last in (False, True):
            async with self._failures():
                connection = await self._connected()
                try:
                    async with connection.waited_for():
                        return _result(await connection.client.call_tool(name, arguments, meta=meta))
                except MCPError as error:
                    if not await self._lost(connection, error):
                        raise
                    if last or not connection.never_reached:
                        failed = ServiceFailed if connection.never_reached else ConnectionLost
                        raise failed(f"the connection was lost: {connection.ending}") from None
                except Exception as reason:  # the tool has run
                    raise ConnectionLost(f"its answer cannot be read: {_told(reason)}") from reason
        raise AssertionError("the second round returns or raises")

    async def _lost(self, connection: _Connection, error: Any) -> bool:
        """Whether an error means that the connection is no more; then it is left."""
        if error.code != CLOSED and "session terminated" not in str(error).lower():
            return False
        connection.forgotten |= error.code != CLOSED
        self._leave(connection)
        await connection.closed()
        return True

    @contextlib.asynccontextmanager
    async def _failures(self) -> AsyncIterator[None]:
        """Whatever the SDK raises as one clear error."""
        try:
            yield
        except ServiceFailed:
            raise
        except TimeoutError:
            raise ServiceFailed(f"it did not answer within {CONNECTING_SECONDS:g} s") from None
        except Exception as reason:
            raise ServiceFailed(_told(reason)) from reason

    async def _connected(self) -> _Connection:
        """The connection. It is looked for once for all who ask, and to the end: a tool may have less time than a start takes."""
        if self._reaching is None or self._reaching.done():
            self._reaching = asyncio.create_task(self._reached())
            self._reaching.add_done_callback(lambda task: task.cancelled() or task.exception())  # perhaps nobody waits
        return await asyncio.shield(self._reaching)

    async def _reached(self) -> _Connection:
        """The connection; a new one where there is none, or the one there is proves dead or hangs."""
        known = self._connection
        if known is not None and not await known.answers(probed=bool(self._command)):
            self._leave(known)
            if self._command and not known.in_use:
                await known.closed()  # what it holds, such as a port or a file, the next one needs
        if self._connection is None:
            self._connection = await _Connection.opened(self._target())
        return self._connection

    def _target(self) -> Any:
        if not self._command:
            return _over_http(self._url, self._headers)
        from mcp import StdioServerParameters
        from mcp.client.stdio import stdio_client

        program, *rest = self._command
        parameters = StdioServerParameters(command=program, args=rest, env=self._environment, cwd=self._folder)
        return _started(stdio_client, parameters)

    def _leave(self, connection: _Connection) -> None:
        """Ask nothing more on a connection, which ends once nothing is waited for there."""
        if self._connection is connection:
            self._connection = None
        self._left = [*(each for each in self._left if not each.ended), connection]
        connection.leave()

    async def _end(self) -> None:
        """Let go of all there is, whatever is waited for."""
        if self._reaching is not None and not self._reaching.done():
            self._reaching.cancel()
            await asyncio.wait({self._reaching})
        if self._connection is not None:
            self._leave(self._connection)
        left, self._left = self._left, []
        await asyncio.gather(*(each.closed() for each in left))


class _Connection:
    """An open connection, held by a task of its own."""

    def __init__(self, target: Any) -> None:
        self._target = target
        self._leave = asyncio.Event()
        self._calls = 0
        self._left = self._doubted = False
        self._ready: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._hold())
        self._heard = 0.0
        self.forgotten = False
        self.failure: BaseException | None = None

    @classmethod
    async def opened(cls, target: Any) -> _Connection:
        connection = cls(target)
        try:
            async with asyncio.timeout(CONNECTING_SECONDS):
                connection.client = await asyncio.shield(connection._ready)
        except BaseException:
            await connection.closed()
            raise
        connection._heard = time.monotonic()
        return connection

    client: Client

    async def _hold(self) -> None:
        from mcp import Client

        try:
            async with Client(self._target) as client:
                self._ready.set_result(client)
                await self._leave.wait()
        except BaseException as reason:  # noqa: BLE001 - also what the SDK cancels this task with
            self.failure = reason
        finally:
            if not self._ready.done():
                self._ready.set_exception(ServiceFailed(f"it cannot be reached: {self.ending}"))
                self._ready.exception()  # looked at, so that nobody warns where nobody waits any more

    @contextlib.asynccontextmanager
    async def waited_for(self) -> AsyncIterator[None]:
        """While a call is made. One that is given up leaves it open whether the server is still there."""
        self._calls += 1
        try:
            yield
            self._doubted = False
        except asyncio.CancelledError:
            self._doubted = True
            raise
        finally:
            self._calls -= 1
            self._leave_if_idle()

    async def answers(self, *, probed: bool) -> bool:
        """Whether it is alive. One that gave no answer is asked, and so is a started server, which may have ended unnoticed,
        unless it is at work.
        """
        from mcp import MCPError

        if self._task.done():
            return False
        fresh = time.monotonic() - self._heard < FRESH_SECONDS
        if not self._doubted and (self.in_use or fresh or not probed):
            return True
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                await self.client.session.send_ping()
        except TimeoutError:
            return False
        except MCPError as error:  # a newer server knows no ping, and says so, which is an answer
            if error.code == CLOSED:
                return False
        self._heard, self._doubted = time.monotonic(), False
        return True

    def leave(self) -> None:
        """Have it end once nothing is waited for any more."""
        self._left = True
        self._leave_if_idle()

    def _leave_if_idle(self) -> None:
        if self._left and not self.in_use:
            self._leave.set()

    async def closed(self) -> None:
        """End it now, whatever is waited for."""
        self._leave.set()
        if not self._ready.done():
            self._task.cancel()  # it hangs at its start
        with contextlib.suppress(BaseException):
            await asyncio.wait({self._task}, timeout=CONNECTING_SECONDS)

    @property
    def in_use(self) -> bool:
        """Whether a call is waited for."""
        return self._calls > 0

    @property
    def ended(self) -> bool:
        """Whether it is no more."""
        return self._task.done()

    @property
    def ending(self) -> str:
        """Why it ended."""
        return "it ended" if self.failure is None else _told(self.failure)

    @property
    def never_reached(self) -> bool:
        """Whether what was sent last certainly reached nobody: nobody listened, or the session was no longer known."""
        return self.forgotten or any(type(each).__name__ == "ConnectError" for each in _leaves(self.failure))


@contextlib.asynccontextmanager
async def _over_http(url: str, headers: Mapping[str, str]) -> AsyncIterator[Any]:
    from httpx2 import AsyncClient, Timeout
    from mcp.client.streamable_http import streamable_http_client

    # How long a call may take is the tool's to say.
    patience = Timeout(CONNECTING_SECONDS, read=None)
    async with (
        AsyncClient(headers=dict(headers), timeout=patience) as client,
        streamable_http_client(url, http_client=client) as streams,
    ):
        yield streams


@contextlib.asynccontextmanager
async def _started(start: Callable[..., Any], parameters: Any) -> AsyncIterator[Any]:
    """The streams of a started server; what it complained of is told where it ends before it has answered."""
    complaints = Complaints()
    try:
        async with start(parameters, errlog=complaints.written_to) as streams:
            complaints.written_to.close()  # the server has it now, so that its end is the end of what is read
            yield streams
    except BaseException as reason:
        reason.add_note(complaints.last())
        raise
    finally:
        complaints.written_to.close()


def _result(answer: Any) -> ToolResult:
    """What the server answered: its texts as the message, its structured content as data."""
    texts = [each.text for each in answer.content if getattr(each, "type", "") == "text"]
    others = [f"({each.type})" for each in answer.content if getattr(each, "type", "") != "text"]
    message = "\n".join((*texts, *others)) or "done"
    return ToolResult(message, answer.structured_content, bool(answer.is_error))


def _leaves(reason: BaseException | None) -> list[BaseException]:
    if isinstance(reason, BaseExceptionGroup):
        return [leaf for each in reason.exceptions for leaf in _leaves(each)]
    return [] if reason is None else [reason]


def _first(leaf: BaseException) -> str:
    """What an error says; of an answer that is not as the protocol has it, what is wrong in it first."""
    if not isinstance(leaf, ValidationError):
        return str(leaf)
    wrong = leaf.errors(include_url=False)[0]
    return f"it does not keep to the protocol: `{'.'.join(map(str, wrong['loc']))}`: {wrong['msg']}"


def _told(reason: BaseException) -> str:
    leaves = _leaves(reason) or [reason]
    first = _first(leaves[0]).splitlines()
    text = first[0] if first else "it ended without saying why"
    notes = "".join(
        f"; it said: {note}"
        for each in {id(e): e for e in (reason, *leaves)}.values()
        for note in getattr(each, "__notes__", ())
        if note
    )
    return text[0].lower() + text[1:].rstrip(".") + notes


@dataclass(frozen=True, kw_only=True)
class McpTool(Tool):
    """A tool of an MCP server."""

    server: McpServer
    name: str
    validator: Validator

    @property
    def schema(self) -> dict[str, Any]:
        return self.validator.schema

    def validated(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return self.validator.validated(values)

    async def run(self, arguments: Mapping[str, Any], context: ToolContext) -> ToolResult:
        return await self.server.call(self.name, arguments, context.idempotency_key)


def tool_of_server(
    id_: str, server: McpServer, offered: Mapping[str, Offered], name: str, description: str = ""
) -> McpTool:
    """A tool that a server offers.

    Raises:
        ToolLoadError: it offers none of that name.
    """
    found = offered.get(name)
    if found is None:
        hint = near_miss(name, offered)
        raise fault(server.declared, f"it has no tool `{name}`" + (f"; {hint}" if hint else ""))
    return McpTool(
        id=id_,
        description=description or found.description,
        server=server,
        name=name,
        validator=Validator(found.schema),
    )

"""The policy's tools for other agents, over MCP: each call is under the policy, as one of a turn is.

A call is made in a conversation: the one that the header ``x-jurat-session`` names, or one that lasts as long as the client's MCP
session. What tools find out there, such as who the customer is, holds for later calls in it.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Any

import mcp_types as types
from mcp.server import Server, ServerRequestContext
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from mcp.types import INVALID_REQUEST
from pydantic_core import to_json
from starlette.types import Message, Receive, Scope, Send

from jurat import __version__
from jurat.engine import direct
from jurat.engine.results import plain
from jurat.engine.session import Session
from jurat.engine.trace import CallRecord
from jurat.policies import JuratError
from jurat.server.api.dependencies import begun, own_session
from jurat.server.api.errors import answer
from jurat.server.gatekeeper import Caller, Gatekeeper
from jurat.server.refusals import Refusal, refusal_of
from jurat.server.service import Service

HEADER = "x-jurat-session"
NO_MESSAGE = "the body is no message of JSON-RPC"
CLIENTS = 1_000
"""MCP sessions whose conversation is remembered."""

IDLE_SECONDS = 900.0
META = "jurat/session"
Context = ServerRequestContext[Any, Any]


class Guarded:
    """The application behind ``/mcp``. Who asks needs the scope `tools`."""

    def __init__(self, service: Service, gatekeeper: Gatekeeper) -> None:
        self._service, self._gatekeeper = service, gatekeeper
        self._sessions: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._server: Server[Any] = Server(
            "jurat", version=__version__, on_list_tools=self._list, on_call_tool=self._call
        )
        self._manager: StreamableHTTPSessionManager | None = None
        self._running: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._end = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI's interface."""
        try:
            scope["state"]["caller"] = caller = await self._caller(scope)
            scope["user"] = _user(caller)
            manager = await self._started()
        except Exception as error:  # noqa: BLE001 - every failure has its answer
            await answer(refusal_of(error))(scope, receive, send)
        else:
            await manager.handle_request(scope, receive, _plain(send))

    async def _caller(self, scope: Scope) -> Caller:
        said = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"authorization"), None)
        caller = await self._gatekeeper.caller(said, scope["client"][0] if scope["client"] else "")
        if not caller.may("tools"):
            raise self._gatekeeper.refused(caller, "tools")
        return caller

    async def _started(self) -> StreamableHTTPSessionManager:
        """The manager of MCP's sessions; it runs from the first request on, in a task of its own."""
        async with self._starting:
            if self._manager is None:
                self._manager = StreamableHTTPSessionManager(
                    self._server, json_response=True, session_idle_timeout=IDLE_SECONDS, max_sessions=CLIENTS,
                    security_settings=TransportSecuritySettings(enable_dns_rebinding_protection=False),
                )  # fmt: skip
                ready = asyncio.Event()
                self._running = asyncio.create_task(self._run(self._manager, ready))
                await ready.wait()
        return self._manager

    async def _run(self, manager: StreamableHTTPSessionManager, ready: asyncio.Event) -> None:
        async with manager.run():
            ready.set()
            await self._end.wait()

    async def close(self) -> None:
        """End what clients have open."""
        self._end.set()
        if self._running is not None:
            await self._running

    async def _list(self, context: Context, params: types.PaginatedRequestParams | None) -> types.ListToolsResult:  # noqa: ARG002
        """All tools of the policy that something implements."""
        engine = self._service.agent.engine
        missing, declared = set(engine.toolbox.unimplemented), engine.graph.vocabulary.tools
        found = [
            types.Tool(
                name=name,
                description=engine.toolbox.description(name) or None,
                input_schema=engine.toolbox.schema(name),
            )
            for name in declared
            if name not in missing
        ]
        return types.ListToolsResult(tools=found)

    async def _call(self, context: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        caller: Caller = context.request.scope["state"]["caller"]  # type: ignore[union-attr]
        try:
            session = await self._session(context, caller)
            with self._service.sessions.running(session):
                engine = self._service.agent.engine
                record = await self._service.within(
                    lambda: direct.call(engine, session, params.name, params.arguments or {}, self._service.places)
                )
        except (Refusal, JuratError) as error:
            return _told(refusal_of(error).message, error=True)
        return _result(record, session)

    async def _session(self, context: Context, caller: Caller) -> Session:
        """The conversation that a call is made in."""
        headers = context.request.headers  # type: ignore[union-attr]
        if named := headers.get(HEADER):
            return await own_session(self._service, caller, named)
        client = (caller.name, headers.get("mcp-session-id", ""))
        known = self._sessions.get(client) if client[1] else None
        if known is not None and (found := await self._service.sessions.get(known)) is not None:
            return found
        session = await begun(self._service, caller, {}, None, None)
        if client[1]:
            self._sessions[client] = session.id
            while len(self._sessions) > CLIENTS:
                self._sessions.popitem(last=False)
        return session


def _result(record: CallRecord, session: Session) -> types.CallToolResult:
    """What became of a call, for a model to read; its data beside."""
    good = record.status == "succeeded"
    text = record.message if record.status in ("succeeded", "failed") else f"{record.status}: {record.reason}"
    data = plain(record.data) if good else None
    return _told(text, error=not good, data=data or None, session=session.id)


def _told(text: str, *, error: bool, data: Any = None, session: str | None = None) -> types.CallToolResult:
    return types.CallToolResult(
        content=[types.TextContent(text=text)], structured_content=data, is_error=error,
        _meta=None if session is None else {META: session},
    )  # fmt: skip


def _user(caller: Caller) -> AuthenticatedUser:
    """Who asks, in MCP's terms: its sessions are then of those alone who began them."""
    return AuthenticatedUser(AccessToken(token="", client_id=caller.name, scopes=[]))


def _plain(send: Send) -> Send:
    """Says of a body that is no message what it is not, where MCP's library would tell how it was read."""
    held: list[Message] = []

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 400:
            held.append(message)
        elif held:
            start, body = held.pop(), message["body"]
            if b'"message":"Validation error' in body.replace(b": ", b":"):
                body = to_json(
                    {"jsonrpc": "2.0", "id": None, "error": {"code": INVALID_REQUEST, "message": NO_MESSAGE}}
                )
            length = (b"content-length", b"%d" % len(body))
            headers = [each for each in start["headers"] if each[0].lower() != length[0]]
            await send({**start, "headers": [*headers, length]})
            await send({**message, "body": body})
        else:
            await send(message)

    return sent

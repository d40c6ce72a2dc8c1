"""The agent over HTTP: conversations, why they went as they did, and a page to have them on."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from jurat.engine.errors import EngineError, FactRefused, SessionMoved, StoreError, TurnRefused, TurnSuperseded
from jurat.engine.session import Session
from jurat.engine.trace import Step
from jurat.engine.turn import Turn
from jurat.llm import LLMError
from jurat.policies import JuratError
from jurat.server.about import about
from jurat.server.calls import Calls
from jurat.server.drawing import picture_of, to_svg
from jurat.server.headers import SecurityHeaders
from jurat.server.opening import Agent
from jurat.server.requests import Refusal, mapping_of, optional_text_of, read_object, text_of
from jurat.server.sessions import Sessions
from jurat.server.version_routes import VersionRoutes
from jurat.server.versions import Versions

STATIC = Path(__file__).parent / "static"
TURNS_AT_ONCE = 16
"""Turns that run or wait for the model, over all sessions; more are asked to come back."""

NAME_CHARACTERS = 200
"""Of an event's name; none that a policy declares is longer in earnest."""

LOG = logging.getLogger("jurat.server")
Handler = Callable[[Request], Awaitable[Response]]


def create_app(agent: Agent, hosts: Sequence[str] | None = None, home: Path | None = None) -> Starlette:
    """The application that serves a policy's agents; ``hosts`` are the names it answers to, all if None.

    ``home`` is the folder that the tools of new versions of the policy are loaded from; without it there are none.
    ``state.service`` of what is returned is the :class:`Service`.
    """
    service = Service(agent)
    calls = Calls(service)
    versions = VersionRoutes(Versions(agent, service.change, home), service.store).routes() if home is not None else []
    routes = [
        Route("/", service.page),
        Route("/healthz", service.health),
        Route("/about", service.about),
        Route("/policy", service.policy),
        Route("/sessions", service.start, methods=["POST"]),
        Route("/sessions/{id}", service.show),
        Route("/sessions/{id}/messages", service.message, methods=["POST"]),
        Route("/sessions/{id}/events", service.event, methods=["POST"]),
        Route("/traces/{id}", service.trace),
        Route("/calls", calls.list),
        Route("/calls/{key}", calls.resolve, methods=["POST"]),
        *versions,
        Mount("/static", StaticFiles(directory=STATIC)),
    ]
    guards = [Middleware(SecurityHeaders)]
    if hosts is not None:
        guards.append(Middleware(TrustedHostMiddleware, allowed_hosts=list(dict.fromkeys(hosts)), www_redirect=False))
    handlers = {Refusal: _refused, HTTPException: _not_found, StoreError: _failed, Exception: _failed}
    app = Starlette(routes=routes, middleware=guards, exception_handlers=handlers)
    app.state.service = service
    return app


class Service:
    """The handlers, and the conversations they share."""

    def __init__(self, agent: Agent) -> None:
        self.agent = agent
        self.store = agent.engine.store
        self.sessions = Sessions(self.store, self._open)
        self._turns: set[asyncio.Task[None]] = set()

    def change(self, agent: Agent) -> None:
        """Answer with another agent from the next turn on; turns that run end with the one they have."""
        self.agent = agent

    async def page(self, request: Request) -> Response:  # noqa: ARG002 - Starlette's signature, here and below
        """The page."""
        return FileResponse(STATIC / "index.html")

    async def health(self, request: Request) -> Response:  # noqa: ARG002
        """Whether the server answers."""
        return JSONResponse({"status": "ok", "policy": self.agent.graph.digest, "proved": self.agent.report.passed})

    async def about(self, request: Request) -> Response:  # noqa: ARG002
        """What is served."""
        return JSONResponse(about(self.agent))

    async def policy(self, request: Request) -> Response:  # noqa: ARG002
        """The policy as a picture; findings are marked in it."""
        svg = to_svg(picture_of(self.agent.graph, self.agent.report.failures))
        return Response(svg, media_type="image/svg+xml")

    async def start(self, request: Request) -> Response:
        """A new conversation."""
        content = await read_object(request, ("facts", "agent", "customer"))
        wanted, who = optional_text_of(content, "agent"), optional_text_of(content, "customer")
        if (customer := await self.agent.customer_of(who)) is None:
            raise Refusal(422, "refused", f"there is no customer `{str(who)[:60]}`")
        try:
            session = self.agent.engine.start_session(mapping_of(content, "facts"), customer, agent=wanted)
        except (FactRefused, TurnRefused) as error:
            raise Refusal(422, "refused", str(error)) from None
        await self.agent.engine.save(session)
        self.sessions.add(session)
        return JSONResponse(await self._shown(session), 201)

    async def show(self, request: Request) -> Response:
        """A conversation so far."""
        return JSONResponse(await self._shown(await self.session(request.path_params["id"])))

    async def trace(self, request: Request) -> Response:
        """One turn's trace."""
        session, _, number = str(request.path_params["id"]).rpartition("-")
        found = await self.store.trace(session, int(number)) if _is_number(number) else None
        if found is None:
            raise Refusal(404, "unknown", "there is no such trace")
        return JSONResponse(found)

    async def message(self, request: Request) -> Response:
        """One turn: its steps as they happen, then the turn, as server-sent events."""
        session = await self.session(request.path_params["id"])
        content = await read_object(request, ("message",))
        text = text_of(content, "message", self.agent.engine.limits.message_characters)
        if len(self._turns) >= TURNS_AT_ONCE:
            raise Refusal(503, "busy", "too many conversations at once; try again in a moment")
        events: asyncio.Queue[str | None] = asyncio.Queue()
        # The turn outlives a reader who goes away: tools may be at work, and the reply can be fetched later.
        task = asyncio.create_task(self._turn(session, text, events))
        self._turns.add(task)
        task.add_done_callback(self._turns.discard)
        return StreamingResponse(
            _until_none(events), media_type="text/event-stream", headers={"cache-control": "no-store"}
        )

    async def event(self, request: Request) -> Response:
        """A turn on something that happened without a message; it gets no reply."""
        session = await self.session(request.path_params["id"])
        content = await read_object(request, ("event",))
        name = text_of(content, "event", NAME_CHARACTERS)
        try:
            with self.sessions.running(session):
                turn = await self.agent.engine.turn(session, None, event=name)
        except TurnRefused as error:
            raise Refusal(409, "refused", str(error)) from None
        return JSONResponse(_told(session, turn))

    async def _turn(self, session: Session, text: str, events: asyncio.Queue[str | None]) -> None:
        try:
            with self.sessions.running(session):
                turn = await self.agent.engine.turn(
                    session, text, on_step=lambda step: events.put_nowait(_event("step", _step(step)))
                )
            events.put_nowait(_event("turn", _told(session, turn)))
        except TurnSuperseded as error:
            events.put_nowait(_event("error", Refusal(409, "superseded", str(error)).as_json()))
        except TurnRefused as error:
            events.put_nowait(_event("error", Refusal(409, "refused", str(error)).as_json()))
        except SessionMoved as error:
            self.sessions.forget(session)
            events.put_nowait(_event("error", Refusal(409, "moved", str(error)).as_json()))
        except Exception as error:  # noqa: BLE001 - a stream that has begun can only end with an event
            events.put_nowait(_event("error", _apology(error).as_json()))
        finally:
            events.put_nowait(None)

    async def session(self, id_: str) -> Session:
        """A session by its id.

        Raises:
            Refusal: there is none.
            StoreError: it cannot be read.
        """
        found = await self.sessions.get(id_)
        if found is None:
            raise Refusal(404, "unknown", "there is no such conversation")
        return found

    async def _open(self, id_: str) -> Session | None:
        return await self.agent.engine.open(id_)

    async def _shown(self, session: Session) -> dict[str, Any]:
        return {
            "id": session.id,
            "agent": session.agent,
            "mode": session.mode,
            "labels": sorted(session.state.labels),
            "running": self.sessions.runs(session),
            "conversation": [
                {"role": each.role, "text": each.text} for each in session.conversation if each.role != "system"
            ],
            "traces": [f"{session.id}-{number}" for number in await self.store.traces(session.id)],
        }


async def _until_none(events: asyncio.Queue[str | None]) -> AsyncIterator[str]:
    while (event := await events.get()) is not None:
        yield event


def _event(name: str, content: Any) -> str:
    return f"event: {name}\ndata: {json.dumps(content, ensure_ascii=False)}\n\n"


def _step(step: Step) -> dict[str, Any]:
    return {"name": step.name, "detail": step.detail, "seconds": step.seconds, "round": step.round}


def _told(session: Session, turn: Turn) -> dict[str, Any]:
    reply = turn.response.text if turn.response else None
    return {"id": f"{session.id}-{turn.number}", "reply": reply, "mode": session.mode, "trace": turn.trace.as_json()}


def _is_number(text: str) -> bool:
    """Whether it is one that a turn can have; others are too long to be read."""
    return text.isascii() and text.isdecimal() and len(text) < 10


def _apology(error: Exception) -> Refusal:
    """What the customer may know of a failure; the log has the rest."""
    if isinstance(error, LLMError):
        LOG.error("the model failed: %s", error)
        return Refusal(503, "model", "the language model cannot answer now")
    if isinstance(error, StoreError):
        LOG.error("%s", error)
        return Refusal(503, "store", "nothing can be stored or read now, so this was not done; try again in a moment")
    if isinstance(error, JuratError) and not isinstance(error, EngineError):
        LOG.error("a turn was refused: %s", error)
        return Refusal(409, "refused", "what is known of this conversation contradicts the policy, so nothing was done")
    LOG.error("a turn failed", exc_info=error)
    return Refusal(500, "internal", "something went wrong on our side")


async def _refused(request: Request, error: Exception) -> Response:  # noqa: ARG001
    assert isinstance(error, Refusal)
    return JSONResponse(error.as_json(), error.status)


async def _not_found(request: Request, error: Exception) -> Response:  # noqa: ARG001
    assert isinstance(error, HTTPException)
    words = {404: "there is nothing here", 405: "this cannot be done here"}
    refusal = Refusal(error.status_code, "http", words.get(error.status_code, "the request cannot be answered"))
    return JSONResponse(refusal.as_json(), refusal.status, headers=error.headers)


async def _failed(request: Request, error: Exception) -> Response:  # noqa: ARG001
    refusal = _apology(error)
    return JSONResponse(refusal.as_json(), refusal.status)

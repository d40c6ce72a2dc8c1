"""Consequential calls over HTTP: which there were, and what became of those whose outcome was lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast, get_args

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from jurat.engine.errors import TurnRefused
from jurat.engine.session import Call, CallState
from jurat.server.requests import Refusal, mapping_of, read_object, text_of

if TYPE_CHECKING:
    from jurat.server.app import Service

CALLS = 100
"""Listed at once, newest first."""

MESSAGE_CHARACTERS = 2_000
NAME_CHARACTERS = 200


class Calls:
    """The handlers."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def list(self, request: Request) -> Response:
        """The newest calls; ``?status=unknown`` are those that somebody has to look into."""
        status = request.query_params.get("status")
        if status is not None and status not in get_args(CallState):
            raise Refusal(422, "malformed", f"`status` is one of {', '.join(get_args(CallState))}")
        found = await self._service.store.calls(cast("CallState | None", status), limit=CALLS)
        return JSONResponse({"calls": [shown(each) for each in found]})

    async def resolve(self, request: Request) -> Response:
        """Say what became of a call: ``{"status": "succeeded" | "failed", "message": …, "data": {…}, "by": …}``."""
        content = await read_object(request, ("status", "message", "data", "by"))
        status = content.get("status")
        if status not in ("succeeded", "failed"):
            raise Refusal(422, "malformed", "`status` is succeeded or failed")
        call = await self._service.store.call(request.path_params["key"])
        if call is None:
            raise Refusal(404, "unknown", "there is no such call")
        session = await self._service.session(call.session)
        message, by = text_of(content, "message", MESSAGE_CHARACTERS), text_of(content, "by", NAME_CHARACTERS)
        try:
            with self._service.sessions.running(session):
                ended = await self._service.agent.engine.resolve_call(
                    session, call.key, status, message, mapping_of(content, "data"), by=by
                )
        except TurnRefused as error:
            raise Refusal(409, "refused", str(error)) from None
        return JSONResponse(shown(ended))


def shown(call: Call) -> dict[str, Any]:
    """A call for :mod:`json`."""
    return {
        "key": call.key,
        "session": call.session,
        "turn": call.turn,
        "tool": call.tool,
        "arguments": dict(call.arguments),
        "status": call.status,
        "at": call.at,
        "ended": call.ended,
        "message": call.message,
        "data": dict(call.data),
        "resolved_by": call.resolved_by,
    }

"""Consequential calls: which there were, and what became of those whose outcome was lost."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import Field, StringConstraints

from jurat.engine.session import Call, CallState
from jurat.server.api.auth import Caller, requires
from jurat.server.api.dependencies import Body, Served, Shown
from jurat.server.api.errors import errors
from jurat.server.refusals import Refusal

ROUTER = APIRouter(tags=["calls"])
CALLS = 100
"""Listed at once, newest first."""

Minding = Annotated[Caller, requires("calls")]


class Outcome(Body):
    """What the tool would have returned, and who found it out."""

    status: Literal["succeeded", "failed"]
    message: Annotated[str, StringConstraints(pattern=r"\S", max_length=2_000)]
    by: Annotated[str, StringConstraints(pattern=r"\S", max_length=200)]
    data: dict[str, Any] = Field(default_factory=dict)


class CallShown(Shown):
    """A consequential call; times are in seconds since 1970, ``ended`` is null while nothing is known of its outcome."""

    key: str
    session: str
    turn: int
    tool: str
    arguments: dict[str, Any]
    status: CallState
    at: float
    ended: float | None
    message: str
    data: dict[str, Any]
    resolved_by: str


class CallsShown(Shown):
    """The newest calls first."""

    calls: list[CallShown]


@ROUTER.get("/calls", response_model=CallsShown)
async def list_(service: Served, caller: Minding, status: CallState | None = None) -> dict[str, Any]:  # noqa: ARG001
    """The newest calls; ``?status=unknown`` are those that somebody has to look into."""
    return {"calls": [shown(each) for each in await service.store.calls(status, limit=CALLS)]}


@ROUTER.post("/calls/{key}", response_model=CallShown, responses=errors(404, 409))
async def resolve(key: str, given: Outcome, service: Served, caller: Minding) -> dict[str, Any]:  # noqa: ARG001
    """Say what became of a call whose outcome is unknown."""
    call = await service.store.call(key)
    if call is None:
        raise Refusal(404, "unknown", "there is no such call")
    session = await service.session(call.session)
    with service.sessions.running(session):
        ended = await service.agent.engine.resolve_call(
            session, call.key, given.status, given.message, given.data, by=given.by
        )
    return shown(ended)


def shown(call: Call) -> dict[str, Any]:
    """A call for :class:`CallShown`."""
    return {name: getattr(call, name) for name in CallShown.model_fields}

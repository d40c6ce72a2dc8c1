"""Why turns went as they did."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from jurat.engine.wellformed import clean
from jurat.server.api.auth import Caller, Chatting
from jurat.server.api.dependencies import Served, own_session
from jurat.server.api.errors import errors
from jurat.server.refusals import Refusal
from jurat.server.service import Service

ROUTER = APIRouter(tags=["traces"], responses=errors(404))


@ROUTER.get("/traces/{id}")
async def trace(id: str, service: Served, caller: Chatting) -> dict[str, Any]:  # noqa: A002 - the path's name for it
    """One turn's trace, by the conversation's id, a hyphen and the turn's number."""
    return dict(await found(service, caller, id))


async def found(service: Service, caller: Caller, id_: str) -> dict[str, Any]:
    """A trace that the caller may read.

    Raises:
        Refusal: there is none.
    """
    session, _, number = id_.rpartition("-")
    kept = await service.store.trace(session, int(number)) if _is_number(number) else None
    if kept is None:
        raise Refusal(404, "unknown", "there is no such trace")
    await own_session(service, caller, session)
    return dict(clean(kept))  # a function of the program may have remarked anything in it


def _is_number(text: str) -> bool:
    """Whether it is one that a turn can have; others are too long to be read."""
    return text.isascii() and text.isdecimal() and len(text) < 10

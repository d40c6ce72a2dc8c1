"""Conversations as clients list, change and delete them; beginning and reading one is in server/api/sessions.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response

from jurat.engine.errors import TurnRefused
from jurat.engine.session import Session
from jurat.engine.store import Head
from jurat.server.api.auth import Caller, Chatting
from jurat.server.api.dependencies import Body, Served, Shown, Text, own_session
from jurat.server.api.errors import errors
from jurat.server.labelling import KIND
from jurat.server.parlant.common import Labels, SessionId, Values
from jurat.server.parlant.notes import GUEST, OffsetsGiven, SessionShown, Title, as_shown, noted
from jurat.server.parlant.pages import Cursor, Limit, Sort, page
from jurat.server.refusals import Refusal
from jurat.server.service import Service

ROUTER = APIRouter(tags=["sessions"])


class SessionsShown(Shown):
    """A page of conversations."""

    items: list[SessionShown]
    total_count: int
    has_more: bool
    next_cursor: str | None


class SessionChanged(Body):
    """What is to be otherwise of a conversation: who answers, on whose behalf it is, what is noted of it."""

    consumption_offsets: OffsetsGiven | None = None
    title: Title | None = None
    mode: Literal["auto", "manual"] | None = None
    customer_id: Text | None = None
    agent_id: Text | None = None
    metadata: Values | None = None
    labels: Labels | None = None


@ROUTER.get("/sessions", response_model=list[SessionShown] | SessionsShown)
async def list_(
    service: Served,
    caller: Chatting,
    *,
    agent_id: str | None = None,
    customer_id: str | None = None,
    labels: Annotated[list[Text] | None, Query()] = None,
    limit: Limit = None,
    cursor: Cursor = None,
    sort: Sort | None = None,
) -> Any:
    """The conversations that the caller may read, in the order in which they began."""
    heads = await _heads(service, caller, agent_id, customer_id)
    if labels:
        notes = await service.store.records(KIND)
        heads = [each for each in heads if each.id in notes and {*labels} <= {*notes[each.id].body.get("labels", ())}]
    wanted, more = page(heads, lambda each: each.id, limit, cursor, sort)
    notes = await service.store.records(KIND, None if more is None else [each.id for each in wanted])
    shown = [as_shown(each, notes.get(each.id)) for each in wanted]
    return shown if more is None else {"items": shown, **more}


@ROUTER.delete("/sessions", status_code=204)
async def delete_many(
    service: Served, caller: Chatting, agent_id: str | None = None, customer_id: str | None = None
) -> Response:  # fmt: skip
    """Delete all conversations of the caller's, of an agent or of a customer."""
    for head in await _heads(service, caller, agent_id, customer_id):
        await _forget(service, await own_session(service, caller, head.id))
    return Response(status_code=204)


@ROUTER.patch("/sessions/{id}", response_model=SessionShown, responses=errors(404))
async def update(session_id: SessionId, given: SessionChanged, service: Served, caller: Chatting) -> dict[str, Any]:
    """Change a conversation."""
    session = await own_session(service, caller, session_id)
    if (given.metadata or given.labels) and not caller.may("sessions"):
        raise Refusal(403, "forbidden", "to change `metadata` and `labels` needs the scope `sessions`")
    await _assign(service, caller, session, given)
    if _noted_anew(given, {}):
        await service.store.change_record(KIND, session_id, lambda before: {**before, **_noted_anew(given, before)})
    return await noted(service, session)


def _noted_anew(given: SessionChanged, before: Mapping[str, Any]) -> dict[str, Any]:
    """What is noted otherwise from now on."""
    found = given.model_dump(include={"title"}, exclude_none=True)
    if given.metadata is not None:
        found["metadata"] = given.metadata.applied(before.get("metadata", {}))
    if given.labels is not None:
        found["labels"] = given.labels.applied(before.get("labels", ()))
    if given.consumption_offsets is not None:
        found["client"] = given.consumption_offsets.client
    return found


@ROUTER.delete("/sessions/{id}", status_code=204, responses=errors(404, 409))
async def delete(session_id: SessionId, service: Served, caller: Chatting) -> Response:
    """Delete a conversation for good, with its traces."""
    await _forget(service, await own_session(service, caller, session_id))
    return Response(status_code=204)


async def _heads(service: Service, caller: Caller, agent: str | None, customer: str | None) -> list[Head]:
    heads = await service.store.heads(agent)
    mine = [each for each in heads if caller.deals_with(each.agent)]
    if not caller.may("sessions"):  # nobody is told what there is of guests, whose conversations nobody can guess
        mine = [each for each in mine if each.customer is not None and each.customer == caller.customer]
    return [each for each in mine if customer in (None, each.customer or GUEST)]


async def _assign(service: Service, caller: Caller, session: Session, given: SessionChanged) -> None:
    if given.mode is None and given.agent_id is None and given.customer_id is None:
        return
    if not caller.may("sessions"):
        raise Refusal(403, "forbidden", "to say who answers, or on whose behalf, needs the scope `sessions`")
    customer = None
    if given.customer_id is not None:
        customer = {} if given.customer_id == GUEST else await service.agent.customer_of(given.customer_id)
        if customer is None:
            raise Refusal(422, "refused", f"there is no customer `{given.customer_id[:60]}`")
    try:
        with service.sessions.running(session):
            await service.agent.engine.assign(session, agent=given.agent_id, mode=given.mode, customer=customer)
    except TurnRefused as error:
        raise Refusal(422, "refused", str(error)) from None


async def _forget(service: Service, session: Session) -> None:
    if service.sessions.runs(session):
        raise Refusal(409, "running", "a turn of the conversation is under way; try again in a moment")
    if any(each.status in ("begun", "unknown") for each in session.calls.values()):
        message = "a call of the conversation has an unknown outcome; say what became of it first"
        raise Refusal(409, "open-call", message)
    await service.store.forget(session.id)
    await service.store.drop_record(KIND, session.id)
    service.sessions.forget(session)
    service.feeds.gone(session.id)

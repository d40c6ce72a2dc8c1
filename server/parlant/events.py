"""Events of a conversation: posted, listed, waited for."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from typing import Annotated, Any, Literal, get_args

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from jurat.engine.session import Session
from jurat.engine.store import FeedEvent
from jurat.engine.wellformed import json_text
from jurat.server.api.auth import Caller, Chatting
from jurat.server.api.dependencies import Body, Served, Shown, Text, missing_session, no_longer_than, own_session
from jurat.server.api.errors import errors
from jurat.server.api.streaming import EVENT_STREAM
from jurat.server.feeds import FeedGone, Wanted, event
from jurat.server.parlant.common import SessionId, Values, missing, moment, unsupported
from jurat.server.refusals import Refusal
from jurat.server.service import Service

ROUTER = APIRouter(tags=["events"], responses=errors(404))
Kind = Literal["message", "tool", "status", "custom"]
Source = Literal["customer", "customer_ui", "human_agent", "human_agent_on_behalf_of_ai_agent", "ai_agent", "system"]
Status = Literal["acknowledged", "cancelled", "processing", "ready", "typing", "error"]
Moderation = Literal["none", "auto", "paranoid"]
Offset = Annotated[int, Query(ge=0, le=2**31 - 1)]
WAIT_SECONDS = 55
"""How long is waited where nothing is said: a little less than the client's own patience, which is a minute."""

LONGEST_WAIT_SECONDS = 600
CUSTOMERS = ("customer", "customer_ui")
HUMANS = ("human_agent", "human_agent_on_behalf_of_ai_agent")


class EventShown(Shown):
    """An event; `trace_id` is the same for all events of a turn, and `metadata.trace` the trace that says why."""

    id: str
    source: str
    kind: str
    offset: int
    creation_utc: Any
    correlation_id: str
    trace_id: str
    data: Any
    metadata: dict[str, Any]
    deleted: bool


class Participant(Body):
    """Who speaks."""

    id: str | None = None
    display_name: Text


class Instruction(Body):
    """What an agent that speaks of its own accord is to say."""

    action: Text
    rationale: Literal["unspecified", "buy_time", "follow_up"] | None = None


class EventGiven(Body):
    """An event of a client's: a message of the customer or of a person who answers, a status, or something of one's own."""

    kind: Kind | None = None
    source: Source | None = None
    message: Text | None = None
    data: Any = None
    metadata: dict[str, Any] | None = None
    guidelines: list[Instruction] | None = None
    participant: Participant | None = None
    status: Status | None = None


class EventChanged(Body):
    """What is to be otherwise of an event."""

    metadata: Values | None = Field(default=None)


@ROUTER.get(
    "/sessions/{id}/events",
    response_model=list[EventShown],
    responses={**errors(504), 200: {"content": EVENT_STREAM[200]["content"], "description": "Events, or a stream."}},
)
async def list_(
    session_id: SessionId,
    service: Served,
    caller: Chatting,
    *,
    min_offset: Offset = 0,
    source: Source | None = None,
    correlation_id: str | None = None,
    trace_id: str | None = None,
    kinds: Annotated[str | None, Query(max_length=100)] = None,
    wait_for_data: Annotated[float, Query(ge=0, allow_inf_nan=False)] = WAIT_SECONDS,
    sse: bool = False,
) -> Any:
    """Events in order; where there is none yet, the first that come within ``wait_for_data`` seconds, else 504.

    ``kinds`` are separated by commas. With ``sse`` they come as a stream, which ends when nothing came for so long.
    """
    session = await own_session(service, caller, session_id)
    wanted = _filter(source, kinds, trace_id, correlation_id)
    await service.talks.catch_up(session)
    seconds = min(wait_for_data, LONGEST_WAIT_SECONDS)
    if sse:
        stream = _stream(service, session, min_offset, wanted, seconds)
        return StreamingResponse(stream, media_type="text/event-stream", headers={"cache-control": "no-store"})
    try:
        found = await service.feeds.wait(session_id, min_offset, wanted, seconds)
    except FeedGone:
        raise missing_session() from None
    if not found and seconds > 0:
        why = "the server ends; ask again" if service.feeds.ended else f"nothing happened within {seconds:g} seconds"
        raise Refusal(504, "timeout", why)
    return [shown_event(each) for each in found]


@ROUTER.delete("/sessions/{id}/events", status_code=204)
async def delete(session_id: SessionId, service: Served, caller: Chatting, min_offset: Offset) -> Response:
    """Take back what was said from an offset on: the agent does not know of it any more. What tools did, they did."""
    session = await own_session(service, caller, session_id)
    await service.talks.catch_up(session)
    gone = await service.store.feed(session_id, min_offset)
    ordinals = [each.ordinal for each in gone if each.ordinal is not None and each.ordinal >= 0]
    if ordinals:
        with service.sessions.running(session):
            await service.agent.engine.forget_after(session, min(ordinals))
    await service.store.cut_feed(session_id, min_offset)
    return Response(status_code=204)


@ROUTER.get("/sessions/{id}/events/{event_id}", response_model=EventShown)
async def retrieve(
    session_id: SessionId,
    event_id: str,
    service: Served,
    caller: Chatting,
    *,
    wait_for_completion: bool = False,  # noqa: ARG001 - events are whole when they are there
    wait_for_data: Annotated[float, Query(ge=0, allow_inf_nan=False)] = 0,  # noqa: ARG001
    sse: bool = False,
) -> Any:
    """One event."""
    found = await _one(service, await own_session(service, caller, session_id), event_id)
    if sse:
        return StreamingResponse(_told([found]), media_type="text/event-stream", headers={"cache-control": "no-store"})
    return shown_event(found)


@ROUTER.patch("/sessions/{id}/events/{event_id}", response_model=EventShown)
async def update(
    session_id: SessionId, event_id: str, given: EventChanged, service: Served, caller: Chatting
) -> dict[str, Any]:  # fmt: skip
    """Change what is noted of an event; of another one than a customer's, this needs the scope `sessions`."""
    found = await _one(service, await own_session(service, caller, session_id), event_id)
    if found.source not in CUSTOMERS and not caller.may("sessions"):
        raise Refusal(403, "forbidden", "to change what somebody else said needs the scope `sessions`")
    if given.metadata is not None:
        found = replace(found, metadata=given.metadata.applied(found.metadata))
        await service.store.amend_feed(session_id, found)
    return shown_event(found)


async def posted(
    service: Service, session: Session, caller: Caller, given: EventGiven, moderation: Moderation
) -> dict[str, Any]:
    """An event of a client's, in the feed.

    Raises:
        Refusal: it cannot be one.
    """
    if moderation != "none":
        raise unsupported("`moderation`", "a guideline on `message.pii` or on what the customer says can answer it")
    if given.kind is None or given.source is None:
        raise Refusal(422, "missing", "an event has a `kind` and a `source`")
    _refuse_what_cannot_be(given)
    if not caller.may("sessions") and (given.source not in CUSTOMERS or given.participant):
        raise Refusal(403, "forbidden", "to speak as somebody else needs the scope `sessions`")
    if given.kind != "message":
        return shown_event((await service.feeds.add(session.id, _plain_event(given)))[0])
    if given.source == "customer":
        return shown_event(await _said_by_customer(service, session, given))
    return shown_event(await _said_by_a_person(service, session, given))


def _refuse_what_cannot_be(given: EventGiven) -> None:
    if given.kind == "tool":
        raise unsupported("an event of the kind `tool`", "tools are called by the server alone")
    if given.guidelines is not None or (given.kind == "message" and given.source in ("ai_agent", "system")):
        raise unsupported("a message that the agent is to begin", "it answers what a customer says")
    if given.kind == "status" and given.status is None:
        raise Refusal(422, "missing", "an event of the kind `status` has a `status`")
    if given.kind == "message" and given.source == "customer_ui":
        raise Refusal(422, "source", "a message is of `customer`, or of a person who answers")
    if given.kind == "message" and given.message is None:
        raise Refusal(422, "missing", "an event of the kind `message` has a `message`")


def _plain_event(given: EventGiven) -> FeedEvent:
    data = {"status": given.status, "data": given.data or {}} if given.kind == "status" else given.data
    return _new(given, data)


async def _said_by_customer(service: Service, session: Session, given: EventGiven) -> FeedEvent:
    text = no_longer_than(given.message or "", service.agent.engine.limits.message_characters, "message")
    if session.state.ended:
        raise Refusal(409, "refused", "the session has ended")
    who = given.participant.model_dump() if given.participant else service.talks.participant(session, "customer")
    return await service.talks.say(session, _new(given, {"message": text, "participant": who}))


async def _said_by_a_person(service: Service, session: Session, given: EventGiven) -> FeedEvent:
    if given.participant is None and given.source == "human_agent":
        raise Refusal(422, "missing", "`participant` says who answers")
    who = given.participant.model_dump() if given.participant else service.talks.participant(session, "ai_agent")
    await service.talks.catch_up(session)
    said = _new(given, {"message": given.message, "participant": who})
    with service.sessions.running(session):
        placed = (await service.feeds.add(session.id, said))[0]
        await service.agent.engine.record_human(session, given.message or "")
        await service.talks.tell(session, said.trace)
    return placed


def _new(given: EventGiven, data: Any) -> FeedEvent:
    made = event(given.kind or "custom", given.source or "system", "", data, metadata=given.metadata or {})
    return replace(made, trace=made.id)


def shown_event(one: FeedEvent) -> dict[str, Any]:
    """An event for :class:`EventShown`."""
    return {
        "id": one.id, "source": one.source, "kind": one.kind, "offset": one.offset, "creation_utc": moment(one.at),
        "correlation_id": one.trace, "trace_id": one.trace, "data": one.data, "metadata": dict(one.metadata), "deleted": False,
    }  # fmt: skip


def _filter(source: str | None, kinds: str | None, *traces: str | None) -> Wanted:
    names = {each.strip() for each in (kinds or "").split(",") if each.strip()}
    if unknown := sorted(names - set(get_args(Kind))):
        raise Refusal(422, "kinds", f"`{unknown[0]}` is no kind of event; there are {', '.join(get_args(Kind))}")
    ids = {each for each in traces if each is not None}

    def wanted(one: FeedEvent) -> bool:
        of_a_kind = not names or one.kind in names
        return of_a_kind and source in (None, one.source) and all(each == one.trace for each in ids)

    return wanted


async def _stream(service: Service, session: Session, since: int, wanted: Wanted, seconds: float) -> AsyncIterator[str]:
    end = time.monotonic() + seconds
    while True:
        try:
            found = await service.feeds.wait(session.id, since, wanted, max(0.0, end - time.monotonic()))
        except FeedGone:
            return
        if not found:
            return
        since, end = found[-1].offset + 1, time.monotonic() + seconds
        async for text in _told(found):
            yield text


async def _told(events: Iterable[FeedEvent]) -> AsyncIterator[str]:
    for one in events:
        shown = {**shown_event(one), "creation_utc": moment(one.at).isoformat()}
        yield f"data: {json_text(shown)}\n\n"


async def _one(service: Service, session: Session, id_: str) -> FeedEvent:
    await service.talks.catch_up(session)
    found = next((each for each in await service.store.feed(session.id) if each.id == id_), None)
    if found is None:
        raise missing("event", id_)
    return found

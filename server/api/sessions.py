"""Conversations: begun, gone on with, shown."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from jurat.engine.errors import TurnRefused
from jurat.engine.session import Session
from jurat.engine.trace import Step
from jurat.engine.turn import Turn
from jurat.server.api.auth import Chatting
from jurat.server.api.dependencies import Body, Served, Shown, Text, begun, check_customer, no_longer_than, own_session
from jurat.server.api.errors import errors
from jurat.server.api.streaming import EVENT_STREAM, Events, streamed
from jurat.server.parlant.common import unsupported
from jurat.server.parlant.events import EventGiven, EventShown, Moderation, posted
from jurat.server.parlant.notes import SessionShown, Title, keep_notes, known_customer, noted, one_of
from jurat.server.refusals import Refusal
from jurat.server.service import Service

ROUTER = APIRouter(tags=["sessions"], responses=errors(404, 409))
NAME_CHARACTERS = 200
"""Of an event's name; none that a policy declares is longer in earnest."""


class Beginning(Body):
    """What a conversation begins with: facts of the application, which agent, on behalf of which customer.

    `agent_id` and `customer_id` are other names of `agent` and `customer`; title, metadata and labels are the client's own.
    """

    facts: dict[str, Any] = Field(default_factory=dict)
    agent: Text | None = None
    agent_id: Text | None = None
    customer: Text | None = None
    customer_id: Text | None = None
    title: Title | None = None
    metadata: dict[str, Any] | None = None
    labels: list[Text] | None = None


class Said(Shown):
    """A line of a conversation."""

    role: Literal["customer", "agent", "tool"]
    text: str


class Conversation(SessionShown):
    """A conversation so far; ``traces`` are the ids of its turns' traces, ``running`` that a turn is under way."""

    agent: str
    running: bool
    conversation: list[Said]
    traces: list[str]


class Message(Body):
    """What the customer says."""

    message: Text


class Happening(EventGiven):
    """Something that happened without a message, such as ``session.ended``; or an event of a client's (`kind`, `source`)."""

    event: Text | None = None


class Told(Shown):
    """A turn: the id of its trace, the reply if there is one, who answers from now on, and why it went so."""

    id: str
    reply: str | None
    mode: Literal["auto", "manual"]
    trace: dict[str, Any]


@ROUTER.post("/sessions", status_code=201, response_model=Conversation)
async def start(
    given: Beginning, service: Served, caller: Chatting, *, allow_greeting: bool = False
) -> dict[str, Any]:  # fmt: skip
    """A new conversation. Facts need the scope `facts`; a customer other than the caller, `sessions`."""
    if allow_greeting:
        raise unsupported("`allow_greeting`", "an agent answers, and does not speak first")
    agent, customer = (
        one_of(given.agent, given.agent_id, "agent"),
        one_of(given.customer, given.customer_id, "customer"),
    )
    check_customer(caller, customer)  # before anything is said of whether there is one
    if given.customer_id is not None and customer != caller.customer:
        await known_customer(service, customer)
    try:
        session = await begun(service, caller, given.facts, agent, customer)
    except TurnRefused as error:
        raise Refusal(422, "refused", str(error)) from None
    await keep_notes(service, session.id, given.title, given.metadata, given.labels)
    return await shown(service, session)


@ROUTER.get("/sessions/{id}", response_model=Conversation)
async def show(id: str, service: Served, caller: Chatting) -> dict[str, Any]:  # noqa: A002 - the path's name for it
    """A conversation so far."""
    session = await own_session(service, caller, id)
    await service.talks.look_after(session)
    return await shown(service, session)


@ROUTER.post("/sessions/{id}/messages", response_class=StreamingResponse, responses=EVENT_STREAM)
async def message(id: str, given: Message, service: Served, caller: Chatting) -> StreamingResponse:  # noqa: A002
    """One turn as server-sent events: ``step`` whenever one begins or ends, ``text`` for each checked piece of the
    reply, then ``turn``, or ``error``.
    """
    session = await own_session(service, caller, id)
    text = no_longer_than(given.message, service.agent.engine.limits.message_characters, "message")
    events = Events()
    service.run(lambda: _turn(service, session, text, events))
    return streamed(events)


@ROUTER.post("/sessions/{id}/events", response_model=Told | EventShown, responses={201: {"model": EventShown}})
async def event(
    id: str,  # noqa: A002
    given: Happening,
    service: Served,
    caller: Chatting,
    response: Response,
    *,
    moderation: Moderation = "none",
) -> dict[str, Any]:
    """A turn on something that happened without a message; it gets no reply. Or an event of a client's (201).

    A message of the customer's is answered in the background: its events say how it goes.
    """
    session = await own_session(service, caller, id)
    if given.kind is not None or given.source is not None:
        response.status_code = 201
        return await posted(service, session, caller, given, moderation)
    if given.event is None:
        raise Refusal(422, "missing", "`event` must be a text that is not empty")
    name = no_longer_than(given.event, NAME_CHARACTERS, "event")
    return told(session, await service.within(lambda: service.turn(session, None, event=name)))


async def _turn(service: Service, session: Session, text: str, events: Events) -> None:
    try:
        turn = await service.turn(
            session, text,
            on_step=lambda step: events.tell("step", _step(step)),
            on_text=lambda piece: events.tell("text", {"text": piece}),
        )  # fmt: skip
        events.tell("turn", told(session, turn))
    except Exception as error:  # noqa: BLE001 - a stream that has begun can only end with an event
        events.tell("error", service.excused(session, error).as_json())
    finally:
        events.end()


async def shown(service: Service, session: Session) -> dict[str, Any]:
    """A conversation for :class:`Conversation`."""
    return {
        **await noted(service, session),
        "agent": session.agent,
        "running": service.sessions.runs(session),
        "conversation": [
            {"role": each.role, "text": each.text} for each in session.conversation if each.role != "system"
        ],
        "traces": [f"{session.id}-{number}" for number in await service.store.traces(session.id)],
    }


def _step(step: Step) -> dict[str, Any]:
    return {"name": step.name, "detail": step.detail, "seconds": step.seconds, "round": step.round}


def told(session: Session, turn: Turn) -> dict[str, Any]:
    """A turn for :class:`Told`."""
    reply = turn.response.text if turn.response else None
    return {"id": f"{session.id}-{turn.number}", "reply": reply, "mode": session.mode, "trace": turn.trace.as_json()}

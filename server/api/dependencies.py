"""What handlers are given, and the kinds of values that bodies are made of."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends
from fastapi.requests import HTTPConnection
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints
from pydantic_core import PydanticCustomError

from jurat.engine.session import Session
from jurat.llm import Message
from jurat.server.api.auth import Caller
from jurat.server.gatekeeper import Gatekeeper
from jurat.server.refusals import Refusal
from jurat.server.service import Service

Text = Annotated[str, StringConstraints(pattern=r"\S")]
"""Not empty, nor blank."""


def _reachable(id_: str) -> str:
    if "/" in id_ or id_ != id_.strip() or id_ in ("", ".", "..") or not id_.isprintable():
        raise PydanticCustomError("id", "not an id")
    return id_


NewId = Annotated[str, AfterValidator(_reachable)]
"""An id of a client's choice, which a path can name."""


class Body(BaseModel):
    """What comes in: no field that nobody knows, no value of another type."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Shown(BaseModel):
    """What goes out."""

    model_config = ConfigDict(extra="forbid")


async def _service(request: HTTPConnection) -> Service:
    service: Service = request.app.state.service
    return service


Served = Annotated[Service, Depends(_service)]
"""The :class:`Service`: its ``agent.engine``, ``agent.graph``, ``store`` and ``sessions``."""


async def own_session(service: Service, caller: Caller, id_: str) -> Session:
    """A conversation that the caller may read and go on with. What is somebody else's is answered as if it were not there.

    Raises:
        Refusal: there is none.
        StoreError: it cannot be read.
    """
    session = await service.session(id_)
    if not caller.owns(session):
        raise missing_session()
    return session


def missing_session() -> Refusal:
    """That there is no such conversation, or none any more."""
    return Refusal(404, "unknown", "there is no such conversation")


async def begun(
    service: Service,
    caller: Caller,
    facts: dict[str, Any],
    agent: str | None,
    customer: str | None,
    *,
    history: tuple[Message, ...] = (),
) -> Session:
    """A new conversation of the caller, or on behalf of the customer that an application names.

    Raises:
        Refusal: the caller may not: another customer, facts, or an agent that is not theirs to deal with.
        FactRefused, StoreError: as :meth:`jurat.server.service.Service.begin`.
    """
    check_customer(caller, customer)
    if facts and not caller.may("facts"):
        raise Gatekeeper.refused(caller, "facts")
    check_agent(service, caller, agent)
    theirs = customer is None or customer == caller.customer
    who = customer or caller.customer
    return await service.begin({**facts, **caller.facts}, agent, who, vouched=theirs, history=history)


def check_customer(caller: Caller, customer: str | None) -> None:
    """Refuse a customer on whose behalf the caller may not act; None is the caller's own.

    Raises:
        Refusal: it is one.
    """
    if customer is not None and customer != caller.customer and not caller.may("sessions"):
        raise Gatekeeper.refused(caller, "sessions")


def check_agent(service: Service, caller: Caller, agent: str | None) -> None:
    """Refuse an agent that is not the caller's to deal with; None is the first one.

    Raises:
        Refusal: it is not.
    """
    chosen = agent or next(iter(service.agent.engine.agents))
    if chosen in service.agent.engine.agents and not caller.deals_with(chosen):
        raise Refusal(403, "forbidden", "this key or token is for other agents")


def no_longer_than(text: str, longest: int, field: str) -> str:
    """A text within its bounds.

    Raises:
        Refusal: it is too long.
    """
    if len(text) > longest:
        raise Refusal(422, "too-long", f"`{field}` has {len(text)} characters, and {longest} are accepted")
    return text

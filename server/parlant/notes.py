"""What clients note of a conversation: a title, metadata, labels, and how far they have read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from jurat.engine.session import Session
from jurat.engine.store import Head, Record
from jurat.server.api.dependencies import Body, Shown
from jurat.server.labelling import KIND
from jurat.server.parlant.common import moment
from jurat.server.refusals import Refusal
from jurat.server.service import Service

GUEST = "guest"
Title = Annotated[str, StringConstraints(max_length=200)]


class Offsets(Shown):
    """How far a client has read: the offset of the last event."""

    client: int | None = None


class SessionShown(Shown):
    """A conversation as clients list it; whose it is, who answers it, and what clients have noted of it."""

    id: str
    agent_id: str
    customer_id: str
    creation_utc: Any
    title: str | None
    mode: Literal["auto", "manual"]
    consumption_offsets: Offsets
    metadata: dict[str, Any]
    labels: list[str]


class OffsetsGiven(Body):
    """How far a client has read."""

    client: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None


async def keep_notes(
    service: Service, session: str, title: str | None, metadata: Mapping[str, Any] | None, labels: Sequence[str] | None
) -> None:
    """Note something of a conversation that has begun, if anything is said."""
    body = {"title": title, "metadata": metadata, "labels": sorted(set(labels or ()))}
    if any(body.values()):
        await service.store.keep_record(KIND, session, {name: value for name, value in body.items() if value})


async def noted(service: Service, session: Session) -> dict[str, Any]:
    """A conversation for :class:`SessionShown`."""
    customer = session.customer.get("id")
    head = Head(session.id, session.agent, session.mode, session.created, None if customer is None else str(customer))
    return as_shown(head, await service.store.record(KIND, session.id))


def as_shown(head: Head, notes: Record | None) -> dict[str, Any]:
    """The same, of what is known without loading it."""
    kept = notes.body if notes else {}
    return {
        "id": head.id, "agent_id": head.agent, "customer_id": head.customer or GUEST, "creation_utc": moment(head.created),
        "title": kept.get("title"), "mode": head.mode, "consumption_offsets": {"client": kept.get("client")},
        "metadata": kept.get("metadata", {}), "labels": kept.get("labels", []),
    }  # fmt: skip


async def known_customer(service: Service, customer: str | None) -> None:
    """Refuse a customer of whom nothing is known.

    Raises:
        Refusal: it is one.
    """
    if customer is not None and await service.agent.customer_of(customer) is None:
        raise Refusal(422, "refused", f"there is no customer `{customer[:60]}`")


def one_of(one: str | None, other: str | None, what: str) -> str | None:
    """What was given by either of two names.

    Raises:
        Refusal: by both, and not the same.
    """
    if one is not None and other is not None and one != other:
        raise Refusal(422, "malformed", f"`{what}` and `{what}_id` are two names of one thing")
    found = one or other
    return None if what == "customer" and found == GUEST else found

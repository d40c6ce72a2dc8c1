"""Customers: whom conversations are with."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import StringConstraints

from jurat.engine.store import Person, Record, Store
from jurat.server.api.dependencies import Body, NewId, Served, Shown, Text
from jurat.server.api.errors import errors
from jurat.server.parlant.common import Bench, Names, Reading, Values, Writing, missing, moment
from jurat.server.parlant.pages import Cursor, Limit, Sort, page
from jurat.server.parlant.tagged import check_tags
from jurat.server.refusals import Refusal
from jurat.server.service import Service

ROUTER = APIRouter(tags=["customers"])
KIND = "customer"
GUEST = Person("guest", "Guest")
CHUNK = 1_000
Name = Annotated[str, StringConstraints(pattern=r"\S", max_length=100)]


class CustomerShown(Shown):
    """A customer; tools are told ``metadata``, id and name."""

    id: str
    creation_utc: Any
    name: str
    metadata: dict[str, Any]
    tags: list[str]


class CustomersShown(Shown):
    """A page of customers."""

    items: list[CustomerShown]
    total_count: int
    has_more: bool
    next_cursor: str | None


class CustomerGiven(Body):
    """A new customer."""

    name: Text
    id: NewId | None = None
    metadata: dict[str, Any] | None = None
    tags: list[Text] | None = None


class CustomerChanged(Body):
    """What is to be otherwise of a customer."""

    name: Name | None = None
    metadata: Values | None = None
    tags: Names | None = None


@ROUTER.get("/customers", response_model=list[CustomerShown] | CustomersShown)
async def list_(
    service: Served, caller: Reading, limit: Limit = None, cursor: Cursor = None, sort: Sort | None = None  # noqa: ARG001
) -> Any:  # fmt: skip
    """All customers, the guest first, then in the order in which they were made."""
    found = [
        await _shown(service, GUEST),
        *sorted(await _all(service), key=lambda each: (each["creation_utc"], each["id"])),
    ]
    wanted, more = page(found, lambda each: str(each["id"]), limit, cursor, sort)
    return wanted if more is None else {"items": wanted, **more}


@ROUTER.post("/customers", status_code=201, response_model=CustomerShown)
async def create(given: CustomerGiven, service: Served, bench: Bench, caller: Writing) -> dict[str, Any]:  # noqa: ARG001
    """A new customer."""
    id_ = given.id or uuid.uuid4().hex
    await check_tags(bench, service, given.tags)

    def new(before: Person | None) -> Person:
        if id_ == GUEST.id or before is not None:
            raise Refusal(422, "taken", f"`{id_[:60]}` is already the id of a customer")
        return Person(id_, given.name, given.metadata or {}, tuple(given.tags or ()))

    made = await service.store.change_customer(id_, new)
    await service.store.keep_record(KIND, id_, {})
    return await _shown(service, made)


@ROUTER.get("/customers/{customer_id}", response_model=CustomerShown, responses=errors(404))
async def retrieve(customer_id: str, service: Served, caller: Reading) -> dict[str, Any]:  # noqa: ARG001
    """One customer."""
    return await _shown(service, await person(service.store, customer_id))


@ROUTER.patch("/customers/{customer_id}", response_model=CustomerShown, responses=errors(404))
async def update(
    customer_id: str, given: CustomerChanged, service: Served, bench: Bench, caller: Writing  # noqa: ARG001
) -> dict[str, Any]:  # fmt: skip
    """Change what is known of a customer; conversations are told of it when they begin."""
    await _somebody(service.store, customer_id)
    await check_tags(bench, service, given.tags and given.tags.add)

    def other(before: Person | None) -> Person:
        if before is None:
            raise missing("customer", customer_id)
        metadata = before.metadata if given.metadata is None else given.metadata.applied(before.metadata)
        tags = before.tags if given.tags is None else tuple(given.tags.applied(before.tags))
        return Person(customer_id, given.name or before.name, metadata, tags)

    return await _shown(service, await service.store.change_customer(customer_id, other))


@ROUTER.delete("/customers/{customer_id}", status_code=204, responses=errors(404))
async def delete(customer_id: str, service: Served, caller: Writing) -> Response:  # noqa: ARG001
    """Forget a customer, with the values of variables; conversations stay."""
    await _somebody(service.store, customer_id)
    await service.store.remove_customer(customer_id)
    await service.store.drop_record(KIND, customer_id)
    return Response(status_code=204)


async def person(store: Store, id_: str) -> Person:
    """A customer, the guest included.

    Raises:
        Refusal: there is none.
    """
    found = GUEST if id_ == GUEST.id else await store.customer(id_)
    if found is None:
        raise missing("customer", id_)
    return found


async def _somebody(store: Store, id_: str) -> Person:
    if id_ == GUEST.id:
        raise Refusal(422, "guest", "nothing is known of the guest, who is everybody without a name")
    return await person(store, id_)


async def _all(service: Service) -> list[dict[str, Any]]:
    made = await service.store.records(KIND)
    found: list[dict[str, Any]] = []
    chunk = await service.store.customers(CHUNK)
    while chunk:
        found += [_as_shown(each, made.get(each.id), service) for each in chunk]
        chunk = await service.store.customers(CHUNK, chunk[-1].id)
    return found


async def _shown(service: Service, customer: Person) -> dict[str, Any]:
    return _as_shown(customer, await service.store.record(KIND, customer.id), service)


def _as_shown(customer: Person, made: Record | None, service: Service) -> dict[str, Any]:
    since = made.at if made else customer.at or service.since
    return {
        "id": customer.id, "creation_utc": moment(since), "name": customer.name, "metadata": dict(customer.metadata),
        "tags": list(customer.tags),
    }  # fmt: skip

"""Customers, and words of the trade: what conversations rest on besides the policy."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, ClassVar

from jurat.engine.errors import StoreError
from jurat.engine.store import Person, PersonChange, Store
from jurat.engine.wellformed import clean
from jurat.server.sdk import given
from jurat.server.sdk.calls import explained
from jurat.server.sdk.errors import SDKError
from jurat.server.sdk.moments import Current
from jurat.server.sdk.relations import Tag

GUEST = "guest"
PAGE = 1_000
_NOTHING: Mapping[str, Any] = MappingProxyType({})


@explained
@dataclass(frozen=True, eq=False)
class Customer:
    """Whom sessions are with, as known when it was asked for; ``metadata`` is what tools get as ``user_data``, with ``id``
    and ``name``.
    """

    id: str
    name: str
    metadata: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    tags: tuple[str, ...] = ()
    _among: Customers | None = field(default=None, repr=False)

    current: ClassVar[Current[Customer]]
    guest: ClassVar[Customer]

    def data(self) -> dict[str, Any]:
        """What tools are told."""
        return {} if self.id == GUEST else {**self.metadata, "id": self.id, "name": self.name}

    async def update(
        self,
        *,
        name: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        tags: Sequence[Tag | str] | None = None,
    ) -> Customer:
        """Change what is known and stored: the name, single entries of ``metadata`` (None takes one away), or all tags.

        Returns:
            The customer as known now.

        Raises:
            SDKError: it is the guest, or what is given cannot be.
        """
        if self._among is None:
            raise SDKError("nothing can be stored of the guest; create a customer")
        return await self._among.changed(self, name, metadata, tags)


Customer.guest = Customer(GUEST, "Guest")
Customer.current = Current("customer", lambda now: now.customer)


class Customers:
    """The customers of a server, in its store.

    Args:
        store: where they are.
        tagged: the names of tags, each now declared.
    """

    def __init__(self, store: Callable[[], Awaitable[Store]], tagged: Callable[[Any], list[str]]) -> None:
        self._store = store
        self._tagged = tagged
        self._declared: set[str] = {GUEST}

    async def create(
        self, name: str, metadata: Mapping[str, Any] | None, id_: str | None, tags: Sequence[Tag | str]
    ) -> Customer:
        """A customer who is new, or whom the store knows from a time before this program began.

        Raises:
            SDKError: what is wrong, or this program has created one with the id already.
        """
        if id_ is not None and given.text(id_, "`id`") in self._declared:
            raise SDKError(f"`{id_}` is already the id of a customer")
        said = Person(id_ or uuid.uuid4().hex, given.text(name, "`name`"), _known(metadata), tuple(self._tagged(tags)))

        def whole(before: Person | None) -> Person:
            return replace(said, metadata={**(before.metadata if before else {}), **said.metadata})

        found = await self._change(said.id, whole)
        if id_ is not None:
            self._declared.add(id_)
        return found

    async def changed(
        self,
        customer: Customer,
        name: str | None,
        metadata: Mapping[str, Any] | None,
        tags: Sequence[Tag | str] | None,
    ) -> Customer:
        """A customer of whom something else is known from now on; what others change at the same time is kept too."""
        called = None if name is None else given.text(name, "`name`")
        told = _known(metadata)
        gone = {key for key, value in (metadata or {}).items() if value is None}
        tagged = None if tags is None else tuple(self._tagged(tags))

        def other(stored: Person | None) -> Person:
            if stored is None:
                raise SDKError(f"there is no customer `{customer.id}` any more")
            known = {key: value for key, value in {**stored.metadata, **told}.items() if key not in gone}
            return Person(customer.id, called or stored.name, known, stored.tags if tagged is None else tagged)

        return await self._change(customer.id, other)

    async def get(self, id_: str) -> Customer | None:
        """The customer with an id, the guest included."""
        if id_ == GUEST:
            return Customer.guest
        found = await (await self._store()).customer(id_)
        return None if found is None else self._of(found)

    async def named(self, name: str) -> Customer | None:
        """The first one with a name."""
        if name == Customer.guest.name:
            return Customer.guest
        return next(map(self._of, await (await self._store()).customers(1, name=name)), None)

    async def all(self) -> list[Customer]:
        """All of them, the guest first and then by id."""
        store, found = await self._store(), [Customer.guest]
        while page := await store.customers(PAGE, found[-1].id if len(found) > 1 else ""):
            found += map(self._of, page)
        return found

    async def remove(self, id_: str) -> None:
        """Forget a customer."""
        await (await self._store()).remove_customer(id_)
        self._declared -= {id_} - {GUEST}

    async def _change(self, id_: str, change: PersonChange) -> Customer:
        try:
            return self._of(await (await self._store()).change_customer(id_, change))
        except StoreError as error:
            raise SDKError(str(error)) from error

    def _of(self, person: Person) -> Customer:
        return Customer(person.id, person.name, MappingProxyType(dict(person.metadata)), person.tags, self)


def _known(metadata: Mapping[str, Any] | None) -> dict[str, Any]:
    found: dict[str, Any] = clean(given.mapping(metadata or {}, "`metadata`"))
    given.storable(found, "`metadata`")
    return found


@dataclass(frozen=True, slots=True)
class Term:
    """A word of the trade, and what it means."""

    name: str
    description: str
    synonyms: tuple[str, ...] = ()
    agent_id: str | None = None

    def line(self) -> str:
        """As the model reads it."""
        also = f" (also: {', '.join(self.synonyms)})" if self.synonyms else ""
        return f"{self.name}{also}: {self.description}"

    def occurs_in(self, text: str) -> bool:
        """Whether a text speaks of it."""
        folded = text.casefold()
        return any(word.casefold() in folded for word in (self.name, *self.synonyms))

"""Customers, and what is known of each: values of variables, for all or for some."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from jurat.engine.tools import ToolContext, plain, result_of
from jurat.server.sdk import given
from jurat.server.sdk.errors import SDKError
from jurat.server.sdk.matching import called
from jurat.server.sdk.moments import CURRENT, Current
from jurat.server.sdk.relations import Tag
from jurat.server.sdk.tool import ToolEntry

if TYPE_CHECKING:
    from jurat.server.sdk.agents import Agent
    from jurat.server.sdk.moments import TurnContext

GUEST = "guest"


@dataclass(frozen=True, eq=False)
class Customer:
    """Whom sessions are with; ``metadata`` is what tools get as ``user_data``, with ``id`` and ``name``."""

    id: str
    name: str
    metadata: dict[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()

    current: ClassVar[Current[Customer]]
    guest: ClassVar[Customer]

    def data(self) -> dict[str, Any]:
        """What tools are told."""
        return {} if self.id == GUEST else {**self.metadata, "id": self.id, "name": self.name}


Customer.guest = Customer(GUEST, "Guest")
Customer.current = Current("customer", lambda now: now.customer)


def new_customer(name: str, metadata: Mapping[str, Any] | None, id_: str | None, tags: tuple[str, ...]) -> Customer:
    """A customer as declared."""
    found = given.mapping(metadata or {}, "`metadata`")
    return Customer(id_ or uuid.uuid4().hex, given.text(name, "`name`"), found, tags)


@dataclass(eq=False)
class Variable:
    """Something that the model is told of every conversation; a value for a customer wins over one for a tag of theirs, that
    over one for the agent, and that over the global one. With a tool the tool says it, again once it is too old.
    """

    name: str
    description: str = ""
    tool: ToolEntry | None = None
    freshness_seconds: float | None = None
    agent_id: str | None = None
    _values: dict[tuple[str, str], Any] = field(default_factory=dict, repr=False)
    _fetched: dict[str, tuple[float, Any]] = field(default_factory=dict, repr=False)

    async def set_value_for_customer(self, customer: Customer, value: Any) -> None:
        """Set what holds of a customer."""
        self._values["customer", customer.id] = value

    async def set_value_for_tag(self, tag: Tag, value: Any) -> None:
        """Set what holds of every customer with a tag."""
        self._values["tag", tag.name] = value

    async def set_value_for_agent(self, agent: Agent, value: Any) -> None:
        """Set what holds of the conversations of an agent."""
        self._values["agent", agent.id] = value

    async def set_global_value(self, value: Any) -> None:
        """Set what holds where nothing closer is set."""
        self._values["global", ""] = value

    async def get_value_for_customer(self, customer: Customer) -> Any:
        """What is set for a customer; None if nothing is."""
        return self._values.get(("customer", customer.id))

    async def get_value_for_tag(self, tag: Tag) -> Any:
        """What is set for a tag."""
        return self._values.get(("tag", tag.name))

    async def get_value_for_agent(self, agent: Agent) -> Any:
        """What is set for an agent."""
        return self._values.get(("agent", agent.id))

    async def get_global_value(self) -> Any:
        """What is set for all."""
        return self._values.get(("global", ""))

    async def get_value(self) -> Any:
        """The value in the turn that runs."""
        now = CURRENT.get()
        if now is None:
            raise SDKError("a variable has a value of its own accord only while a turn runs")
        return await self.value_in(now)

    async def value_in(self, now: TurnContext) -> Any:
        """The value in a turn; None where there is none."""
        places = [("customer", now.customer.id), *(("tag", tag) for tag in now.customer.tags)]
        for place in (*places, ("agent", now.agent.id), ("global", "")):
            if place in self._values:
                return self._values[place]
        return await self._from_tool(now) if self.tool is not None else None

    async def _from_tool(self, now: TurnContext) -> Any:
        assert self.tool is not None
        at, value = self._fetched.get(now.customer.id, (float("-inf"), None))
        fresh = self.freshness_seconds is not None and time.monotonic() - at < self.freshness_seconds
        if not fresh:
            context = ToolContext(
                now.agent.id, now.session.id, now.interaction.messages, now.session.customer, now.session.facts
            )
            found = result_of(await called(self.tool.tool.bound({}, context)))
            if found.error:
                return None
            value = plain(found.data) if found.data is not None else found.message
            self._fetched[now.customer.id] = (time.monotonic(), value)
        return value


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

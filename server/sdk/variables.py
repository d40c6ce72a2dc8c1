"""Values that the model is told of: for all, or for some, or said by a tool; kept in the store."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cronsim import CronSim, CronSimError

from jurat.engine.containing import contained, said_by
from jurat.engine.results import storable
from jurat.engine.store import Store
from jurat.engine.store import Variable as Stored
from jurat.engine.tools import ToolContext, plain
from jurat.engine.wellformed import clean
from jurat.server.sdk import given
from jurat.server.sdk.actions import AgentEntity
from jurat.server.sdk.calls import explained
from jurat.server.sdk.customers import GUEST, Customer
from jurat.server.sdk.errors import SDKError
from jurat.server.sdk.moments import CURRENT
from jurat.server.sdk.relations import Tag
from jurat.server.sdk.tool import ToolEntry

if TYPE_CHECKING:
    from jurat.server.sdk.agents import Agent
    from jurat.server.sdk.moments import TurnContext

LOG = logging.getLogger("jurat.sdk")
GLOBAL = "global"
GUESTS = 1_000
"""Of so many conversations with guests, the last ones, what tools have said is kept, in memory."""

Kept = Mapping[str, Mapping[str, Stored]]
"""What is stored of some scopes, by scope and name."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """How long what a tool has said counts: for some seconds, or until the clock next comes to a time of a cron rule (UTC)."""

    seconds: float | None = None
    rule: str | None = None

    def __post_init__(self) -> None:
        if self.seconds is not None and self.rule is not None:
            raise SDKError("`freshness_seconds` and `freshness_rules` are two ways to say one thing; give one of them")
        if self.rule is not None:
            try:
                CronSim(given.text(self.rule, "`freshness_rules`"), datetime.now(UTC))
            except CronSimError as error:
                reason = str(error)[:1].lower() + str(error)[1:]
                raise SDKError(
                    f"`freshness_rules` is a cron rule such as `0 8 * * *`, and `{self.rule}` is none: {reason}"
                ) from None

    def lasts(self, since: float, now: float) -> bool:
        """Whether what was said at one time still counts at another; both are in seconds since 1970."""
        if self.rule is not None:
            return next(CronSim(self.rule, datetime.fromtimestamp(since, UTC))).timestamp() > now
        return self.seconds is not None and now - since < self.seconds

    @property
    def none(self) -> bool:
        """Whether nothing is said, so that the tool is asked every time."""
        return self.seconds is None and self.rule is None


@explained
@dataclass(eq=False)
class Variable:
    """Something that the model is told of every conversation; a value for a customer wins over one for a tag of theirs, that
    over one for the agent, and that over the global one. With a tool the tool says it, again once it is too old.

    Values are kept in the server's store. They are texts, numbers, times, and collections of these; None takes one away.
    """

    name: str
    store: Callable[[], Awaitable[Store]] = field(repr=False)
    description: str = ""
    tool: ToolEntry | None = None
    freshness: Freshness = field(default_factory=Freshness)
    agent_id: str | None = None
    _guests: OrderedDict[str, Stored] = field(default_factory=OrderedDict, repr=False)

    @property
    def id(self) -> str:
        """What the store calls it: its name, after that of the agent whose own it is."""
        return self.name if self.agent_id is None else f"{self.agent_id}/{self.name}"

    async def set_value_for_customer(self, customer: Customer, value: Any) -> None:
        """Set what holds of a customer."""
        await self._set(_scope(customer, "customer", "set_value_for_customer"), value)

    async def set_value_for_tag(self, tag: Tag, value: Any) -> None:
        """Set what holds of every customer with a tag."""
        await self._set(_scope(tag, "tag", "set_value_for_tag"), value)

    async def set_value_for_agent(self, agent: Agent, value: Any) -> None:
        """Set what holds of the conversations of an agent."""
        await self._set(_scope(agent, "agent", "set_value_for_agent"), value)

    async def set_global_value(self, value: Any) -> None:
        """Set what holds where nothing closer is set."""
        await self._set(GLOBAL, value)

    async def get_value_for_customer(self, customer: Customer) -> Any:
        """What is set for a customer; None if nothing is."""
        return await self._get(_scope(customer, "customer", "get_value_for_customer"))

    async def get_value_for_tag(self, tag: Tag) -> Any:
        """What is set for a tag."""
        return await self._get(_scope(tag, "tag", "get_value_for_tag"))

    async def get_value_for_agent(self, agent: Agent) -> Any:
        """What is set for an agent."""
        return await self._get(_scope(agent, "agent", "get_value_for_agent"))

    async def get_global_value(self) -> Any:
        """What is set for all."""
        return await self._get(GLOBAL)

    async def get_value(self) -> Any:
        """The value in the turn that runs."""
        now = CURRENT.get()
        if now is None:
            raise SDKError("a variable has a value of its own accord only while a turn runs")
        return await self.value_in(now, await kept_for(await self.store(), now))

    async def value_in(self, now: TurnContext, kept: Kept) -> Any:
        """The value in a turn; None where there is none."""
        for scope in _scopes(now):
            if self.id in kept[scope]:
                return kept[scope][self.id].value
        return await self._from_tool(now, kept) if self.tool is not None else None

    async def _set(self, scope: str, value: Any) -> None:
        value = clean(value)
        given.storable(value, f"the value of `{self.name}`")
        await (await self.store()).set_variable(scope, self.id, value)

    async def _get(self, scope: str) -> Any:
        found = (await (await self.store()).variables(scope)).get(self.id)
        return None if found is None else found.value

    async def _from_tool(self, now: TurnContext, kept: Kept) -> Any:
        guest = now.customer.id == GUEST  # of a guest nothing is known from one conversation to the next
        before = self._guests.get(now.session.id) if guest else kept[_said_by_tools(now)].get(self.id)
        if before is not None and self.freshness.lasts(before.at, time.time()):
            return before.value
        value = await self._asked(now)
        if value is None or self.freshness.none:
            return value
        if guest:
            self._remember(now.session.id, value)
        else:
            await self._set(_said_by_tools(now), value)
        return value

    async def _asked(self, now: TurnContext) -> Any:
        """What the tool says now; None where it fails or does not answer in time, which the log and the trace say."""
        limit = asyncio.timeout(self._seconds(now))
        try:
            async with limit:
                with contained():
                    return await self._said(now)
        except Exception as reason:  # noqa: BLE001 - the program's code may raise anything; the turn goes on without it
            text = "it did not answer in time" if limit.expired() else said_by(reason)
            now.notes.append(f"the variable `{self.name}` is not known: {text or 'its tool failed'}")
            LOG.warning("%s", now.notes[-1])
            return None

    def _seconds(self, now: TurnContext) -> float:
        assert self.tool is not None
        said = self.tool.traits.timeout
        return now.server.limits.tool_timeout_seconds if said is None else said

    async def _said(self, now: TurnContext) -> Any:
        assert self.tool is not None
        assert self.tool.tool is not None
        who = now.session.customer
        context = ToolContext(
            now.agent.id, now.session.id, now.interaction.conversation, who, now.session.facts, str(who.get("id", ""))
        )
        found, _ = storable(await self.tool.tool.run({}, context))
        if found.error:
            return None
        return plain(found.data) if found.data is not None else found.message

    def _remember(self, session: str, value: Any) -> None:
        self._guests[session] = Stored(value, time.time())
        self._guests.move_to_end(session)
        while len(self._guests) > GUESTS:
            self._guests.popitem(last=False)


_KINDS: Mapping[str, type[Any]] = {"customer": Customer, "tag": Tag, "agent": AgentEntity}


def _scope(whose: object, kind: str, called_: str) -> str:
    """Whose value it is, as the store knows it."""
    if not isinstance(whose, _KINDS[kind]):
        raise SDKError(f"`{called_}`: `{given.shown(whose)}` is no {kind}; give what `create_{kind}` returned")
    return f"{kind}:{whose.id}"


async def kept_for(store: Store, now: TurnContext) -> Kept:
    """What is stored of all that a turn is about.

    Raises:
        StoreError: it cannot be read.
    """
    scopes = [*_scopes(now), *([_said_by_tools(now)] if now.customer.id != GUEST else [])]
    return dict(zip(scopes, await asyncio.gather(*map(store.variables, scopes)), strict=True))


def _scopes(now: TurnContext) -> list[str]:
    """The closest one first."""
    tags = [f"tag:{tag}" for tag in now.customer.tags]
    return [f"customer:{now.customer.id}", *tags, f"agent:{now.agent.id}", GLOBAL]


def _said_by_tools(now: TurnContext) -> str:
    return f"said:{now.customer.id}"

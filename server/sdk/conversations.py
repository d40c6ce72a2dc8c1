"""The session of the turn that runs, for tools, matchers and hooks: who takes part, and what is noted of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any, ClassVar

from jurat.engine.tools import ToolContext
from jurat.server.labelling import KIND
from jurat.server.sdk import given
from jurat.server.sdk.emitters import Logger
from jurat.server.sdk.errors import SDKError, refuse_unsupported, unknown
from jurat.server.sdk.interaction import Interaction
from jurat.server.sdk.moments import Current

if TYPE_CHECKING:
    from jurat.server.sdk.agents import Agent
    from jurat.server.sdk.customers import Customer
    from jurat.server.sdk.moments import TurnContext
    from jurat.server.sdk.server import Server

MODES = ("auto", "manual")
_ADVICE = {
    "customer": "an application says between two turns whom a conversation is with: `PATCH /sessions/ID` with `customer_id`"
}


class SessionMetadata(Mapping[str, Any]):
    """What is noted of a conversation under names, as known to the turn; what is set is stored at once."""

    def __init__(self, now: TurnContext) -> None:
        self._now = now

    @property
    def _known(self) -> dict[str, Any]:
        return dict(self._now.noted.get("metadata", {}))

    def __getitem__(self, key: str) -> Any:
        return self._known[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)

    async def get(self, key: str, default: Any = None) -> Any:  # awaited, as programs for Parlant do
        """What the store has under a name."""
        return (await _noted(self._now)).get("metadata", {}).get(key, default)

    async def set(self, key: str, value: Any) -> None:
        """Store something under a name.

        Raises:
            SDKError: it is nothing that JSON can say.
        """
        name = given.text(key, "a name of the metadata")
        await _note(self._now, lambda noted: {"metadata": {**noted.get("metadata", {}), name: value}})

    async def delete(self, key: str) -> None:
        """Store nothing under a name any more."""
        await _note(self._now, lambda noted: {"metadata": _without(noted.get("metadata", {}), key)})


def _without(known: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in known.items() if name != key}


async def _noted(now: TurnContext) -> dict[str, Any]:
    record = await (await now.server.stores.sessions()).record(KIND, now.session.id)
    return {} if record is None else dict(record.body)


async def _note(now: TurnContext, change: Callable[[Mapping[str, Any]], dict[str, Any]]) -> None:
    """Store a change of what is noted of the conversation, for clients and for the turns to come."""

    def changed(noted: Mapping[str, Any]) -> dict[str, Any]:
        said = change(noted)
        try:
            json.dumps(said, allow_nan=False)
        except (TypeError, ValueError, RecursionError):
            raise SDKError(f"JSON cannot say `{given.shown(said)}`, so that it cannot be noted") from None
        return {**noted, **said}

    record = await (await now.server.stores.sessions()).change_record(KIND, now.session.id, changed)
    now.noted.clear()
    now.noted.update(record.body)


class SessionLabels(AbstractSet[str]):
    """What a conversation is called, as known to the turn; what is added or removed is stored at once."""

    def __init__(self, now: TurnContext) -> None:
        self._now = now

    @property
    def _known(self) -> frozenset[str]:
        return frozenset(self._now.noted.get("labels", ()))

    def __contains__(self, label: object) -> bool:
        return label in self._known

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._known))

    def __len__(self) -> int:
        return len(self._known)

    async def add(self, label: str) -> None:
        """Call it this too.

        Raises:
            SDKError: it is no text.
        """
        name = given.text(label, "a label")
        await _note(self._now, lambda noted: {"labels": sorted({*noted.get("labels", ()), name})})

    async def remove(self, label: str) -> None:
        """Call it this no more; what labels it so anew, does."""
        name = given.text(label, "a label")
        await _note(self._now, lambda noted: {"labels": sorted({*noted.get("labels", ())} - {name})})


class Session:
    """One conversation as a turn of it sees it."""

    current: ClassVar[Current[Session]]

    def __init__(self, now: TurnContext) -> None:
        self._now = now
        self.id = now.session.id

    @property
    def agent_id(self) -> str:
        """Who answers in this turn."""
        return self._now.agent.id

    @property
    def agent(self) -> Agent:
        """Who answers in this turn."""
        return self._now.agent

    @property
    def interaction(self) -> Interaction:
        """What was said so far."""
        return self._now.interaction

    @property
    def mode(self) -> str:
        """Whether the agent answers (`auto`) or a person (`manual`), once this turn has come to its end."""
        return str(self._now.wishes.get("mode", self._now.session.mode))

    @property
    def title(self) -> str | None:
        """What the conversation is called."""
        return self._now.noted.get("title")

    @property
    def metadata(self) -> SessionMetadata:
        """What is noted of it under names."""
        return SessionMetadata(self._now)

    @property
    def customer(self) -> Customer:
        """Whom it is with."""
        return self._now.customer

    @property
    def labels(self) -> SessionLabels:
        """What it is called by the turns before this one, by clients and by the program."""
        return SessionLabels(self._now)

    async def update(
        self,
        *,
        agent: Agent | str | None = None,
        mode: str | None = None,
        title: str | None = None,
        customer: Any = None,
    ) -> None:
        """Who answers from the next message on: another agent, or with ``mode="manual"`` a person. It counts once the turn has
        come to its end. A ``title`` is stored at once.

        Raises:
            SDKError: there is no such agent or mode.
            NotSupported: another ``customer``, who cannot be changed while a turn runs.
        """
        refuse_unsupported("`Session.update`", _ADVICE, {"customer": customer})
        name = given.optional_text(title, "`title`")
        wishes: dict[str, Any] = {}
        if agent is not None:
            id_ = agent if isinstance(agent, str) else agent.id
            known = [each.id for each in await self._now.server.list_agents()]
            if id_ not in known:
                raise unknown("agent", id_, known)
            wishes["agent"] = id_
        if mode is not None:
            wishes["mode"] = given.choice(mode, MODES, "`mode`")
        self._now.wishes.update(wishes)
        if name is not None:
            await _note(self._now, lambda _: {"title": name})


class ToolContextAccessor:
    """What a tool can reach of the server that runs it."""

    def __init__(self, context: ToolContext) -> None:
        self.context = context

    @property
    def server(self) -> Server:
        """The server.

        Raises:
            SDKError: no turn runs.
        """
        return _server.__get__(self, type(self))

    @property
    def logger(self) -> Logger:
        """The server's logger."""
        return self.server.logger

    @property
    def current_interaction(self) -> Interaction:
        """What was said so far."""
        return Session.current.interaction


_server: Current[Server] = Current("server", lambda now: now.server)
Session.current = Current("session", Session)

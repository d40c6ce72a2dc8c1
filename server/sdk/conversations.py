"""The session of the turn that runs, for tools, matchers and hooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from jurat.server.sdk import given
from jurat.server.sdk.errors import unknown
from jurat.server.sdk.moments import Current

if TYPE_CHECKING:
    from jurat.server.sdk.agents import Agent
    from jurat.server.sdk.customers import Customer
    from jurat.server.sdk.moments import TurnContext

MODES = ("auto", "manual")


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
    def customer(self) -> Customer:
        """Whom it is with."""
        return self._now.customer

    @property
    def labels(self) -> frozenset[str]:
        """What the turns before this one have labelled it."""
        return self._now.session.state.labels

    async def update(self, *, agent: Agent | str | None = None, mode: str | None = None) -> None:
        """Who answers from the next message on: another agent, or with ``mode="manual"`` a person. It counts once the turn has
        come to its end.

        Raises:
            SDKError: there is no such agent or mode.
        """
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


Session.current = Current("session", Session)

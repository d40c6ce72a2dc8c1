"""A session: what survives from turn to turn. A turn works on a copy and puts it back when it has ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal

from jurat.llm import Message
from jurat.policies.model import Agent
from jurat.policies.types import Value

DEFAULT_AGENT = Agent("agent", "Agent")
"""Who answers where a policy names nobody."""

Mode = Literal["auto", "manual"]
"""Whether the engine answers, or a human does."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One position of a session's history: a message, a call's start or end, a reply, or another engine event.

    ``at`` is in seconds on the engine's clock; ``values`` are the facts and journeys as they were then.
    """

    events: frozenset[str]
    turn: int
    at: float
    values: Mapping[str, Value] = field(default_factory=dict)


@dataclass(slots=True)
class State:
    """What a turn may change. Messages and moments are only ever added to; facts are replaced, never edited."""

    agent: str
    facts: Mapping[str, Value] = field(default_factory=dict)
    journeys: dict[str, str] = field(default_factory=dict)
    messages: tuple[Message, ...] = ()
    moments: tuple[Moment, ...] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)
    """What tools gave templates to speak of, by name."""

    done: frozenset[str] = frozenset()
    """The guidelines carried out since they last came in force."""

    turns: int = 0
    mode: Mode = "auto"
    ended: bool = False

    def copy(self) -> State:
        """An independent copy."""
        return replace(self, journeys=dict(self.journeys))


@dataclass(slots=True, eq=False)
class Session:
    """One conversation. ``customer`` is what the application knows of the person, for tools (``user_data``)."""

    id: str
    state: State
    customer: Mapping[str, Any] = field(default_factory=dict)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)
    arrived: int = 0
    """The messages that turns were begun for, or wait to be."""

    interrupt: Callable[[], None] | None = field(default=None, repr=False)
    """Ends the turn that runs, if a newer message may."""

    @property
    def agent(self) -> str:
        """The id of the agent that answers now."""
        return self.state.agent

    @property
    def mode(self) -> Mode:
        return self.state.mode

    @property
    def facts(self) -> Mapping[str, Value]:
        return self.state.facts

    @property
    def journeys(self) -> Mapping[str, str]:
        """The active journeys and the state each is in."""
        return MappingProxyType(self.state.journeys)

    @property
    def conversation(self) -> tuple[Message, ...]:
        return self.state.messages

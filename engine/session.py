"""A session: what survives from turn to turn. A turn works on a copy and puts it back when it has ended."""

from __future__ import annotations

import asyncio
import time
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
    """What a turn may change. Messages and moments are only ever added to; facts are replaced, never edited.

    ``completed`` is the last turn that came to its end: those after it failed or were cut short, and what the next turn
    decides may have been done by them already. ``policy`` is the digest that the last turn ran under.
    """

    agent: str
    facts: Mapping[str, Value] = field(default_factory=dict)
    journeys: dict[str, str] = field(default_factory=dict)
    messages: tuple[Message, ...] = ()
    moments: tuple[Moment, ...] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)
    """What tools gave templates to speak of, by name."""

    done: frozenset[str] = frozenset()
    """The guidelines carried out since they last came in force."""

    taken: frozenset[tuple[str, str]] = frozenset()
    """The offers of guidelines, with their tools, that were taken since the guidelines last came in force."""

    unsaid: frozenset[str] = frozenset()
    """The journeys in a state that was never said, for they were held back after a tool of theirs had run."""

    labels: frozenset[str] = frozenset()
    """What the application calls this conversation, by what was selected in it."""

    sources: Mapping[str, str] = field(default_factory=dict)
    """Who may write a fact, of those that the application may not, as the policy said that they were written under."""

    turns: int = 0
    mode: Mode = "auto"
    ended: bool = False
    completed: int = 0
    policy: str = ""

    def copy(self) -> State:
        """An independent copy."""
        return replace(self, journeys=dict(self.journeys))

    def happen(self, at: float, *events: str) -> None:
        """Add one position to the history, with facts and journeys as they are."""
        values = {**self.facts}
        for journey, state in self.journeys.items():
            values[f"journey.{journey}.active"] = True
            values[f"journey.{journey}.state"] = state
        before = self.moments[-1].values if self.moments else None
        shared = values if before is None or before != values else before  # most moments change nothing
        self.moments = (*self.moments, Moment(frozenset(events), self.turns, at, shared))


CallState = Literal["begun", "succeeded", "failed", "unknown"]


@dataclass(frozen=True, slots=True)
class Call:
    """A consequential call: written down as begun before it is made, and with its outcome after.

    ``key`` is its idempotency key. ``message`` is what the tool said, or why there is no outcome; ``replies`` are the canned
    ones of its result, and ``fields`` what templates may speak of. ``owner`` is the process that made it, ``resolved_by``
    who said the outcome where that was not the tool. Times are the engine's.
    """

    key: str
    session: str
    turn: int
    tool: str
    arguments: Mapping[str, Any]
    guidelines: tuple[str, ...]
    status: CallState
    at: float
    owner: str = ""
    ended: float | None = None
    message: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    resolved_by: str = ""
    replies: tuple[str, ...] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Saved:
    """What a store has of a session: its revision there, messages, moments, and calls as they were written."""

    revision: int = 0
    messages: tuple[Message, ...] = ()
    moments: tuple[Moment, ...] = ()
    calls: dict[str, Call] = field(default_factory=dict)
    certain: bool = True
    """False after a write that may or may not have been made."""

    writer: str = ""
    """The process that wrote it, where it was loaded."""


@dataclass(slots=True, eq=False, weakref_slot=True)
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

    calls: dict[str, Call] = field(default_factory=dict, repr=False)
    """Consequential calls by key: those of turns that did not come to their end, and those without a known outcome."""

    created: float = field(default_factory=time.time)
    saved: Saved = field(default_factory=Saved, repr=False)
    saving: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)

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

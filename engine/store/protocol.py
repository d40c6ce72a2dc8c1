"""What the engine and its servers ask of a store, and the small values they exchange with it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from jurat.engine.session import Call, CallState, Mode, Session, State
from jurat.engine.store.feed import FeedEvent
from jurat.engine.store.records import Change, Record


@dataclass(frozen=True, slots=True)
class Summary:
    """A stored session in one line; times are in seconds since 1970. ``customer`` is what the application knows of them."""

    id: str
    agent: str
    mode: Mode
    ended: bool
    turns: int
    created: float
    updated: float
    customer: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Head:
    """Whose a stored session is; ``customer`` is an id, None of a guest."""

    id: str
    agent: str
    mode: Mode
    created: float
    customer: str | None


@dataclass(frozen=True, slots=True)
class Variable:
    """A value that survives sessions, and when it was set."""

    value: Any
    at: float


@dataclass(frozen=True, slots=True)
class Person:
    """A customer as stored: what is known of them, the tags that they carry, and when that was said last."""

    id: str
    name: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    at: float = 0.0


PersonChange = Callable[[Person | None], Person]
"""What a customer becomes; the id stays."""


@dataclass(frozen=True, slots=True)
class Version:
    """A policy as it was at some time: its files by name and the report of its check.

    ``number`` counts from 1 and is given by the store. ``origin`` says where it came from, ``comment`` why, ``author`` who
    sent it: the name of a key, or the subject of a token; None where nobody did, or nobody knows any more.
    """

    digest: str
    files: Mapping[str, str]
    report: Mapping[str, Any]
    origin: str
    at: float
    comment: str = ""
    author: str | None = None
    number: int = 0


@dataclass(frozen=True, slots=True)
class Activation:
    """That a version took effect, and who wanted it, as the author of a :class:`Version`."""

    version: int
    at: float
    comment: str = ""
    author: str | None = None


class Store(Protocol):
    """Keeps what survives a process. Every method but ``close`` raises `StoreError` where it cannot do its work.

    What a method has returned from is kept: it survives the end of the process, and with ``durable`` that of the
    machine's power too.
    """

    owner: str
    """This process, as the records of its calls name it."""

    shared: bool
    """Whether other processes may write to it."""

    async def save(
        self, session: Session, state: State, trace: Mapping[str, Any] | None = None, *, durable: bool = False
    ) -> None:
        """Keep a session as ``state`` has it, its calls, and a turn's trace: all of it or nothing.

        Raises:
            SessionMoved: another process has saved it since it was loaded.
        """

    async def load(self, id_: str) -> Session | None:
        """A session as it was saved last, with those of its calls that are open."""

    async def current(self, session: Session) -> bool:
        """Whether no other process has gone on with a session that is held in memory."""

    async def sessions(self, limit: int, before: float | None = None, *, matching: str = "") -> list[Summary]:
        """The sessions changed last, newest first; ``before`` goes on from the ``updated`` of the last one.

        ``matching``: only those with this text in their id or in what is known of the customer, in whichever case.
        """

    async def heads(self, agent: str | None = None) -> list[Head]:
        """Every session, or those of an agent, in the order in which they began."""

    async def forget(self, session: str) -> None:
        """Delete a session with its calls, traces and feed, for good."""

    async def interrupted(self) -> list[str]:
        """The sessions with a call that was begun and whose process is gone."""

    async def alive(self, owner: str) -> bool:
        """Whether the process that is named so still runs."""

    async def traces(self, session: str) -> list[int]:
        """The turns of a session that have a trace, in order."""

    async def trace(self, session: str, turn: int) -> Mapping[str, Any] | None:
        """One of them."""

    async def forget_traces(self, session: str, turns: Collection[int]) -> None:
        """Delete the traces of some of them."""

    async def calls(self, status: CallState | None = None, session: str | None = None, limit: int = 100) -> list[Call]:
        """Consequential calls, newest first."""

    async def call(self, key: str) -> Call | None:
        """One of them."""

    async def variables(self, scope: str) -> dict[str, Variable]:
        """Every variable of a scope, such as ``customer:7`` or ``global``, by name."""

    async def set_variable(self, scope: str, name: str, value: Any) -> None:
        """Set one; None takes it away."""

    async def variable(self, name: str) -> dict[str, Variable]:
        """The values of one, by scope."""

    async def customer(self, id_: str) -> Person | None:
        """What is known of a customer."""

    async def customers(self, limit: int, after: str = "", *, name: str | None = None) -> list[Person]:
        """The customers in the order of their ids, from behind ``after`` on; of those with a name only, if it is given."""

    async def change_customer(self, id_: str, change: PersonChange) -> Person:
        """Keep what a customer is changed to, and give it back as it is stored; no other change comes between.

        ``change`` is given the customer, None where there is none. It may be called in another thread, and nothing is
        changed where it raises.
        """

    async def remove_customer(self, id_: str) -> None:
        """Forget a customer, with the variables of the scopes ``customer:<id>`` and ``said:<id>``."""

    async def add_version(self, version: Version) -> Version:
        """Keep a policy version; it comes back with its number."""

    async def versions(self) -> list[Version]:
        """All of them, newest first, without files."""

    async def version(self, number: int) -> Version | None:
        """One of them, with its files."""

    async def activate(self, activation: Activation) -> None:
        """Note that a version takes effect."""

    async def activations(self, limit: int = 100) -> list[Activation]:
        """What took effect, newest first."""

    async def records(self, kind: str, ids: Collection[str] | None = None) -> dict[str, Record]:
        """The records of a kind, or those of them with these ids, oldest first."""

    async def record(self, kind: str, id_: str) -> Record | None:
        """One of them."""

    async def keep_record(self, kind: str, id_: str, body: Mapping[str, Any]) -> Record:
        """Keep a record, in the place of the one that is there."""

    async def change_record(self, kind: str, id_: str, change: Change) -> Record:
        """Keep what a record is changed to, of nothing where there is none; no other change comes between. ``change`` may be
        called in another thread.
        """

    async def drop_record(self, kind: str, id_: str) -> bool:
        """Delete one; whether it was there."""

    async def add_to_feed(self, session: str, events: Sequence[FeedEvent]) -> list[FeedEvent]:
        """Add events to the feed of a conversation, all of them or none; they come back with their offsets."""

    async def feed(self, session: str, since: int = 0) -> list[FeedEvent]:
        """The feed from an offset on, but for what was taken back."""

    async def hear(self, heard: Callable[[str | None], None]) -> None:
        """Be told the session whenever another process adds to its feed, and None where that may have been missed.

        It goes on until it is cancelled; where there is no other process it returns.
        """

    async def amend_feed(self, session: str, event: FeedEvent) -> None:
        """Keep another ``data``, ``metadata`` or ``ordinal`` of an event."""

    async def cut_feed(self, session: str, since: int) -> None:
        """Take back the feed from an offset on."""

    async def close(self) -> None:
        """Let go of what the store holds."""


def unsaved_calls(session: Session) -> Sequence[Call]:
    """The calls whose record has changed since it was written."""
    return [each for key, each in session.calls.items() if session.saved.calls.get(key) != each]


def mark_saved(session: Session, state: State, calls: Sequence[Call]) -> None:
    """Note that a store has all of this."""
    saved = session.saved
    saved.revision += 1
    saved.messages, saved.moments = state.messages, state.moments
    saved.calls.update({each.key: each for each in calls})
    settled = [key for key in saved.calls if key not in session.calls]
    for key in settled:
        del saved.calls[key]


def is_open(call: Call, completed: int) -> bool:
    """Whether a session has to know of a call: its outcome is not known, or nobody was told of it yet."""
    return call.status in ("begun", "unknown") or call.turn > completed


def scopes_of(customer: str) -> tuple[str, str]:
    """The scopes of a customer's variables: what was set for them, and what tools have said of them."""
    return f"customer:{customer}", f"said:{customer}"

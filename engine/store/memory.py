"""A store that ends with its process: for tests, for `jurat chat`, and for an engine that is given none."""

from __future__ import annotations

import time
import uuid
from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from jurat.engine.session import Call, CallState, Session, State
from jurat.engine.store.feed import MemoryFeed
from jurat.engine.store.protocol import (
    Activation,
    Head,
    Person,
    PersonChange,
    Summary,
    Variable,
    Version,
    mark_saved,
    scopes_of,
    unsaved_calls,
)
from jurat.engine.store.records import MemoryRecords

SESSIONS = 1_000
TRACES_A_SESSION = 200


class MemoryStore(MemoryRecords, MemoryFeed):
    """Holds the last ``limit`` sessions; others make room, with their traces. A session is held as it is, not copied."""

    def __init__(self, limit: int = SESSIONS) -> None:
        MemoryRecords.__init__(self)
        MemoryFeed.__init__(self)
        self.owner, self.shared = uuid.uuid4().hex, False
        self._limit = limit
        self._sessions: OrderedDict[str, tuple[Session, Summary]] = OrderedDict()
        self._traces: dict[str, OrderedDict[int, Mapping[str, Any]]] = {}
        self._calls: dict[str, Call] = {}
        self._variables: dict[str, dict[str, Variable]] = {}
        self._customers: dict[str, Person] = {}
        self._versions: list[Version] = []
        self._activations: list[Activation] = []

    async def save(
        self,
        session: Session,
        state: State,
        trace: Mapping[str, Any] | None = None,
        *,
        durable: bool = False,  # noqa: ARG002 - the protocol's
    ) -> None:
        self._sessions[session.id] = session, _summary(session, state)
        self._sessions.move_to_end(session.id)
        calls = unsaved_calls(session)
        self._calls.update({each.key: each for each in calls})
        mark_saved(session, state, calls)
        if trace is not None:
            kept = self._traces.setdefault(session.id, OrderedDict())
            kept[trace["turn"]] = trace
            while len(kept) > TRACES_A_SESSION:
                kept.popitem(last=False)
        self._make_room()

    def _make_room(self) -> None:
        while len(self._sessions) > self._limit:
            self._gone(next(iter(self._sessions)))

    def _gone(self, session: str) -> None:
        self._sessions.pop(session, None)
        self._traces.pop(session, None)
        self._calls = {key: each for key, each in self._calls.items() if each.session != session}
        self.forget_feed(session)

    async def load(self, id_: str) -> Session | None:
        return self._sessions[id_][0] if id_ in self._sessions else None

    async def current(self, session: Session) -> bool:  # noqa: ARG002 - as above
        return True

    async def sessions(self, limit: int, before: float | None = None, *, matching: str = "") -> list[Summary]:
        found = (summary for _, summary in reversed(self._sessions.values()) if _matches(summary, matching.casefold()))
        return [each for each in found if before is None or each.updated < before][:limit]

    async def heads(self, agent: str | None = None) -> list[Head]:
        found = sorted((each for each, _ in self._sessions.values()), key=lambda each: (each.created, each.id))
        wanted = (each for each in found if agent in (None, each.agent))
        return [Head(each.id, each.agent, each.mode, each.created, each.customer.get("id")) for each in wanted]

    async def forget(self, session: str) -> None:
        self._gone(session)

    async def interrupted(self) -> list[str]:
        return []

    async def alive(self, owner: str) -> bool:
        return owner == self.owner

    async def traces(self, session: str) -> list[int]:
        return sorted(self._traces.get(session, ()))

    async def trace(self, session: str, turn: int) -> Mapping[str, Any] | None:
        return self._traces[session].get(turn) if session in self._traces else None

    async def forget_traces(self, session: str, turns: Collection[int]) -> None:
        kept = self._traces.get(session, OrderedDict())
        for turn in turns:
            kept.pop(turn, None)

    async def calls(self, status: CallState | None = None, session: str | None = None, limit: int = 100) -> list[Call]:
        found = sorted(self._calls.values(), key=lambda each: (-each.at, each.key))
        wanted = (each for each in found if status in (None, each.status) and session in (None, each.session))
        return list(wanted)[:limit]

    async def call(self, key: str) -> Call | None:
        return self._calls.get(key)

    async def variables(self, scope: str) -> dict[str, Variable]:
        return dict(self._variables.get(scope, {}))

    async def set_variable(self, scope: str, name: str, value: Any) -> None:
        kept = self._variables.setdefault(scope, {})
        kept.pop(name, None)
        if value is not None:
            kept[name] = Variable(value, time.time())

    async def variable(self, name: str) -> dict[str, Variable]:
        return {scope: each[name] for scope, each in sorted(self._variables.items()) if name in each}

    async def customer(self, id_: str) -> Person | None:
        return self._customers.get(id_)

    async def customers(self, limit: int, after: str = "", *, name: str | None = None) -> list[Person]:
        found = (self._customers[id_] for id_ in sorted(self._customers) if id_ > after)
        return [each for each in found if name in (None, each.name)][:limit]

    async def change_customer(self, id_: str, change: PersonChange) -> Person:
        kept = replace(change(self._customers.get(id_)), id=id_, at=time.time())
        self._customers[id_] = kept
        return kept

    async def remove_customer(self, id_: str) -> None:
        self._customers.pop(id_, None)
        for scope in scopes_of(id_):
            self._variables.pop(scope, None)

    async def add_version(self, version: Version) -> Version:
        numbered = replace(version, number=len(self._versions) + 1)
        self._versions.append(numbered)
        return numbered

    async def versions(self) -> list[Version]:
        return [replace(each, files={}) for each in reversed(self._versions)]

    async def version(self, number: int) -> Version | None:
        return self._versions[number - 1] if 0 < number <= len(self._versions) else None

    async def activate(self, activation: Activation) -> None:
        self._activations.append(activation)

    async def activations(self, limit: int = 100) -> list[Activation]:
        return self._activations[::-1][:limit]

    async def close(self) -> None:
        return None


def _summary(session: Session, state: State) -> Summary:
    return Summary(
        session.id, state.agent, state.mode, state.ended, state.turns, session.created, time.time(), session.customer
    )  # fmt: skip


def _matches(summary: Summary, text: str) -> bool:
    return any(text in str(each).casefold() for each in (summary.id, *summary.customer.values()))

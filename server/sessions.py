"""The conversations that a server holds in memory, the ones used least recently dropped first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jurat.engine.session import Session

SESSIONS = 1_000
TRACES_A_SESSION = 200


@dataclass(slots=True)
class Conversation:
    """A session with the traces of its turns, by number, oldest first; ``running`` counts turns under way."""

    session: Session
    traces: OrderedDict[int, Mapping[str, Any]] = field(default_factory=OrderedDict)
    running: int = 0

    def keep(self, number: int, trace: Mapping[str, Any]) -> None:
        """Remember a turn's trace, and forget the oldest beyond the limit."""
        self.traces[number] = trace
        while len(self.traces) > TRACES_A_SESSION:
            self.traces.popitem(last=False)


class Sessions:
    """Conversations by id. What is running is never dropped."""

    def __init__(self, limit: int = SESSIONS) -> None:
        self._limit = limit
        self._kept: OrderedDict[str, Conversation] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, session: Session) -> Conversation:
        """Hold a new conversation; others make room."""
        self._kept[session.id] = Conversation(session)
        idle = [id_ for id_, each in self._kept.items() if not each.running and id_ != session.id]
        for id_ in idle[: max(0, len(self._kept) - self._limit)]:
            del self._kept[id_]
        return self._kept[session.id]

    def get(self, id_: str) -> Conversation | None:
        """The conversation with this id, now the one used last."""
        if id_ in self._kept:
            self._kept.move_to_end(id_)
        return self._kept.get(id_)

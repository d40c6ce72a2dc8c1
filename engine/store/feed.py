"""The feed of a conversation: all that its clients are told, in order, each event at an offset of its own.

Messages stand in the conversation itself too; ``ordinal`` is the place there of one that has got one, counted over what
customer and agent said. Offsets count from 0 and are never given twice, not even after events were taken back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """Something that clients are told; ``data`` is plain JSON, ``at`` in seconds since 1970."""

    id: str
    kind: str
    source: str
    trace: str
    at: float
    data: Any
    metadata: Mapping[str, Any]
    ordinal: int | None = None
    offset: int = -1


class MemoryFeed:
    """Keeps feeds as long as the process runs."""

    def __init__(self) -> None:
        self._feeds: dict[str, list[FeedEvent]] = {}
        self._cut: dict[str, int] = {}

    async def add_to_feed(self, session: str, events: Sequence[FeedEvent]) -> list[FeedEvent]:
        kept = self._feeds.setdefault(session, [])
        first = max(self._cut.get(session, 0), kept[-1].offset + 1 if kept else 0)
        placed = [replace(each, offset=first + number) for number, each in enumerate(events)]
        kept += placed
        return placed

    async def feed(self, session: str, since: int = 0) -> list[FeedEvent]:
        return [each for each in self._feeds.get(session, ()) if each.offset >= since]

    async def amend_feed(self, session: str, event: FeedEvent) -> None:
        kept = self._feeds.get(session, [])
        kept[:] = [event if each.offset == event.offset else each for each in kept]

    async def cut_feed(self, session: str, since: int) -> None:
        kept = self._feeds.get(session, [])
        if kept:
            self._cut[session] = max(self._cut.get(session, 0), kept[-1].offset + 1)
        kept[:] = [each for each in kept if each.offset < since]

    async def hear(self, heard: Callable[[str | None], None]) -> None:
        """Nobody else adds to feeds."""

    def forget_feed(self, session: str) -> None:
        """Keep nothing of a conversation's."""
        self._feeds.pop(session, None)
        self._cut.pop(session, None)

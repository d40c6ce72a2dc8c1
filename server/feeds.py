"""The feeds of conversations while the server runs: whoever waits for something new is woken, and nobody asks the store in vain."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import deque
from collections.abc import Callable
from typing import Any

from jurat.engine.store import FeedEvent, Store

Wanted = Callable[[FeedEvent], bool]


class FeedGone(Exception):
    """The conversation whose feed somebody waits for was deleted."""


class Feeds:
    """Adds to feeds, and wakes those who wait."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._bells: dict[str, set[asyncio.Future[None]]] = {}
        self._gone: deque[str] = deque(maxlen=1_000)  # lately, for those who were about to wait
        self._ended = False
        self._hearing: asyncio.Task[None] | None = None

    async def add(self, session: str, *events: FeedEvent) -> list[FeedEvent]:
        """Add events; they come back with their offsets.

        Raises:
            StoreError: they cannot be stored, and are not there.
        """
        placed = await self._store.add_to_feed(session, events)
        self._ring(session)
        return placed

    def _ring(self, session: str) -> None:
        for bell in self._bells.pop(session, ()):
            if not bell.done():
                bell.set_result(None)

    def gone(self, session: str) -> None:
        """Let nobody wait for a conversation that was deleted."""
        self._gone.append(session)
        self._ring(session)

    @property
    def ended(self) -> bool:
        """Whether nobody may wait any longer."""
        return self._ended

    def _heard(self, session: str | None) -> None:
        """Another server added to a feed, or may have to any."""
        for each in list(self._bells) if session is None else [session]:
            self._ring(each)

    def end(self) -> None:
        """Let nobody wait any longer, for the server ends; what is there is still told."""
        self._ended = True
        self._heard(None)
        if self._hearing is not None:
            self._hearing.cancel()
            self._hearing = None

    def begin(self) -> None:
        """Let them wait again."""
        self._ended = False

    def waited_for(self, session: str) -> bool:
        """Whether somebody waits for a conversation."""
        return session in self._bells

    async def wait(self, session: str, since: int, wanted: Wanted, seconds: float) -> list[FeedEvent]:
        """What is wanted of a feed from an offset on: at once if there is any, else as soon as there is; nothing in time is [].

        Raises:
            FeedGone: the conversation was deleted meanwhile.
            StoreError: it cannot be read.
        """
        end = time.monotonic() + seconds
        if self._hearing is None and seconds > 0 and not self._ended:
            self._hearing = asyncio.create_task(self._store.hear(self._heard))
        woken = session in self._gone
        while True:
            bell = self._bell(session)  # hung up before the look, so that nothing falls in between
            try:
                events = await self._store.feed(session, since)
                if woken and not (events or self._ended) and await self._store.load(session) is None:
                    raise FeedGone
                found = [each for each in events if wanted(each)]
                if found or self._ended or (left := end - time.monotonic()) <= 0:
                    return found
                since = events[-1].offset + 1 if events else since
                await asyncio.wait((bell,), timeout=left)
                woken = bell.done()
            finally:
                self._take_down(session, bell)

    def _bell(self, session: str) -> asyncio.Future[None]:
        bell: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._bells.setdefault(session, set()).add(bell)
        return bell

    def _take_down(self, session: str, bell: asyncio.Future[None]) -> None:
        bells = self._bells.get(session)
        if bells is not None:
            bells.discard(bell)
            if not bells:
                del self._bells[session]


def event(kind: str, source: str, trace: str, data: Any, **more: Any) -> FeedEvent:
    """An event that happens now; ``more`` are fields of :class:`FeedEvent`."""
    return FeedEvent(uuid.uuid4().hex, kind, source, trace, time.time(), data, **{"metadata": {}, **more})


def status(trace: str, name: str, stage: str | None = None, **data: Any) -> FeedEvent:
    """A status of the agent's."""
    said = {**({"stage": stage} if stage else {}), **data}
    return event("status", "ai_agent", trace, {"status": name, "data": said})

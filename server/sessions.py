"""The conversations that a server holds in memory: those in use, and the last ones used. The store has all of them."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from weakref import WeakValueDictionary

from jurat.engine.session import Session
from jurat.engine.store.protocol import Store, unsaved_calls

SESSIONS = 1_000
"""Held at most, apart from those whose turn runs."""

IDLE_SECONDS = 900.0
"""After which one is dropped, even where there is room."""


class Sessions:
    """Sessions by id, loaded on demand. There is never a second one of an id while anybody holds the first."""

    def __init__(self, store: Store, load: Callable[[str], Awaitable[Session | None]], limit: int = SESSIONS) -> None:
        self._store = store
        self._load = load
        self._limit = limit
        self._live: WeakValueDictionary[str, Session] = WeakValueDictionary()
        self._recent: OrderedDict[str, tuple[Session, float]] = OrderedDict()
        self._loading: dict[str, asyncio.Task[Session | None]] = {}
        self._running: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._recent)

    def add(self, session: Session) -> None:
        """Hold a session; others make room."""
        self._live[session.id] = session
        self._recent[session.id] = session, time.monotonic()
        self._recent.move_to_end(session.id)
        self._make_room()

    async def get(self, id_: str) -> Session | None:
        """The session with this id, now the one used last.

        Raises:
            StoreError: it cannot be read.
        """
        session = self._live.get(id_)
        if session is not None and not self.runs(session) and not await self._store.current(session):
            self.forget(session)
            session = None
        if session is None:
            session = await self._loaded(id_)
        if session is not None:
            self.add(session)
        return session

    async def _loaded(self, id_: str) -> Session | None:
        """Load it once, however many ask for it at the same time."""
        task = self._loading.get(id_)
        if task is None:
            task = asyncio.ensure_future(self._load(id_))
            self._loading[id_] = task
            task.add_done_callback(lambda _: self._loading.pop(id_, None))
        found = await asyncio.shield(task)
        return self._live.setdefault(id_, found) if found is not None else None

    def forget(self, session: Session) -> None:
        """Drop a session that another server has gone on with; it is loaded again when it is asked for."""
        self._recent.pop(session.id, None)
        if self._live.get(session.id) is session:
            del self._live[session.id]

    @contextmanager
    def running(self, session: Session) -> Iterator[None]:
        """Hold a session while its turn runs."""
        self._running[session.id] += 1
        try:
            yield
        finally:
            self._running[session.id] -= 1
            if not self._running[session.id]:
                del self._running[session.id]

    def runs(self, session: Session) -> bool:
        """Whether a turn of the session runs, or waits to."""
        return session.id in self._running

    def _make_room(self) -> None:
        now = time.monotonic()
        for id_, (session, used) in list(self._recent.items()):
            if len(self._recent) <= self._limit and now - used <= IDLE_SECONDS:
                break
            if not self.runs(session) and not unsaved_calls(session):
                del self._recent[id_]

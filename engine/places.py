"""Who may ask the model at the same time: so many turns, over all conversations.

A turn has a place while it may ask, and lends it while tools or functions of the application run: those who wait for a slow
tool keep nobody out. A turn that comes back goes before those that have not begun, so that what was begun comes to an end.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from jurat.engine.errors import Overloaded


class Places:
    """So many places; who has none for `seconds` gives up. How many wait is for the caller to bound."""

    def __init__(self, places: int, seconds: float) -> None:
        self._free, self._seconds = places, seconds
        self._returning: deque[asyncio.Future[None]] = deque()
        self._new: deque[asyncio.Future[None]] = deque()

    async def take(self, *, returning: bool = False) -> None:
        """Wait for a place; who returns waits as long as it takes.

        Raises:
            Overloaded: there was none in time.
        """
        if self._free:  # then nobody waits
            self._free -= 1
            return
        queue, turn = self._returning if returning else self._new, asyncio.get_running_loop().create_future()
        queue.append(turn)
        try:
            async with asyncio.timeout(None if returning else self._seconds):
                await turn
        except BaseException as reason:
            if turn.cancelled():
                with suppress(ValueError):
                    queue.remove(turn)
            else:  # it was called up in the very moment in which it gave up
                self.give()
            if isinstance(reason, TimeoutError):
                raise Overloaded from None
            raise

    def give(self) -> None:
        """Give a place to whoever is next."""
        waiting = self._returning or self._new
        while waiting:
            turn = waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
            waiting = self._returning or self._new
        self._free += 1


class Place:
    """A turn's place; without `places` there is always one."""

    def __init__(self, places: Places | None = None) -> None:
        self._places, self._held = places, False

    @asynccontextmanager
    async def taken(self) -> AsyncIterator[Place]:
        """Have a place.

        Raises:
            Overloaded: there was none in time.
        """
        if self._places is not None:
            await self._places.take()
            self._held = True
        try:
            yield self
        finally:
            self._leave()

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[None]:
        """Let others have it meanwhile. Where what is inside fails the turn ends, and needs it no more."""
        had = self._held
        self._leave()
        yield
        if had and self._places is not None:
            await self._places.take(returning=True)
            self._held = True

    def _leave(self) -> None:
        if self._held and self._places is not None:
            self._held = False
            self._places.give()

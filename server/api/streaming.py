"""Server-sent events (WHATWG HTML, section 9.2): a name and JSON each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Generic, TypeVar

from fastapi.responses import StreamingResponse

from jurat.engine.wellformed import json_text

Item = TypeVar("Item")
EVENT_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Server-sent events.",
        "content": {"text/event-stream": {}},
    }
}
"""For a route's ``responses``."""


class Queue(Generic[Item]):
    """Things on their way to a reader; whoever puts them waits for nobody."""

    def __init__(self) -> None:
        self._items: asyncio.Queue[Item | None] = asyncio.Queue()

    def put(self, item: Item) -> None:
        """Send one."""
        self._items.put_nowait(item)

    def end(self) -> None:
        """Send no more."""
        self._items.put_nowait(None)

    async def __aiter__(self) -> AsyncIterator[Item]:
        while (item := await self._items.get()) is not None:
            yield item


class Events(Queue[str]):
    """Events on their way."""

    def tell(self, name: str, content: Any) -> None:
        """Send one."""
        self.put(event(name, content))


def event(name: str, content: Any) -> str:
    """One event as it is sent."""
    return f"event: {name}\ndata: {json_text(content)}\n\n"


def streamed(events: AsyncIterator[str] | Events) -> StreamingResponse:
    """The answer that sends them as they come."""
    return StreamingResponse(aiter(events), media_type="text/event-stream", headers={"cache-control": "no-store"})

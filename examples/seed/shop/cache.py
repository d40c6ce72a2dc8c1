"""Redis, where REDIS_URL names one; otherwise the same four commands in this process."""

from __future__ import annotations

import os
import time
from typing import Any


class EmbeddedRedis:
    """GET, SET, SETEX and DEL of Redis, values as bytes; a key is gone when its time is up."""

    def __init__(self) -> None:
        self._values: dict[str, tuple[bytes, float]] = {}

    async def get(self, key: str) -> bytes | None:
        """The value of a key, or None."""
        value, until = self._values.get(key, (None, 0.0))
        if value is not None and time.monotonic() >= until:
            del self._values[key]
            return None
        return value

    async def set(self, key: str, value: Any) -> None:
        """Set a key for good."""
        self._values[key] = (str(value).encode(), float("inf"))

    async def setex(self, key: str, seconds: int, value: Any) -> None:
        """Set a key for so many seconds."""
        self._values[key] = (str(value).encode(), time.monotonic() + seconds)

    async def delete(self, key: str) -> None:
        """Forget a key."""
        self._values.pop(key, None)


_EMBEDDED = EmbeddedRedis()
_CLIENTS: dict[str, Any] = {}


async def get_redis_connection() -> Any:
    """The client of the cache, one for each address."""
    url = os.environ.get("REDIS_URL")
    if not url:
        return _EMBEDDED
    if url not in _CLIENTS:
        from redis.asyncio import Redis

        _CLIENTS[url] = Redis.from_url(url)
    return _CLIENTS[url]


async def close_redis_connections() -> None:
    """Let go of the clients."""
    while _CLIENTS:
        _, client = _CLIENTS.popitem()
        await client.aclose()

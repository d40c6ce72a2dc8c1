"""A limit to how much of an answer is read: a server gone astray must not fill the memory."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator
from typing import Any

ANSWER_BYTES = 16_000_000


async def bound(response: Any) -> None:
    """A hook of the HTTP client: makes reading the response an error beyond `ANSWER_BYTES`."""
    library = importlib.import_module(type(response).__module__.partition(".")[0])  # httpx or httpx2
    kind = type("Bounded", (_Bounded, library.AsyncByteStream), {})  # the client admits no stream but its own kind
    response.stream = kind(response.stream, library.ReadError)


class _Bounded:
    def __init__(self, stream: Any, error: type[Exception]) -> None:
        self._stream, self._error = stream, error

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = ANSWER_BYTES
        async for piece in self._stream:
            left -= len(piece)
            if left < 0:
                raise self._error(f"the answer is longer than {ANSWER_BYTES:,} bytes")
            yield piece

    async def aclose(self) -> None:
        await self._stream.aclose()

"""A reply as a server writes it, piece by piece."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from jurat.llm.backends.wire import Wire
from jurat.llm.errors import BackendError
from jurat.llm.protocol import CutOff

_CHARACTERS_A_TOKEN = 64
_IDLE_CHUNKS = 1000
"""Chunks one after the other that have no text in them."""

_NO_END = (None, "length", "max_tokens", "content_filter")
"""Why a stream ended, where the reply in it has no end: nobody said so, or the model was not let go on."""

_ANSWERS_A_REPLY = 3
"""As many times the seconds of an answer as a whole reply may take, of which each piece has those of one."""


async def written(wire: Wire, stream: Any, max_tokens: int) -> AsyncGenerator[str]:
    """The pieces of text of a stream, and an empty `CutOff` after them where it was not the model that ended it.

    Raises `BackendError` where it breaks, stalls, or goes on beyond all measure.
    """
    left, idle, begun, end = max_tokens * _CHARACTERS_A_TOKEN, _IDLE_CHUNKS, False, None
    longest = _ANSWERS_A_REPLY * wire.answer_seconds
    late = time.monotonic() + longest
    async with stream:
        chunks = aiter(stream)
        while (found := await _next(wire, chunks)) is not None:
            piece, begun, end = found[0], True, found[1] or end
            left, idle = left - len(piece), _IDLE_CHUNKS if piece else idle - 1
            if left < 0 or idle < 0:
                raise BackendError(f"{wire.at} goes on writing beyond the {max_tokens} tokens asked for")
            if time.monotonic() > late:
                raise BackendError(f"{wire.at} had not ended its reply after {longest:g} s")
            if piece:
                yield piece
    if not begun:
        raise wire.unreadable()
    if end in _NO_END:
        yield CutOff()


async def _next(wire: Wire, chunks: AsyncIterator[Any]) -> tuple[str, str | None] | None:
    """The text of the next chunk, which may be empty, and why it is the last, if it says so; None at the end."""
    async with wire.in_plain_words(), asyncio.timeout(wire.answer_seconds):
        chunk = await anext(chunks, None)
        if chunk is None:
            return None
        if not chunk.choices:
            return "", None
        content = chunk.choices[0].delta.content
        if not isinstance(content, str | None):
            raise TypeError
        return content or "", chunk.choices[0].finish_reason

"""What a backend makes of a server that misbehaves: asked over a real socket, and the one line that is said."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest
from tests.llm.raw_server import (
    Answer,
    Handler,
    Raw,
)

from jurat.llm import BackendError, Condition, Message
from jurat.llm.backends.server import ServerBackend
from jurat.llm.calibration import Calibration

T = TypeVar("T")


Serve = Callable[..., Raw]


TALK = (Message("customer", "My order 1042 came late"),)


REFUND = Condition("refund", "The customer asks for a refund")


SKEWED = Calibration(slope=1.0, intercept=-3.0, low=0.2, high=0.8)


"""Takes a score of one half for false: what stands for "no answer" must not go through it."""


def always(answer: Answer) -> Handler:
    return lambda _, __: answer


def asked(url: str, what: Callable[[ServerBackend], Awaitable[T]], **how: Any) -> T:
    async def run() -> T:
        backend = await ServerBackend.connect(url, **{"answer_seconds": 5.0, **how})
        try:
            return await what(backend)
        finally:
            await backend.close()

    return asyncio.run(run())


async def ungraded(backend: ServerBackend) -> bool:
    return bool(backend.ungraded)


def refused(url: str, what: Callable[[ServerBackend], Awaitable[Any]] = ungraded, **how: Any) -> str:
    """The one line that is said where it fails."""
    with pytest.raises(BackendError) as caught:
        asked(url, what, **how)
    told = str(caught.value)
    assert "\n" not in told
    return told

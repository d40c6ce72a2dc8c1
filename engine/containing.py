"""Which cancellation is the turn's own, and which a function of the application has merely raised."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def cancelled_only_from_outside() -> Iterator[None]:
    """Make a plain failure of a cancellation that nobody asked of the task; else it would end the turn without a word.

    Raises:
        RuntimeError: the code inside was cancelled, and not the task that runs it.
    """
    try:
        yield
    except asyncio.CancelledError as reason:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise RuntimeError("it was cancelled") from reason

"""Functions of the application: what they raise is a plain failure of theirs, and ends neither the turn nor the program."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from jurat.engine.wellformed import whole

_OF_THE_PROGRAM = (KeyboardInterrupt, GeneratorExit)
"""Ctrl-C, and the end of a coroutine that nobody runs any more; no function means these."""


@contextmanager
def contained() -> Iterator[None]:
    """Run a function of the application. A cancellation that nobody asked of the task would end the turn without a word, and
    `SystemExit` the whole program.

    Raises:
        RuntimeError: the code inside was cancelled, and not the task that runs it; or it tried to end the program.
    """
    try:
        yield
    except asyncio.CancelledError as reason:
        if _is_cancelled():
            raise
        raise RuntimeError("it was cancelled") from reason
    except (Exception, *_OF_THE_PROGRAM):
        raise
    except BaseExceptionGroup as group:
        if _is_cancelled() or group.subgroup(_OF_THE_PROGRAM):
            raise
        raise plain_failure(group) from group
    except BaseException as reason:
        raise plain_failure(reason) from reason


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is None or bool(task.cancelling())


def plain_failure(reason: BaseException) -> RuntimeError:
    """Something that would end the program, as a failure like others."""
    if isinstance(reason, asyncio.CancelledError):
        return RuntimeError("it was cancelled")
    text = said_by(reason)
    return RuntimeError("it tried to end the program" + (f": {text}" if text else ""))


def said_by(reason: BaseException) -> str:
    """The first line of an error's text, of a group that of its first one; empty where it has none, or cannot say it."""
    while isinstance(reason, BaseExceptionGroup):
        reason = reason.exceptions[0]
    try:
        return next(iter(whole(str(reason)).splitlines()), "")
    except Exception:  # noqa: BLE001 - how an error words itself is the application's code too
        return ""


def told(reason: BaseException) -> str:
    """The same, or of what kind it is where it has no text."""
    return said_by(reason) or f"it raised {type(reason).__name__} without a text"

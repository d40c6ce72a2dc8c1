"""A message that comes before the one before it was answered ends that turn, and is answered together with it.

A turn that has begun a consequential call, or to answer, is carried to its end, and the newer message waits. The turn is cancelled
as :func:`asyncio.timeout` cancels: a cancellation from outside stays one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from jurat.engine.errors import TurnSuperseded
from jurat.engine.session import Session
from jurat.engine.turn import Working


def arrive(session: Session) -> int:
    """Count a message in, before it waits for its turn, and end the turn that it supersedes; its number."""
    session.arrived += 1
    if session.interrupt is not None:
        session.interrupt()
    return session.arrived


@contextmanager
def interruptible(working: Working, number: int | None) -> Iterator[None]:
    """Run the turn of the message with this number, None without one, so that a newer message can end it.

    Raises:
        TurnSuperseded: one did, or had come before this turn's time.
    """
    if number is None:
        yield
        return
    session, task = working.session, asyncio.current_task()
    assert task is not None
    if session.arrived > number and not working.committed:
        raise _superseded(working)
    before, asked = task.cancelling(), False

    def interrupt() -> None:
        nonlocal asked
        if not asked and not working.committed:
            asked = True
            task.cancel()

    session.interrupt = interrupt
    try:
        yield
    except asyncio.CancelledError:
        if asked and task.uncancel() <= before:
            raise _superseded(working) from None
        raise
    else:
        if asked:  # something in the turn would not be cancelled, and it has come to its end
            task.uncancel()
    finally:
        session.interrupt = None


def _superseded(working: Working) -> TurnSuperseded:
    error = TurnSuperseded(working.trace)
    working.trace.notes.append(str(error))
    return error

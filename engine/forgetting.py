"""Which turns were about what is to be forgotten of a conversation: their traces have its words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jurat.engine.store.protocol import Store
from jurat.llm import Message


async def forget_traces(store: Store, session: str, spoken: Sequence[Message], kept: int) -> None:
    """Delete the traces of the turns that have something to do with what comes after the first ``kept`` lines.

    Raises:
        StoreError: they cannot be read or deleted.
    """
    numbers = await store.traces(session)
    traces = [(number, found) for number in numbers if (found := await store.trace(session, number)) is not None]
    await store.forget_traces(session, turns_about(traces, spoken, kept))


def turns_about(traces: Sequence[tuple[int, Mapping[str, Any]]], spoken: Sequence[Message], kept: int) -> list[int]:
    """The turns from that on whose message, or whose reply, is the first line after ``kept`` of what was spoken."""
    said = [each.text for each in spoken if each.role == "customer"]
    first = sum(each.role == "customer" for each in spoken[:kept])
    first -= spoken[kept].role == "agent"  # the turn that replied goes too
    at, found = -1, []
    for number, trace in traces:
        at = _place(said, at, trace["message"])
        if at >= max(first, 0):
            found.append(number)
    return found


def _place(said: Sequence[str], at: int, message: str | None) -> int:
    """Which of the customer's messages a turn is about, where the turn before it was about ``at``."""
    if message is None or said[at + 1 : at + 2] == [message]:
        return at + (message is not None)
    if at >= 0 and said[at] == message:  # it was handed on, or its turn was run again
        return at
    return next((n for n in range(at + 1, len(said)) if said[n] == message), at)

"""Small facts about conversations and probabilities that judges and voices share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from jurat.llm.errors import ContextTooLong
from jurat.llm.protocol import Message

T = TypeVar("T")


def decided(probability: float, band: tuple[float, float]) -> bool | None:
    """True from the band's upper edge on, false up to its lower edge, unknown between them."""
    low, high = band
    return True if probability >= high else False if probability <= low else None


def latest_customer_text(conversation: Sequence[Message]) -> str:
    """What the customer said last; empty before the first message."""
    return next((m.text for m in reversed(conversation) if m.role == "customer"), "")


def together(conversation: Sequence[Message]) -> tuple[Message, ...]:
    """The conversation with what the customer has said since the agent last spoke as one message, at the last one's place.

    A message that came before the one before it was answered is judged with it.
    """
    start = next((n for n in reversed(range(len(conversation))) if conversation[n].role == "agent"), -1) + 1
    said = [n for n in range(start, len(conversation)) if conversation[n].role == "customer"]
    if len(said) < 2:
        return tuple(conversation)
    whole = Message("customer", "\n".join(conversation[n].text for n in said))
    rest = (whole if n == said[-1] else conversation[n] for n in range(start, len(conversation)) if n not in said[:-1])
    return (*conversation[:start], *rest)


def last_message_last(conversation: Sequence[Message]) -> list[Message]:
    """The conversation with its last spoken message at the end; results of tools since then come before it."""
    spoken = (i for i in reversed(range(len(conversation))) if conversation[i].role in ("customer", "agent"))
    last = next(spoken, None)
    if last is None:
        return list(conversation)
    return [*conversation[:last], *conversation[last + 1 :], conversation[last]]


def without_oldest(conversation: Sequence[Message]) -> Sequence[Message]:
    """The next shorter part that a model is asked about where all of it is too long: a quarter less."""
    return conversation[(len(conversation) + 3) // 4 :]


async def asked_of_what_fits(
    conversation: Sequence[Message], ask: Callable[[Sequence[Message]], Awaitable[T]]
) -> tuple[T, int]:
    """The answer to as much of the conversation as the model's context holds, and how many of the oldest
    messages that leaves out; raises `ContextTooLong` where not even the last message fits.
    """
    kept = conversation
    while True:
        try:
            return await ask(kept), len(conversation) - len(kept)
        except ContextTooLong:
            if len(kept) <= 1:
                raise
            kept = without_oldest(kept)

"""As much of a conversation as the model's context holds, for each statement by itself.

A long statement leaves less room for the conversation. Were statements that are asked together all given the same room, the
answer to one would depend on the length of another. So each is read with as much as fits with it, and `first`, which are asked
every time, decide from where on anything fits at all.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from jurat.llm.conversation import without_oldest
from jurat.llm.errors import ContextTooLong
from jurat.llm.protocol import Message

Ask = Callable[[Sequence[Message], Sequence[str]], Awaitable[Sequence[float]]]
"""The score of each statement about a conversation; raises `ContextTooLong` where one of them does not fit."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The score of a statement, and how many of the oldest messages it was read without."""

    score: float
    left_out: int


async def readings(
    conversation: Sequence[Message], statements: Sequence[str], ask: Ask, first: Sequence[str] = ()
) -> dict[str, Reading]:
    """What was read for each statement, and for `first`; nothing for one that does not fit with the last message even.

    Raises `ContextTooLong` where nothing does.
    """
    kept, found = conversation, dict[str, Reading]()
    wanted = list(dict.fromkeys([*first, *statements]))
    while wanted:
        fit = await _fitting(kept, wanted, () if found else first, ask)
        found |= {text: Reading(score, len(conversation) - len(kept)) for text, score in fit.items()}
        wanted = [each for each in wanted if each not in fit]
        if wanted and len(kept) <= 1:
            break
        kept = without_oldest(kept)
    if wanted and not found:
        await ask(kept, first or wanted)  # which says by how much it is too long
    return found


async def _fitting(
    kept: Sequence[Message], statements: Sequence[str], first: Sequence[str], ask: Ask
) -> dict[str, float]:
    """The scores of the statements that fit; of none where `first` do not."""
    try:
        return dict(zip(statements, await ask(kept, statements), strict=True))
    except ContextTooLong:
        if len(statements) <= max(1, len(first)):
            return {}
    if not first:
        half = len(statements) // 2
        return await _fitting(kept, statements[:half], (), ask) | await _fitting(kept, statements[half:], (), ask)
    begun = await _fitting(kept, first, first, ask)
    rest = [each for each in statements if each not in begun]
    return begun | await _fitting(kept, rest, (), ask) if begun else {}

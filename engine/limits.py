"""Every number that bounds a turn, in one place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What one turn may cost; beyond it the turn goes on without, and says so, or is refused with one clear error."""

    rounds: int = 4
    """Of match, resolve and act before a reply."""

    waves: int = 3
    """Batches of questions to the judge in one round; the last asks all that is left."""

    tool_calls_a_turn: int = 16
    tool_timeout_seconds: float = 30.0
    reply_attempts: int = 2
    message_characters: int = 16_000
    reply_characters: int = 8_000
    tool_message_characters: int = 16_000
    """Of one tool result; the rest is cut, visibly, before a model reads it."""

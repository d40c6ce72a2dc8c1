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

    judge_seconds: float = 300.0
    """That one batch of questions may take; beyond it they are unknown."""

    answers_kept: int = 10_000
    """Of the judge, over all sessions, for the same question about the same conversation; 0 keeps none."""

    tool_calls_a_turn: int = 16
    tool_timeout_seconds: float = 30.0
    """Of one attempt, where neither the policy nor the code says another."""

    tool_retries: int = 2
    """Further attempts of a failed call, of tools that are declared idempotent."""

    tool_retry_seconds: float = 0.1
    """Before the second attempt, and as much again by chance; the wait doubles each time."""
    preamble_seconds: float = 0.5
    """That calls take before a preamble is said."""

    reply_attempts: int = 2
    message_characters: int = 16_000
    reply_characters: int = 8_000
    tool_message_characters: int = 16_000
    """Of one tool result; the rest is cut, visibly, before a model reads it."""

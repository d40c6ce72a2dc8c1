"""Conditions in plain words that are not a matter of opinion: the engine knows when they hold.

`docs/sdk.md` publishes this table, and a test holds it to it.
"""

from __future__ import annotations

from jurat.policies.reader.texts import identity

EVENTS: dict[str, str] = {
    "Conversation starts": "session.started",
    "Conversation begins": "session.started",
    "Session starts": "session.started",
    "Conversation ends": "session.ended",
    "Conversation is over": "session.ended",
    "Session ends": "session.ended",
    "Customer sends a message": "message.received",
    "User sends a message": "message.received",
    "Message contains personal data": "message.pii",
    "Tool fails": 'failed("*")',
    "Tool execution fails": 'failed("*")',
    "Tool call fails": 'failed("*")',
    "A tool reports an error": 'failed("*")',
}
"""Texts, in any case and with or without an article or a full stop, and the formula that each one is."""

_ARTICLES = ("the ", "a ", "an ")


def event_formula(text: str) -> str | None:
    """The formula over engine events that a condition in natural language is, if it is one of the table."""
    return _FORMULAS.get(_plain(text))


def _plain(text: str) -> str:
    words = identity(text)
    return next((words.removeprefix(each) for each in _ARTICLES if words.startswith(each)), words)


_FORMULAS = {_plain(text): formula for text, formula in EVENTS.items()}

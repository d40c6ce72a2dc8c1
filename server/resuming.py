"""What the end of a process has left open in a feed: the messages that were taken and whose turn has told no end."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal

from jurat.engine.session import Session
from jurat.engine.store import FeedEvent

Fate = Literal["again", "superseded", "replied", "given up", "left"]

ATTEMPTS = 3
"""Turns that are begun for one message; one that ended its process each time is given up."""


def unended(session: Session, feed: Sequence[FeedEvent], here: Collection[str]) -> list[FeedEvent]:
    """The customer's messages that were taken through the feed and have no end there; ``here`` are ids of those that run."""
    ended = {each.trace for each in feed if _status(each) in ("ready", "cancelled")}
    return [
        each for each in feed
        if each.kind == "message" and each.source == "customer" and each.id not in here and each.trace not in ended
        and (each.ordinal is None or (each.ordinal >= 0 and not each.trace.startswith(session.id)))
    ]  # fmt: skip


def has_reply(session: Session, said: FeedEvent) -> bool:
    """Whether the last turn came to its end with a reply to exactly this message, which the feed may not know."""
    spoken = [each for each in session.conversation if each.role in ("customer", "agent")]
    asked = next((each.text for each in reversed(spoken) if each.role == "customer"), None)
    return _completed(session) and spoken[-1:] != [] and spoken[-1].role == "agent" and asked == said.data["message"]


def fate(session: Session, feed: Sequence[FeedEvent], said: FeedEvent) -> Fate:
    """What becomes of a message that is in the conversation, and whose turn runs nowhere any more."""
    mine = [each for each in feed if each.trace == said.trace]
    if any(each.kind == "message" and each.source == "customer" and each.offset > said.offset for each in feed):
        return "superseded" if any(_status(each) for each in mine) else "left"
    if _completed(session):
        return "replied" if has_reply(session, said) else "left"  # where nobody replied, a person is to
    begun = sum(_status(each) == "acknowledged" for each in mine)
    lost = any(
        each.status in ("begun", "unknown") and each.turn == session.state.turns for each in session.calls.values()
    )
    sent = session.conversation[-1:] and session.conversation[-1].role == "agent"
    told = any(each.kind in ("message", "custom") and each.source == "ai_agent" for each in mine)
    may = session.mode == "auto" and begun < ATTEMPTS and not (lost or sent or told or session.state.ended)
    return "again" if may else "given up"


def _completed(session: Session) -> bool:
    return session.state.turns == session.state.completed


def _status(each: FeedEvent) -> str | None:
    return str(each.data["status"]) if each.kind == "status" and each.source == "ai_agent" else None

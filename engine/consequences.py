"""Consequential calls: each happens at most once for a decision, whatever is cut short (write-ahead).

Before the call its record is stored as begun, under a key that is the same however often the decision is made again:
the session, the last turn that came to its end, the tool and its arguments. Its outcome is stored after it. So a turn
that goes on from one that failed or was cut short meets the record, and takes the outcome from it instead of calling
again. Without an outcome nobody knows whether the call happened: it is *unknown*, and the tool is not called in the session
until somebody who has looked says what became of it. A tool that is declared idempotent may be called again, with the
same key.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from jurat.engine.effects import lasting
from jurat.engine.errors import StoreError
from jurat.engine.session import Call, CallState, Session, State
from jurat.engine.store.protocol import Store
from jurat.engine.tools import plain
from jurat.engine.trace import CallRecord
from jurat.engine.turn import Working
from jurat.llm import Message

UNKNOWN = "it was begun, and what became of it is not known; it is not repeated until somebody has looked"
KEY_CHARACTERS = 32


def key_of(working: Working, tool: str, arguments: Mapping[str, Any]) -> str:
    """The idempotency key of a call that is about to be made; the same when the decision is made again."""
    made = json.dumps(plain(arguments), sort_keys=True)
    earlier = sum(call.tool == tool and json.dumps(call.arguments, sort_keys=True) == made for call in working.begun)
    parts = (working.session.id, working.session.state.completed, tool, made, earlier)
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:KEY_CHARACTERS]


def precedent(session: Session, tool: str, key: str, *, idempotent: bool) -> Call | None:
    """The call that stands in the way of making this one: the same was made, or one of the tool has no known outcome."""
    same = session.calls.get(key)
    if same is not None and same.status in ("succeeded", "failed"):
        return same
    unknown = [each for each in session.calls.values() if each.tool == tool and each.status in ("begun", "unknown")]
    return next((each for each in unknown if not (idempotent and each.key == key)), None)


async def begin(store: Store, working: Working, call: Call) -> None:
    """Store that a call begins; it must not begin if that fails.

    Raises:
        StoreError: it could not be stored.
    """
    session = working.session
    before = session.calls.get(call.key)
    session.calls[call.key] = call
    working.begun.append(call)
    working.committed = True  # a newer message waits from here on
    try:
        await store.save(session, kept(working), durable=True)
    except StoreError:
        _take_back(session, call, before)
        raise
    except asyncio.CancelledError:  # its record may be stored, so that there has to be an outcome
        _end(working, call.key, "failed", "it was not made, for the turn was cut short before it", {})
        raise


def _take_back(session: Session, call: Call, before: Call | None) -> None:
    if before is None:
        del session.calls[call.key]
    else:
        session.calls[call.key] = before


async def settle(store: Store, working: Working, key: str, record: CallRecord) -> None:
    """Store a call's outcome, as the trace has it, with all that has happened by now.

    Raises:
        StoreError: it could not be stored; the outcome stays with the session, and is stored with its next change.
    """
    assert record.status in ("succeeded", "failed", "unknown")
    _end(working, key, record.status, record.message, record.data, replies=record.replies, fields=dict(record.fields))
    await store.save(working.session, kept(working), durable=True)


def lose(working: Working, key: str) -> None:
    """Note that nobody waits for a call any more, to be stored with the turn that was cut short."""
    call = working.session.calls.get(key)
    if call is not None and call.status == "begun":
        _end(working, key, "unknown", "the turn was cut short while it ran", {})
        working.state.messages = (*working.state.messages, unknown_message(call))


def _end(working: Working, key: str, status: CallState, message: str, data: Mapping[str, Any], **said: Any) -> None:
    call = working.session.calls[key]
    ended = replace(call, status=status, ended=working.clock(), message=message, data=dict(data), **said)
    working.session.calls[key] = ended


def kept(working: Working) -> State:
    """The session with what has happened in the world, what has left of the reply included, and nothing of what the turn
    has decided.
    """
    state, now = working.session.state.copy(), working.unsent or working.state
    said = (Message("agent", working.sent.strip()),) if working.sent else ()
    state.messages, state.moments = (*lasting(working, now.messages), *said), now.moments
    state.facts, state.sources, state.fields, state.turns = now.facts, now.sources, now.fields, now.turns
    state.mode = "manual" if working.manual else state.mode
    return state


async def release(store: Store, working: Working, text: str) -> None:
    """Let a piece of the reply leave, which has passed the check: stored first, so that what was said is never forgotten.

    Raises:
        StoreError: it could not be stored, and has not left.
    """
    assert working.on_text is not None
    before = working.sent
    working.sent, working.committed = before + text, True  # a newer message waits from here on
    try:
        await store.save(working.session, kept(working))
    except BaseException:
        working.sent = before
        raise
    working.on_text(text)


def forget_settled(session: Session) -> None:
    """A turn has come to its end: what its calls came to has been told, and only what is unknown stays."""
    for key in [key for key, each in session.calls.items() if each.status != "unknown"]:
        del session.calls[key]


def unknown_message(call: Call) -> Message:
    """What the conversation says of a call without an outcome."""
    return Message("tool", f"{call.tool}: {UNKNOWN}")

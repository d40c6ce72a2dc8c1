"""Labels that a program has given a conversation, where clients list and change them."""

from __future__ import annotations

from jurat.engine.session import Session
from jurat.engine.store import Store

KIND = "session"
"""The records of what clients have noted of conversations."""


async def label(store: Store, session: Session) -> None:
    """Note the labels of a conversation beside those that clients have given it.

    Raises:
        StoreError: they cannot be stored.
    """
    known = await store.record(KIND, session.id)
    body = dict(known.body) if known else {}
    body["labels"] = sorted({*body.get("labels", ()), *session.state.labels})
    await store.keep_record(KIND, session.id, body)

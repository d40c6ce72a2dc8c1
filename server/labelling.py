"""Labels that what was in force has given a conversation, where clients list and change them."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable

from jurat.engine.errors import StoreError
from jurat.engine.session import Session
from jurat.engine.store import Store
from jurat.engine.turn import Turn

LOG = logging.getLogger(__name__)

KIND = "session"
"""The records of what clients have noted of conversations."""

LABELS = "labels"
"""The records of what guidelines and journeys call a conversation, by their ids."""


async def labels_by_id(store: Store, ids: Collection[str] | None = None) -> dict[str, list[str]]:
    """The labels that clients have given guidelines and journeys: of all, or of these."""
    return {id_: list(each.body["labels"]) for id_, each in (await store.records(LABELS, ids)).items()}


async def keep_labels(store: Store, id_: str, labels: Iterable[str]) -> None:
    """Have a guideline or journey give these labels, and no others.

    Raises:
        StoreError: they cannot be stored.
    """
    if found := sorted(set(labels)):
        await store.keep_record(LABELS, id_, {"labels": found})
    else:
        await store.drop_record(LABELS, id_)


async def label(store: Store, session: Session, turn: Turn, said: Collection[str]) -> None:
    """Note what a turn has the conversation called, beside what clients call it.

    ``said`` are the labels that the rules of a program gave; others are what clients have said of what was in force. Where the
    store is gone the log says so: the reply has left, and what is in force again labels again.
    """
    try:
        await _label(store, session, turn, said)
    except StoreError as error:
        LOG.warning("the conversation %s was not labelled: %s", session.id, error)


async def _label(store: Store, session: Session, turn: Turn, said: Collection[str]) -> None:
    ended = [each.resolution for each in (*turn.before, turn) if each.resolution is not None]
    in_force = {id_ for each in ended for id_ in each.in_force}
    found = {*said}
    if in_force:
        found.update(*(await labels_by_id(store, in_force)).values())
    if not found:
        return
    known = await store.record(KIND, session.id)
    if known is None or not found <= set(known.body.get("labels", ())):
        await store.change_record(
            KIND, session.id, lambda body: {**body, "labels": sorted({*body.get("labels", ()), *found})}
        )

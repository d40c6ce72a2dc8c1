"""Records and feeds in a database."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select, text, update

from jurat.engine.errors import StoreError
from jurat.engine.store.codec import stored
from jurat.engine.store.databases import Database
from jurat.engine.store.feed import FeedEvent
from jurat.engine.store.records import Change, Record
from jurat.engine.store.statements import FEED_LOCK, RECORD_LOCK, claim, storable, upsert
from jurat.engine.store.tables import FEED, RECORDS


class SqlRecords:
    """Keeps records in a database."""

    _database: Database

    async def records(self, kind: str, ids: Collection[str] | None = None) -> dict[str, Record]:
        query = select(RECORDS).where(RECORDS.c.kind == kind).order_by(RECORDS.c.at, RECORDS.c.id)
        if ids is not None:
            query = query.where(RECORDS.c.id.in_([each for each in ids if storable(each)]))
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return {row.id: Record(row.id, json.loads(row.body), row.at) for row in rows}

    async def record(self, kind: str, id_: str) -> Record | None:
        return (await self.records(kind, [id_])).get(id_)

    async def keep_record(self, kind: str, id_: str, body: Mapping[str, Any]) -> Record:
        return await self.change_record(kind, id_, lambda _: body)

    async def change_record(self, kind: str, id_: str, change: Change) -> Record:
        if not storable(id_):
            raise StoreError(f"`{id_!r:.80}` cannot be the id of a record")
        query = select(RECORDS).where(RECORDS.c.kind == kind, RECORDS.c.id == id_)

        def work(connection: Connection) -> Record:
            claim(connection, RECORD_LOCK, f"{kind} {id_}")
            known = connection.execute(query).one_or_none()
            body = change({} if known is None else json.loads(known.body))
            row = {"kind": kind, "id": id_, "body": stored(dict(body)), "at": time.time()}
            connection.execute(upsert(connection, RECORDS, kept=("at",)), row)
            found = connection.execute(query).one()
            return Record(id_, json.loads(found.body), found.at)

        return await self._database.write(work)

    async def drop_record(self, kind: str, id_: str) -> bool:
        wanted = delete(RECORDS).where(RECORDS.c.kind == kind, RECORDS.c.id == id_)
        if not storable(id_):
            return False
        return bool(await self._database.write(lambda connection: connection.execute(wanted).rowcount))


CHANNEL = "jurat_feed"
"""On which the processes that share a PostgreSQL tell each other of what they added to which feed."""


class SqlFeed:
    """Keeps feeds in a database."""

    _database: Database

    async def add_to_feed(self, session: str, events: Sequence[FeedEvent]) -> list[FeedEvent]:
        if not storable(session):
            raise StoreError("the id of a session has characters that cannot be stored")

        def work(connection: Connection) -> list[FeedEvent]:
            claim(connection, FEED_LOCK, session)
            last = connection.execute(select(func.max(FEED.c.offset)).where(FEED.c.session == session)).scalar()
            first = 0 if last is None else last + 1
            placed = [replace(each, offset=first + number) for number, each in enumerate(events)]
            if placed:
                connection.execute(FEED.insert(), [_row(session, each) for each in placed])
                self._notify(connection, session)
            return placed

        return await self._database.write(work)

    def _notify(self, connection: Connection, session: str) -> None:
        """Tell the others, once the transaction is done."""
        if self._database.shared:
            said = {"channel": CHANNEL, "said": f"{self._database.owner} {session}"}
            connection.execute(text("SELECT pg_notify(:channel, :said)"), said)

    async def hear(self, heard: Callable[[str | None], None]) -> None:
        def said(text_: str | None) -> None:
            owner, _, session = (text_ or "").partition(" ")
            if owner != self._database.owner:
                heard(session or None)

        await self._database.listen(CHANNEL, said)

    async def feed(self, session: str, since: int = 0) -> list[FeedEvent]:
        if not storable(session) or since >= 2**31:
            return []
        wanted = (FEED.c.session == session) & (FEED.c.offset >= since) & ~FEED.c.deleted
        query = select(FEED).where(wanted).order_by(FEED.c.offset)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [_event(row) for row in rows]

    async def amend_feed(self, session: str, event: FeedEvent) -> None:
        row = _row(session, event)
        changed = {name: row[name] for name in ("data", "metadata", "ordinal")}
        statement = update(FEED).where(FEED.c.session == session, FEED.c.offset == event.offset).values(changed)
        await self._database.write(lambda connection: connection.execute(statement))

    async def cut_feed(self, session: str, since: int) -> None:
        gone = {"deleted": True, "data": "null", "metadata": "{}"}  # the offset stays taken
        statement = update(FEED).where(FEED.c.session == session, FEED.c.offset >= since).values(gone)
        if storable(session) and since < 2**31:
            await self._database.write(lambda connection: connection.execute(statement))


def _row(session: str, event: FeedEvent) -> dict[str, Any]:
    return {
        "session": session, "offset": event.offset, "id": event.id, "kind": event.kind, "source": event.source,
        "trace": event.trace, "at": event.at, "data": stored(event.data), "metadata": stored(dict(event.metadata)),
        "ordinal": event.ordinal, "deleted": False,
    }  # fmt: skip


def _event(row: Row[Any]) -> FeedEvent:
    return FeedEvent(
        row.id, row.kind, row.source, row.trace, row.at, json.loads(row.data), json.loads(row.metadata), row.ordinal,
        row.offset,
    )  # fmt: skip

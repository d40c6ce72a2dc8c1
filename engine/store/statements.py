"""Statements that SQLite and PostgreSQL have in common."""

from __future__ import annotations

import zlib
from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, Insert, Table, text
from sqlalchemy.dialects import postgresql, sqlite

FEED_LOCK, RECORD_LOCK, CUSTOMER_LOCK = 5871204, 5871205, 5871206
"""The locks of PostgreSQL under which offsets are given, records changed, and customers."""


def claim(connection: Connection, lock: int, of: str) -> None:
    """Be the only one to change this until the transaction ends, which reads nothing before. SQLite has one lock for all."""
    if connection.dialect.name == "sqlite":
        connection.execute(text("BEGIN IMMEDIATE"))  # else what is read before the first write is of no transaction yet
    else:
        said = {"lock": lock, "of": zlib.crc32(of.encode()) >> 1}
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock, :of)"), said)


def insert(connection: Connection, table: Table) -> Any:
    """An insertion that can say what to do on a conflict."""
    return (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(table)


def upsert(connection: Connection, table: Table, kept: Collection[str] = ()) -> Insert:
    """An insertion that changes the row that is there, but for the columns that are ``kept``."""
    statement = insert(connection, table)
    keys = [each.name for each in table.primary_key]
    changed = {each.name: statement.excluded[each.name] for each in table.columns if each.name not in (*keys, *kept)}
    found: Insert = statement.on_conflict_do_update(index_elements=keys, set_=changed)
    return found


def storable(name: str) -> bool:
    """Whether a name can be one in both databases: PostgreSQL has no zero characters and no half ones."""
    return "\0" not in name and not any("\ud800" <= each <= "\udfff" for each in name)

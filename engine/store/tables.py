"""The tables, as the newest migration leaves them.

Values are kept as texts of JSON (:mod:`jurat.engine.store.codec`), alike in SQLite and PostgreSQL: columns of JSON would
refuse characters that customers may write.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, MetaData, Table, Text

METADATA = MetaData()

SESSIONS = Table(
    "sessions",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("revision", Integer, nullable=False),  # counts writes, so that two servers notice each other
    Column("writer", Text, nullable=False),
    Column("agent", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("ended", Boolean, nullable=False),
    Column("turns", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("customer", Text, nullable=False),
    Column("created", Float(53), nullable=False),
    Column("updated", Float(53), nullable=False),
)
Index("sessions_by_update", SESSIONS.c.updated)

# What is only ever added to a session: its messages and its moments, each counted from 0.
EVENTS = Table(
    "events",
    METADATA,
    Column("session", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("turn", Integer, nullable=False),
    Column("at", Float(53), nullable=False),
    Column("body", Text, nullable=False),
)

CALLS = Table(
    "calls",
    METADATA,
    Column("key", Text, primary_key=True),
    Column("session", Text, nullable=False),
    Column("turn", Integer, nullable=False),
    Column("tool", Text, nullable=False),
    Column("arguments", Text, nullable=False),
    Column("guidelines", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("at", Float(53), nullable=False),
    Column("owner", Text, nullable=False),
    Column("ended", Float(53)),
    Column("message", Text, nullable=False),
    Column("data", Text, nullable=False),
    Column("resolved_by", Text, nullable=False),
    Column("replies", Text, nullable=False, server_default="[]"),
    Column("fields", Text, nullable=False, server_default="{}"),
)
Index("calls_by_session", CALLS.c.session, CALLS.c.turn)
Index("calls_by_status", CALLS.c.status, CALLS.c.at)

TRACES = Table(
    "traces",
    METADATA,
    Column("session", Text, primary_key=True),
    Column("turn", Integer, primary_key=True, autoincrement=False),
    Column("body", Text, nullable=False),
)

VARIABLES = Table(
    "variables",
    METADATA,
    Column("scope", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("at", Float(53), nullable=False),
)

CUSTOMERS = Table(
    "customers",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("metadata", Text, nullable=False),
    Column("tags", Text, nullable=False),
    Column("at", Float(53), nullable=False),
)
Index("customers_by_name", CUSTOMERS.c.name)

VERSIONS = Table(
    "versions",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("digest", Text, nullable=False),
    Column("files", Text, nullable=False),
    Column("report", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("at", Float(53), nullable=False),
    Column("comment", Text, nullable=False),
    Column("author", Text),
)

ACTIVATIONS = Table(
    "activations",
    METADATA,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("version", Integer, nullable=False),
    Column("at", Float(53), nullable=False),
    Column("comment", Text, nullable=False),
    Column("author", Text),
)

# Small records that neither a policy nor a conversation has room for: display names, titles, terms.
RECORDS = Table(
    "records",
    METADATA,
    Column("kind", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("body", Text, nullable=False),
    Column("at", Float(53), nullable=False),
)

# What the clients of a conversation are told, in order.
FEED = Table(
    "feed",
    METADATA,
    Column("session", Text, primary_key=True),
    Column("offset", Integer, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("trace", Text, nullable=False),
    Column("at", Float(53), nullable=False),
    Column("data", Text, nullable=False),
    Column("metadata", Text, nullable=False),
    Column("ordinal", Integer),
    Column("deleted", Boolean, nullable=False),
)

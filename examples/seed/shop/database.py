"""The shop's database: PostgreSQL where SHOP_DB is an address, else SQLite in a file, behind the interface that asyncpg has
(`fetchrow`, `$1`, `NOW()`).

SHOP_DB is `postgresql://user:password@host/database`, or names the file; without it there is one for each run.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (
    id TEXT PRIMARY KEY, status TEXT, items TEXT, total DOUBLE PRECISION, discount DOUBLE PRECISION DEFAULT 0
);
CREATE TABLE IF NOT EXISTS customers (
    id TEXT PRIMARY KEY, name TEXT, tier TEXT, phone TEXT, email TEXT, preferences TEXT, postcode TEXT, updated_at TEXT
);
CREATE TABLE IF NOT EXISTS inventory (product_id TEXT PRIMARY KEY, quantity INTEGER);
CREATE TABLE IF NOT EXISTS purchases (customer_id TEXT, product_id TEXT);
CREATE TABLE IF NOT EXISTS records (id {number}, kind TEXT, at TEXT, content TEXT);
CREATE TABLE IF NOT EXISTS retries (id {number}, payment TEXT, done INTEGER DEFAULT 0);
"""
ROWS = (
    ("orders", ("1042", "shipped", "kettle, two cups", 158.9, 0)),
    ("orders", ("1043", "paid", "teapot", 42.0, 0)),
    ("customers", ("c1", "Mina", "gold", "010-1111-2222", "mina@example.com", "", "04524", None)),
    ("inventory", ("kettle", 25)),
    ("inventory", ("teapot", 3)),
    ("inventory", ("cup", 0)),
    ("purchases", ("c1", "kettle")),
    ("purchases", ("c2", "kettle")),
    ("purchases", ("c2", "teapot")),
    ("purchases", ("c3", "kettle")),
    ("purchases", ("c3", "teapot")),
    ("purchases", ("c3", "cup")),
)
_OWN = tempfile.TemporaryDirectory(prefix="shop-")


def path() -> Path:
    """The database's file, made and filled when it is first asked for."""
    found = Path(os.environ.get("SHOP_DB") or Path(_OWN.name) / "shop.sqlite")
    if not found.exists():
        with _connected(found) as database:
            database.executescript(SCHEMA.format(number="INTEGER PRIMARY KEY"))
            for table, row in ROWS:
                database.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)  # noqa: S608 - ours
    return found


class Connection:
    """A connection with the methods of asyncpg's; each statement runs in a thread and is committed by itself."""

    def __init__(self, file: Path) -> None:
        self._file = file

    async def fetchrow(self, query: str, *arguments: Any) -> dict[str, Any] | None:
        """The first row, by column, or None."""
        rows = await self.fetch(query, *arguments)
        return rows[0] if rows else None

    async def fetchval(self, query: str, *arguments: Any) -> Any:
        """The first column of the first row, or None."""
        row = await self.fetchrow(query, *arguments)
        return next(iter(row.values())) if row else None

    async def fetch(self, query: str, *arguments: Any) -> list[dict[str, Any]]:
        """All rows, by column."""
        return await asyncio.to_thread(self._run, query, arguments)

    async def execute(self, query: str, *arguments: Any) -> None:
        """Run a statement."""
        await self.fetch(query, *arguments)

    def _run(self, query: str, arguments: tuple[Any, ...]) -> list[dict[str, Any]]:
        with _connected(self._file) as database:
            database.row_factory = sqlite3.Row
            numbered = {str(number): value for number, value in enumerate(arguments, 1)}
            return [dict(row) for row in database.execute(query, numbered)]


class _connected:  # noqa: N801 - used as a function
    """A connection of sqlite3 that is committed, or rolled back, and closed."""

    def __init__(self, file: Path) -> None:
        self._database = sqlite3.connect(file, timeout=10)
        self._database.create_function("NOW", 0, lambda: datetime.now(UTC).isoformat())

    def __enter__(self) -> sqlite3.Connection:
        return self._database

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._database.commit()
        self._database.close()


_ready: set[str] = set()
"""The databases on servers whose tables are there."""


async def _prepare(database: Any, url: str) -> None:
    """Make and fill the tables of a database on a server, unless they are there."""
    if url in _ready:
        return
    async with database.transaction():
        await database.execute("SELECT pg_advisory_xact_lock(1042)")  # one program does it, where several start at once
        await database.execute(SCHEMA.format(number="BIGSERIAL PRIMARY KEY"))
        if await database.fetchval("SELECT COUNT(*) FROM orders") == 0:
            for table, row in ROWS:
                places = ", ".join(f"${number}" for number in range(1, len(row) + 1))
                await database.execute(f"INSERT INTO {table} VALUES ({places})", *row)  # noqa: S608 - ours
    _ready.add(url)


@asynccontextmanager
async def get_db_connection() -> AsyncIterator[Any]:
    """A connection to the shop's database."""
    url = os.environ.get("SHOP_DB", "")
    if not url.startswith(("postgresql://", "postgres://")):
        yield Connection(await asyncio.to_thread(path))
        return
    import asyncpg

    database = await asyncpg.connect(url)
    try:
        await _prepare(database, url)
        yield database
    finally:
        await database.close()

"""From an address to a store that is ready: connected, and its tables those of this version."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jurat.engine.errors import StoreError
from jurat.engine.store.memory import MemoryStore
from jurat.engine.store.protocol import Store

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection

    from jurat.engine.store.databases import Database

MEMORY = "memory"
MIGRATIONS = Path(__file__).parent / "migrations"
POSTGRESQL = ("postgresql", "postgres", "postgresql+asyncpg")
_UPGRADING = 5_871_203
"""The advisory lock under which PostgreSQL's tables are brought up to date, by one process at a time."""


async def open_store(address: str | Path) -> Store:
    """The store at an address: a file or ``sqlite:///file``, ``postgresql://user:password@host/database``, ``memory``.

    Raises:
        StoreError: it cannot be opened, is in use, or was written by a newer version.
    """
    if str(address) == MEMORY:
        return MemoryStore()
    try:
        database = _database(address)
    except ImportError as missing:
        raise StoreError(
            f"a store needs `{missing.name}`, which is not installed; `pip install 'jurat[server]'` brings SQLite's, "
            "`pip install 'jurat[postgresql]'` PostgreSQL's"
        ) from None
    try:
        await database.write(upgraded)
    except BaseException:
        await database.close()
        raise
    from jurat.engine.store.sql import SqlStore

    return SqlStore(database)


async def open_beside(address: str | Path) -> Store | None:
    """The store of a server that has it open, for variables alone: sessions are the server's. None where no server has.

    Raises:
        StoreError: it cannot be opened.
    """
    file = _file(address)
    if file is None or not file.exists():
        return None
    from jurat.engine.store.databases import SQLite, in_use
    from jurat.engine.store.sql import SqlStore

    return SqlStore(SQLite(file, alone=False)) if in_use(file) else None


def _file(address: str | Path) -> Path | None:
    """Where SQLite keeps a store; None of another kind."""
    if isinstance(address, Path) or "://" not in address:
        return Path(address).expanduser().absolute()
    url = _url(address)
    return Path(url.database).expanduser().absolute() if url.drivername == "sqlite" and url.database else None


def _database(address: str | Path) -> Database:
    from jurat.engine.store.databases import PostgreSQL, SQLite

    file = _file(address)
    if file is not None:
        return SQLite(file)
    assert isinstance(address, str)
    url = _url(address)
    if url.drivername in POSTGRESQL:
        import_module("asyncpg")  # now rather than in the middle of a connection
        return PostgreSQL(_for_asyncpg(url))
    raise StoreError(
        f"the store `{url.render_as_string(hide_password=True)}` is none that is known; a store is a file, "
        "`sqlite:///file`, `postgresql://user:password@host/database` or `memory`"
    )


def _url(address: str) -> URL:
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return make_url(address)
    except (ArgumentError, ValueError):
        raise StoreError(
            "the address of the store cannot be read; it begins like `postgresql://host/database`"
        ) from None


def _for_asyncpg(url: URL) -> URL:
    """The address as its driver has it, which calls the usual ``sslmode`` otherwise."""
    query: dict[str, Any] = dict(url.query)
    if "sslmode" in query:
        query["ssl"] = query.pop("sslmode")
    return url.set(drivername="postgresql+asyncpg", query=query)


def upgraded(connection: Connection) -> None:
    """Bring the tables up to date.

    Raises:
        StoreError: a newer version has written them.
    """
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError
    from sqlalchemy import text

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_UPGRADING})"))
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        if "Can't locate revision" not in str(error):
            raise
        raise StoreError("the store was written by a newer version of Jurat; install that one") from None

"""Where transactions run: SQLite in threads of this process, PostgreSQL through asyncpg.

Both take a transaction as a function of a connection, so that its statements are written once. SQLite has one thread that
writes, for it has one writer at a time anyway, and a few that read; one step to a thread and back a transaction is a third
of what a step for each statement takes.
"""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Protocol, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine

from jurat.engine.errors import StoreError

Result = TypeVar("Result")
Body = Callable[[Connection], Result]

READERS = 4
CONNECTIONS = 16
"""To PostgreSQL at most, besides the one that listens."""

CONNECT_SECONDS = 10
COMMAND_SECONDS = 30
BUSY_SECONDS = 5
CHECKPOINT_WRITES = 64
"""After so many transactions SQLite's log is taken into its file, beside the turns."""

LOG_PAGES = 10_000
"""Of SQLite's log at most (40 MB): where it is longer, whoever writes takes it into the file."""

LISTEN_AGAIN_SECONDS = 1

Heard = Callable[[str | None], None]
"""Told what another process said; None where something may have been missed."""


class StoreInUse(StoreError):
    """Another process has it."""


class Database(Protocol):
    """Runs transactions. A failure is a `StoreError`, and then nothing of the transaction is kept, unless it is lost
    whether the last word arrived, which only PostgreSQL's connection can leave open.
    """

    owner: str
    dialect: str
    """``sqlite`` or ``postgresql``."""

    shared: bool
    """Whether other processes may write to it."""

    async def read(self, body: Body[Result]) -> Result: ...

    async def write(self, body: Body[Result], *, durable: bool = False) -> Result: ...

    async def alive(self, owner: str) -> bool: ...

    async def listen(self, channel: str, heard: Heard) -> None:
        """Listen until cancelled; where no other process writes there is nothing to hear, and this returns."""

    async def close(self) -> None: ...


class SQLite:
    """One file. It belongs to one process at a time, held by a lock on a second file that ends with the process.

    ``alone=False`` is for another process beside that one, which leaves its sessions alone.
    """

    dialect = "sqlite"
    shared = False

    def __init__(self, path: Path, *, alone: bool = True) -> None:
        self.owner = uuid.uuid4().hex
        self._path = path
        self._lock = _locked(path) if alone else None
        self._engines = {level: _engine(path, level) for level in ("NORMAL", "FULL")}
        self._writer = ThreadPoolExecutor(1, "jurat-store-write")
        self._readers = ThreadPoolExecutor(READERS, "jurat-store-read")
        self._tidier = ThreadPoolExecutor(1, "jurat-store-log")
        self._writes = 0
        self._file: tuple[int, int] | None = None

    async def read(self, body: Body[Result]) -> Result:
        return await self._run(self._readers, self._engines["NORMAL"], body)

    async def write(self, body: Body[Result], *, durable: bool = False) -> Result:
        result = await self._run(self._writer, self._engines["FULL" if durable else "NORMAL"], body)
        self._writes += 1
        if not self._writes % CHECKPOINT_WRITES:
            with suppress(RuntimeError):  # closed meanwhile
                self._tidier.submit(_checkpoint, self._path)
        return result

    async def _run(self, threads: ThreadPoolExecutor, engine: Engine, body: Body[Result]) -> Result:
        try:
            running = asyncio.get_running_loop().run_in_executor(threads, self._done, engine, body)
        except RuntimeError as error:  # the threads have ended
            raise StoreError(f"the store `{self._path}` is closed") from error
        return await running

    def _done(self, engine: Engine, body: Body[Result]) -> Result:
        try:
            with engine.begin() as connection:
                result = body(connection)
                self._check_file()
                return result
        except (SQLAlchemyError, sqlite3.Error, OSError, UnicodeEncodeError) as error:
            raise StoreError(f"the store `{self._path}` cannot be used: {told(error)}") from error

    def _check_file(self) -> None:
        """What is written into a file that was removed is gone with the process, without any word of SQLite's.

        Raises:
            OSError: the file is not the one that was opened, so nothing of this transaction may be acknowledged.
        """
        found = self._path.stat()
        if self._file is None:
            self._file = found.st_dev, found.st_ino
        if self._file != (found.st_dev, found.st_ino):
            raise OSError("its file was replaced while the server ran; put it back, or start the server again")

    async def alive(self, owner: str) -> bool:
        return owner == self.owner

    async def listen(self, channel: str, heard: Heard) -> None:
        """Nobody else writes."""

    async def close(self) -> None:
        for threads in (self._writer, self._readers, self._tidier):
            await asyncio.to_thread(threads.shutdown)
        for engine in self._engines.values():
            engine.dispose()
        if self._lock is not None:
            self._lock.close()


def in_use(path: Path) -> bool:
    """Whether a process has the store open.

    Raises:
        StoreError: that cannot be found out.
    """
    try:
        _locked(path).close()
    except StoreInUse:
        return True
    return False


def _locked(path: Path) -> sqlite3.Connection:
    """A lock that the system takes back when the process ends, however it ends."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = sqlite3.connect(f"{path}.lock", timeout=0, isolation_level=None, check_same_thread=False)
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise StoreInUse(
                f"the store `{path}` is in use by another server; stop it, or choose another store"
            ) from None
        raise StoreError(f"the store `{path}` cannot be opened: {told(error)}") from None
    except OSError as error:
        raise StoreError(f"the store `{path}` cannot be opened: {told(error)}") from None
    return lock


def _engine(path: Path, synchronous: str) -> Engine:
    arguments = {"check_same_thread": False, "timeout": BUSY_SECONDS}
    engine = create_engine(f"sqlite:///{path}", connect_args=arguments, pool_size=READERS + 1, max_overflow=0)

    def prepare(connection: Any, _: Any) -> None:
        for pragma in ("journal_mode = WAL", f"synchronous = {synchronous}", f"wal_autocheckpoint = {LOG_PAGES}"):
            connection.execute(f"PRAGMA {pragma}")

    event.listen(engine, "connect", prepare)
    return engine


def _checkpoint(path: Path) -> None:
    """Take what is in the log into the file without keeping anybody waiting; what fails is tried again with the next."""
    with (
        suppress(sqlite3.Error),
        closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)) as connection,
    ):
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")


class PostgreSQL:
    """A database on a server, which several processes may share.

    Each connection of a process holds a shared advisory lock under the process's number, by which the others know that
    it still runs.
    """

    dialect = "postgresql"
    shared = True

    def __init__(self, url: URL) -> None:
        self.owner = uuid.uuid4().hex
        self._shown = url.render_as_string(hide_password=True)
        arguments = {"timeout": CONNECT_SECONDS, "command_timeout": COMMAND_SECONDS}
        self._engine = create_async_engine(
            url, pool_size=CONNECTIONS + 1, max_overflow=0, pool_pre_ping=True, connect_args=arguments
        )
        event.listen(self._engine.sync_engine, "connect", self._sign)
        self._turns = asyncio.Semaphore(CONNECTIONS)
        """Who waits for a connection waits here, in order and without a limit: a busy database is not one that is gone."""

    def _sign(self, connection: Any, _: Any) -> None:
        cursor = connection.cursor()
        cursor.execute(f"SELECT pg_advisory_lock_shared({_number(self.owner)})")
        cursor.close()
        connection.commit()

    async def read(self, body: Body[Result]) -> Result:
        return await self.write(body)

    async def write(self, body: Body[Result], *, durable: bool = False) -> Result:  # noqa: ARG002 - it always is
        try:
            async with self._turns, self._engine.begin() as connection:
                return await connection.run_sync(body)
        except (SQLAlchemyError, OSError, TimeoutError, UnicodeEncodeError) as error:
            raise StoreError(f"the store `{self._shown}` cannot be used: {told(error)}") from error

    async def alive(self, owner: str) -> bool:
        if owner == self.owner:
            return True
        query = text(f"SELECT pg_try_advisory_xact_lock({_number(owner)})")
        return not await self.read(lambda connection: connection.execute(query).scalar_one())

    async def listen(self, channel: str, heard: Heard) -> None:
        """On a connection of its own, and on a new one when it is lost."""
        while True:
            with suppress(SQLAlchemyError, OSError, TimeoutError):
                await self._listen(channel, heard)
            await asyncio.sleep(LISTEN_AGAIN_SECONDS)

    async def _listen(self, channel: str, heard: Heard) -> None:
        lost = asyncio.Event()
        async with self._engine.connect() as connection:
            try:
                driver: Any = (await connection.get_raw_connection()).driver_connection
                driver.add_termination_listener(lambda _: lost.set())
                await driver.add_listener(channel, lambda *said: heard(said[-1]))
                heard(None)
                await lost.wait()
            finally:
                await connection.invalidate()  # it listens, so it is nobody else's

    async def close(self) -> None:
        await self._engine.dispose()


def _number(owner: str) -> int:
    return int(hashlib.sha256(owner.encode()).hexdigest()[:15], 16)


def told(error: BaseException) -> str:
    """What went wrong, in the database's words, on one line."""
    cause: BaseException = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    if isinstance(cause, TimeoutError):
        return "it does not answer"
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror.lower()
    text_ = str(cause).rpartition(">: ")[2]
    return " ".join(text_.split()) or "no reason given"

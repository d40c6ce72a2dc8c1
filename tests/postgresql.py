"""A real PostgreSQL for tests, from scripts/postgresql.py; without one, its tests are skipped and say why."""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "scripts/postgresql.py"
ABSENT = 3


class Postgresql:
    """A server that can be stopped and started again."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self._process = process
        self._url = url

    def database(self) -> str:
        """The address of a new, empty database."""
        import asyncio

        import asyncpg

        name = f"d{uuid.uuid4().hex}"

        async def create() -> None:
            connection = await asyncpg.connect(self._url)
            await connection.execute(f"CREATE DATABASE {name}")
            await connection.close()

        asyncio.run(create())
        return self._url.rpartition("/")[0] + f"/{name}"

    def tell(self, command: str) -> None:
        """`stop` or `start`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{command}\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "done\n"


@contextmanager
def postgresql() -> Iterator[Postgresql]:
    """One server."""
    command = [sys.executable, str(SCRIPT), "serve"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        if not url and process.wait() == ABSENT:
            pytest.skip("there is no PostgreSQL here; `python scripts/postgresql.py install` brings it")
        assert url, "PostgreSQL did not start"
        yield Postgresql(process, url)
        assert process.stdin is not None
        process.stdin.close()
        process.wait(30)

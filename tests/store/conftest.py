"""The stores: in memory, in a file, and on a server. Each test of the suite runs on all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.postgresql import Postgresql, postgresql

from jurat.engine.store import Person, Store, open_store


@pytest.fixture(scope="session")
def server() -> Iterator[Postgresql]:
    with postgresql() as found:
        yield found


@dataclass
class Place:
    """Where a store is. ``with_store`` opens it, runs a function on it, and closes it: a process, as it were."""

    address: str

    @property
    def lasting(self) -> bool:
        return self.address != "memory"

    def with_store(self, work: Callable[[Store], Awaitable[Any]]) -> Any:
        async def run() -> Any:
            store = await open_store(self.address)
            try:
                return await work(store)
            finally:
                await store.close()

        return asyncio.run(run())


KINDS = ("sqlite", "postgresql")


@pytest.fixture(params=("memory", *KINDS))
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Every store."""
    return _place(request.param, request, tmp_path)


@pytest.fixture(params=KINDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """The stores that outlive a process."""
    return _place(request.param, request, tmp_path)


def _place(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if kind == "postgresql":
        return Place(request.getfixturevalue("server").database())
    return Place(str(tmp_path / "store.db") if kind == "sqlite" else "memory")


async def keep(store: Store, person: Person) -> Person:
    """Keep a customer, in the place of whoever has this id."""
    return await store.change_customer(person.id, lambda _: person)

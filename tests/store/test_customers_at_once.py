"""Two servers on one store that change one customer at the same time: what each of them says is kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from httpx2 import ASGITransport, AsyncClient
from tests.server.served import HELD, KEY, agent
from tests.store.conftest import Place

from jurat.engine.store import Person, Store, open_store
from jurat.engine.store.opening import open_beside
from jurat.server.app import create_app
from jurat.server.sdk.customers import Customer, Customers
from jurat.server.sdk.errors import SDKError
from jurat.server.settings import Settings

TIMES = 40
SETTINGS = Settings(master=KEY, rate=None)


@asynccontextmanager
async def two(place: Place) -> AsyncIterator[list[Store]]:
    """Two stores on one database, as two processes have them."""
    one = await open_store(place.address)
    other = await (open_store(place.address) if "://" in place.address else open_beside(place.address))
    assert other is not None
    try:
        yield [one, other]
    finally:
        await other.close()
        await one.close()


def customers(store: Store) -> Customers:
    """The customers of a program over a store."""

    async def found() -> Store:
        return store

    return Customers(found, list)


def client(store: Store, home: Path) -> AsyncClient:
    """A client of a server over a store."""
    app = create_app(agent(store), home=home, settings=SETTINGS)
    return AsyncClient(transport=ASGITransport(app), base_url="http://localhost", headers=HELD)


async def changed_until_gone(customer: Customer) -> None:
    """Change a customer until there is none any more, which a change says."""

    async def again_and_again() -> None:
        while True:
            await customer.update(metadata={"a": 1})
            await asyncio.sleep(0.002)  # whoever waits for the one lock of SQLite does not wait in a queue

    with pytest.raises(SDKError, match="there is no customer"):
        await asyncio.wait_for(again_and_again(), 30)


async def in_order(change: Callable[[int], Awaitable[Any]]) -> None:
    """One change after the other, as often as it takes for two servers to meet."""
    for number in range(TIMES):
        await change(number)


def test_programs_on_two_servers_change_one_customer_and_nothing_is_lost(database: Place) -> None:
    async def run() -> Person | None:
        async with two(database) as stores:
            created = await customers(stores[0]).create("Mina", {}, "mina", ["vip"])
            known = await customers(stores[1]).get("mina")
            assert known is not None
            mina = (created, known)

            def changing(which: int, field: str) -> Callable[[int], Awaitable[Customer]]:
                return lambda number: mina[which].update(metadata={f"{field}{number}": number})

            await asyncio.gather(*(in_order(changing(n % 2, field)) for n, field in enumerate("abcd")))
            return await stores[1].customer("mina")

    found = asyncio.run(run())
    assert found is not None
    assert dict(found.metadata) == {f"{field}{number}": number for field in "abcd" for number in range(TIMES)}
    assert (found.name, found.tags) == ("Mina", ("vip",))


def test_clients_of_two_servers_change_one_customer_and_nothing_is_lost(database: Place, tmp_path: Path) -> None:
    async def run() -> dict[str, Any]:
        async with two(database) as stores, AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(client(each, tmp_path)) for each in stores]
            made = await clients[0].post("/customers", json={"name": "Mina", "id": "mina", "metadata": {"gone": 1}})
            assert made.status_code == 201, made.text

            async def changed(which: int, body: dict[str, Any]) -> None:
                answer = await clients[which].patch("/customers/mina", json=body)
                assert answer.status_code == 200, answer.text

            await asyncio.gather(
                in_order(lambda n: changed(0, {"metadata": {"set": {f"a{n}": n}}})),
                in_order(lambda n: changed(1, {"metadata": {"set": {f"b{n}": n}, "unset": ["gone"]}})),
                in_order(lambda n: changed(n % 2, {"name": f"Mina {n}"})),
            )
            found: dict[str, Any] = (await clients[1].get("/customers/mina")).json()
            return found

    found = asyncio.run(run())
    assert found["metadata"] == {f"{field}{number}": number for field in "ab" for number in range(TIMES)}
    assert found["name"] == f"Mina {TIMES - 1}"


def test_of_servers_that_make_one_customer_at_the_same_time_one_is_told_that_it_is_taken(
    database: Place, tmp_path: Path
) -> None:
    async def run() -> list[list[int]]:
        async with two(database) as stores, AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(client(each, tmp_path)) for each in stores]

            async def making(id_: str) -> list[int]:
                answers = [each.post("/customers", json={"name": "Mina", "id": id_}) for each in clients]
                return sorted(each.status_code for each in await asyncio.gather(*answers))

            return [await making(f"mina-{number}") for number in range(TIMES)]

    assert asyncio.run(run()) == [[201, 422]] * TIMES


def test_a_customer_who_is_removed_while_others_change_them_stays_removed(database: Place) -> None:
    async def run() -> list[Person | None]:
        left = []
        async with two(database) as stores:
            one, other = map(customers, stores)
            for number in range(TIMES):
                mina = await one.create("Mina", {}, f"mina-{number}", ())

                await asyncio.gather(changed_until_gone(mina), other.remove(mina.id))
                left.append(await stores[0].customer(mina.id))
        return left

    assert asyncio.run(run()) == [None] * TIMES

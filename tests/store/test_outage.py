"""A full disk, and a database that is gone and comes back: one clear error, and nothing acknowledged is lost."""

from __future__ import annotations

import asyncio
import resource
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.postgresql import Postgresql
from tests.store.conftest import Place, keep
from tests.store.serving import Till, say, texts

from jurat.engine import Engine, Session, Toolbox
from jurat.engine.errors import StoreError
from jurat.engine.store import open_store
from jurat.llm.scripted import ScriptedJudge, ScriptedVoice
from jurat.policies import load

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(sys.platform != "linux", reason="limits of files are Linux's"),
]
POLICY = """
jurat: 1
observations: {pays: The customer pays}
tools: {pay: {python: "tools:pay", consequential: true}}
guidelines: {payment: {when: pays, tools: [pay]}}
"""


@contextmanager
def no_room(process: int = 0) -> Iterator[None]:
    """No file of the process grows beyond a byte, as on a disk that is full."""
    before = resource.prlimit(process, resource.RLIMIT_FSIZE)
    resource.prlimit(process, resource.RLIMIT_FSIZE, (1, before[1]))
    try:
        yield
    finally:
        resource.prlimit(process, resource.RLIMIT_FSIZE, before)


@contextmanager
def stopped(server: Postgresql) -> Iterator[None]:
    server.tell("stop")
    try:
        yield
    finally:
        server.tell("start")


Outage = Callable[[], Any]


@pytest.fixture
def outage(request: pytest.FixtureRequest, database: Place) -> Outage:
    """Makes the store unusable while a block runs."""
    if "postgresql" in database.address:
        return lambda: stopped(request.getfixturevalue("server"))
    return no_room


class World:
    """An engine over a store, and what its tool did; ``in_call`` runs while it does."""

    def __init__(self, engine: Engine, session: Session) -> None:
        self.engine, self.session = engine, session
        self.paid = 0
        self.in_call: Callable[[], None] = lambda: None

    async def pay(self) -> str:
        self.paid += 1
        self.in_call()
        return "paid"

    def said(self) -> list[str]:
        return [each.text for each in self.session.conversation]

    async def stored(self) -> list[str]:
        found = await self.engine.store.load(self.session.id)
        assert found is not None
        return [each.text for each in found.conversation]


@asynccontextmanager
async def world(address: str) -> AsyncIterator[World]:
    graph, store = load(POLICY), await open_store(address)
    tools: dict[str, Any] = {}
    judge = ScriptedJudge({"pays": ["pay"]}, default=False)
    voice = ScriptedVoice(lambda request: f"heard {len(request.conversation)}")
    made: list[World] = []

    async def pay() -> str:
        return await made[0].pay()

    tools["pay"] = pay
    engine = Engine(graph, judge, voice, Toolbox(graph, tools), unproved=True, store=store)
    made.append(World(engine, engine.start_session()))
    await engine.save(made[0].session)
    try:
        yield made[0]
    finally:
        await store.close()


def test_a_message_that_cannot_be_stored_is_not_taken(database: Place, outage: Outage) -> None:
    async def run() -> None:
        async with world(database.address) as now:
            await now.engine.turn(now.session, "hello")
            before = now.said()
            with outage(), pytest.raises(StoreError, match="cannot be used"):
                await now.engine.turn(now.session, "lost")
            assert now.said() == before
            await now.engine.turn(now.session, "again")
            assert now.said() == [*before, "again", "heard 3"]
            assert await now.stored() == now.said()

    asyncio.run(run())


def test_what_an_application_or_a_human_says_is_taken_only_if_it_is_stored(database: Place, outage: Outage) -> None:
    async def run() -> None:
        async with world(database.address) as now:
            with outage(), pytest.raises(StoreError):
                await now.engine.record_human(now.session, "lost")
            await now.engine.record_human(now.session, "kept")
            assert now.said() == await now.stored() == ["kept"]

    asyncio.run(run())


def test_a_call_whose_outcome_cannot_be_stored_is_not_made_again(database: Place, outage: Outage) -> None:
    async def run() -> None:
        async with world(database.address) as now:
            broken = outage()
            now.in_call = broken.__enter__
            with pytest.raises(StoreError):
                await now.engine.turn(now.session, "I pay")
            broken.__exit__(None, None, None)
            now.in_call = lambda: None
            assert (now.paid, now.said()) == (1, ["I pay", "pay: paid"]), "the reply was not sent"
            turn = await now.engine.turn(now.session, "well?")
            assert [(each.status, each.message) for each in turn.calls] == [("succeeded", "paid")]
            assert now.paid == 1
            assert await now.stored() == now.said()
            [call] = await now.engine.store.calls()
            assert call.status == "succeeded"

    asyncio.run(run())


def test_over_http_it_is_said_and_the_conversation_goes_on(tmp_path: Path, database: Place, server: Postgresql) -> None:
    till = Till(tmp_path, database.address)
    with till.serving() as (client, process):
        session = str(client.post("/sessions", json={}).json()["id"])
        _, first = say(client, session, "hello")
        broken = stopped(server) if "postgresql" in database.address else no_room(process.pid)
        with broken:
            name, error = say(client, session, "lost") if "postgresql" not in database.address else ("error", None)
            answer = client.post("/sessions", json={})
            assert answer.status_code == 503
            assert answer.json()["error"]["code"] == "store"
            assert name == "error"
            assert error is None or error["error"]["code"] == "store"
        _, turn = say(client, session, "again")
        assert turn["reply"]
        assert texts(client, session) == ["customer: hello", f"agent: {first['reply']}", "customer: again", f"agent: {turn['reply']}"]  # fmt: skip


def test_a_file_is_of_one_server_at_a_time(tmp_path: Path) -> None:
    async def run() -> None:
        first = await open_store(tmp_path / "store.db")
        with pytest.raises(StoreError, match="in use by another server"):
            await open_store(str(tmp_path / "store.db"))
        await first.close()
        await (await open_store(f"sqlite:///{tmp_path}/store.db")).close()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("mysql://localhost/x", "a store is a file"),
        ("sqlite://", "a store is a file"),
        ("postgresql://jurat:secret@127.0.0.1:1/x", "cannot be used: connect call failed"),
        ("postgresql://localhost:port/x", "cannot be read"),
    ],
)
def test_an_address_that_leads_nowhere_is_one_clear_error(address: str, said: str) -> None:
    with pytest.raises(StoreError, match="(?i)" + said) as failure:
        asyncio.run(open_store(address))
    assert "secret" not in str(failure.value)


def test_a_store_of_a_newer_version_is_not_touched(database: Place) -> None:
    from sqlalchemy import create_engine, text

    database.with_store(lambda store: asyncio.sleep(0))
    if "postgresql" in database.address:
        pytest.skip("one way to change the table is enough")
    with create_engine(f"sqlite:///{database.address}").begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="newer version"):
        database.with_store(lambda store: asyncio.sleep(0))


def test_the_migrations_make_the_tables_that_the_code_uses(database: Place) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from jurat.engine.store.sql import SqlStore
    from jurat.engine.store.tables import METADATA

    async def compare(store: Any) -> Any:
        assert isinstance(store, SqlStore)
        return await store._database.read(
            lambda connection: compare_metadata(MigrationContext.configure(connection), METADATA)
        )

    assert database.with_store(compare) == []


def _running(statement: str) -> Callable[[Any], Any]:
    from sqlalchemy import text

    return lambda connection: connection.execute(text(statement))


def test_a_store_of_an_older_version_is_brought_up_to_date_with_what_it_holds(database: Place) -> None:
    from jurat.engine.store import Person
    from jurat.engine.store.sql import SqlStore

    async def as_it_was(store: Any) -> None:
        assert isinstance(store, SqlStore)
        await store.set_variable("customer:mina", "plan", "gold")
        for statement in (
            "DROP TABLE customers",
            "DROP TABLE records",
            "DROP TABLE feed",
            "ALTER TABLE calls DROP COLUMN replies",
            "ALTER TABLE calls DROP COLUMN fields",
            "INSERT INTO calls VALUES ('k', 's', 1, 'pay', '{}', '[]', 'unknown', 1.5, 'o', NULL, '\"\"', '{}', '\"\"')",
            "ALTER TABLE versions DROP COLUMN author",
            "ALTER TABLE activations DROP COLUMN author",
            "INSERT INTO versions VALUES (1, 'd', '{}', '{}', 'http', 1.5, '\"why\"')",
            "INSERT INTO activations (version, at, comment) VALUES (1, 2.5, '\"\"')",
            "UPDATE alembic_version SET version_num = '0001'",
        ):
            await store._database.write(_running(statement))

    async def now(store: Any) -> None:
        assert (await store.variables("customer:mina"))["plan"].value == "gold"
        await keep(store, Person("mina", "Mina"))
        assert (await store.customer("mina")).name == "Mina"
        [call] = await store.calls("unknown")
        assert (call.key, call.replies, call.fields) == ("k", (), {})
        [version] = await store.versions()
        [effect] = await store.activations()
        assert (version.comment, version.author, effect.author) == ("why", None, None), "nobody knows any more"

    database.with_store(as_it_was)
    database.with_store(now)


def test_a_turn_that_outlives_its_store_hears_that_it_is_closed(tmp_path: Path) -> None:
    async def work() -> None:
        store = await open_store(str(tmp_path / "store.db"))
        await store.close()
        with pytest.raises(StoreError, match="is closed"):
            await store.load("s")

    asyncio.run(work())

"""What every store does, in memory, in SQLite and in PostgreSQL."""

from __future__ import annotations

import asyncio
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.store.conftest import Place, keep

from jurat.engine.errors import SessionMoved, StoreError
from jurat.engine.session import Call, Moment, Session, State
from jurat.engine.store import Activation, Person, Store, Variable, Version
from jurat.engine.store.codec import text_of, value_of
from jurat.llm import Message

FACTS = {
    "bool": True, "int": 10**30, "decimal": Decimal("1.50"), "text": "a\0b\ud800 \u00e9 '\"; --",
    "time": datetime(2026, 1, 31, 12, tzinfo=UTC), "duration": timedelta(microseconds=-1), "list": ("a", "b"),
}  # fmt: skip


def session(id_: str = "s", **state: Any) -> Session:
    return Session(id_, State("agent", MappingProxyType(dict(FACTS)), **state), {"id": 7, "tags": ["vip"]})


def grown(state: State, text: str) -> State:
    """The state one turn later."""
    later = state.copy()
    later.turns += 1
    later.messages = (*later.messages, Message("customer", text))
    later.happen(float(later.turns), "message.received")
    return later


def call(key: str, **more: Any) -> Call:
    return replace(Call(key, "s", 1, "pay", {"amount": 5}, ("g",), "begun", 1.5, "somebody"), **more)


def test_a_session_comes_back_as_it_was(place: Place) -> None:
    async def work(store: Store) -> None:
        first = session(
            journeys={"loan": "amount"}, mode="manual", ended=True, completed=3, policy="d",
            fields={"due": {"days": [1, 2.5, None]}}, done=frozenset({"welcome"}), unsaid=frozenset({"loan"}), labels=frozenset({"lead"}),
            taken=frozenset({("welcome", "greet")}),
            sources={"decimal": "tools"},
        )  # fmt: skip
        state = grown(grown(first.state, "one\0\ud800"), "two")
        empty = State("")
        assert not [each.name for each in fields(State) if getattr(state, each.name) == getattr(empty, each.name)]
        await store.save(first, state)
        first.state = state
        found = await store.load("s")
        assert found is not None
        assert found.state == state
        assert found.customer == first.customer
        assert found.created == first.created
        assert isinstance(found.state.facts["decimal"], Decimal)

    place.with_store(work)


def test_what_is_not_there_is_none(place: Place) -> None:
    async def work(store: Store) -> None:
        for name in ("none", "a\0", "\ud800", "'; DROP TABLE sessions; --"):
            assert await store.load(name) is None
            assert await store.traces(name) == []
            assert await store.trace(name, 1) is None
            assert await store.call(name) is None
        assert await store.trace("s", 10**12) is None
        assert await store.version(1) is None
        assert await store.version(10**12) is None
        assert await store.sessions(10) == []

    place.with_store(work)


def test_only_what_is_new_is_added_and_what_was_changed_is_changed(place: Place) -> None:
    async def work(store: Store) -> None:
        kept = session()
        for text in ("one", "two", "three"):
            kept.state = grown(kept.state, text)
            await store.save(kept, kept.state)
        kept.state = kept.state.copy()
        kept.state.messages = (kept.state.messages[0], Message("agent", "TWO"), kept.state.messages[2])
        await store.save(kept, kept.state)
        kept.state.messages = kept.state.messages[:1]
        await store.save(kept, kept.state)
        found = await store.load("s")
        assert found is not None
        assert found.state == kept.state
        assert len(found.state.moments) == 3

    place.with_store(work)


def test_sessions_are_listed_newest_first_page_by_page(place: Place) -> None:
    async def work(store: Store) -> None:
        for name in "abc":
            await store.save(kept := session(name), grown(kept.state, "hello"))
            await asyncio.sleep(0.002)
        first = await store.sessions(2)
        assert [each.id for each in first] == ["c", "b"]
        rest = await store.sessions(2, before=first[-1].updated)
        assert [(each.id, each.turns, each.mode, each.ended) for each in rest] == [("a", 1, "auto", False)]

    place.with_store(work)


def test_sessions_are_found_by_their_id_and_by_what_is_known_of_the_customer(place: Place) -> None:
    customers = {
        "s-1": {"id": "c-7", "name": 'Mira "100%" Lindqvist'},
        "s-2": {"id": "c_8"},
        "s-3": {"name": "Zo\u00eb"},
        "other": {},
    }

    async def work(store: Store) -> None:
        for name, customer in customers.items():
            kept = session(name)
            kept.customer = customer
            await store.save(kept, kept.state)
            await asyncio.sleep(0.002)
        for text, found in (
            ("", ["other", "s-3", "s-2", "s-1"]), ("S-", ["s-3", "s-2", "s-1"]), ("lindqvist", ["s-1"]), ('"100%" L', ["s-1"]),
            ("zo\u00eb", ["s-3"]), ("c_", ["s-2"]), ("%", ["s-1"]), ("\\", []), ("\0", []), ("'; --", []), ("\ud800", []),
        ):  # fmt: skip
            assert [each.id for each in await store.sessions(10, matching=text)] == found, text
        [last, _] = await store.sessions(2, matching="s-")
        assert [each.id for each in await store.sessions(1, before=last.updated, matching="s-")] == ["s-2"]
        assert (await store.sessions(9, matching="s-1"))[0].customer == customers["s-1"]

    place.with_store(work)


def test_traces_are_kept_by_turn(place: Place) -> None:
    async def work(store: Store) -> None:
        kept = session()
        for turn in (2, 1, 2):
            await store.save(kept, kept.state, {"turn": turn, "reply": f"\0{turn}"})
        assert await store.traces("s") == [1, 2]
        assert await store.trace("s", 2) == {"turn": 2, "reply": "\x002"}

    place.with_store(work)


def test_calls_are_kept_with_their_session_and_found_by_status(place: Place) -> None:
    async def work(store: Store) -> None:
        kept = session()
        kept.calls = {"a": call("a"), "b": call("b", at=2.5)}
        await store.save(kept, kept.state, durable=True)
        kept.calls["a"] = call("a", status="succeeded", ended=3.5, message="paid\0", data={"n": Decimal(1)})
        await store.save(kept, kept.state, durable=True)
        assert [each.key for each in await store.calls()] == ["b", "a"]
        assert [each.key for each in await store.calls("begun")] == ["b"]
        assert await store.calls("begun", "other") == []
        assert await store.call("a") == kept.calls["a"]

    place.with_store(work)


def test_customers_are_kept_with_their_tags(place: Place) -> None:
    async def work(store: Store) -> None:
        assert await store.customer("mina") is None
        await keep(store, Person("mina", "Mina", {"limit": Decimal("1.50"), "since": FACTS["time"]}, ("vip",)))
        await keep(store, Person("Zoe", "Zoe"))
        await keep(store, Person("\u00e9", "Mina", {"nested": {"list": [1, "a\0"]}}))
        await keep(store, Person("Zoe", "Zo\u00e9", {}, ("vip", "new")))
        mina = await store.customer("mina")
        assert mina is not None
        assert (mina.name, mina.metadata, mina.tags) == (
            "Mina",
            {"limit": Decimal("1.50"), "since": FACTS["time"]},
            ("vip",),
        )
        assert isinstance(mina.metadata["limit"], Decimal)
        assert mina.at > 0
        assert [each.id for each in await store.customers(10)] == ["Zoe", "mina", "\u00e9"]
        assert [each.id for each in await store.customers(1, "Zoe")] == ["mina"]
        assert [each.id for each in await store.customers(10, name="Mina")] == ["mina", "\u00e9"]
        assert (await store.customers(1))[0].tags == ("vip", "new")
        await store.set_variable("customer:mina", "plan", "gold")
        await store.remove_customer("mina")
        await store.remove_customer("nobody\0")
        assert await store.customer("mina") is None
        assert await store.variables("customer:mina") == {}

    place.with_store(work)


def test_a_customer_is_changed_from_what_they_were_and_not_at_all_by_a_change_that_fails(place: Place) -> None:
    def renamed(before: Person | None) -> Person:
        assert before is not None, "there is no customer"
        return replace(before, name=f"{before.name} Kim", metadata={**before.metadata, "seen": True})

    async def work(store: Store) -> None:
        with pytest.raises(AssertionError, match="there is no customer"):
            await store.change_customer("mina", renamed)
        assert await store.customer("mina") is None
        await keep(store, Person("mina", "Mina", {"limit": Decimal(2)}, ("vip",)))
        changed = await store.change_customer("mina", renamed)
        assert replace(changed, at=0) == Person("mina", "Mina Kim", {"limit": Decimal(2), "seen": True}, ("vip",))
        assert await store.customer("mina") == changed

    place.with_store(work)


def test_customers_survive_their_process(database: Place) -> None:
    async def write(store: Store) -> None:
        await keep(store, Person("mina", "Mina", {"role": "manager"}, ("vip",)))
        for wrong in (Person("a\0", "A"), Person("a", "\ud800"), Person("a", "A", {"x": object()})):
            with pytest.raises(StoreError):
                await keep(store, wrong)

    async def read(store: Store) -> None:
        [found] = await store.customers(10)
        assert replace(found, at=0) == Person("mina", "Mina", {"role": "manager"}, ("vip",))

    database.with_store(write)
    database.with_store(read)


def test_variables_are_kept_by_scope(place: Place) -> None:
    async def work(store: Store) -> None:
        await store.set_variable("customer:7", "tier", "gold")
        await store.set_variable("customer:7", "tier", {"level": Decimal(2)})
        await store.set_variable("global", "open", True)
        await store.set_variable("global", "open", None)
        found = await store.variables("customer:7")
        assert {name: each.value for name, each in found.items()} == {"tier": {"level": Decimal(2)}}
        assert isinstance(found["tier"], Variable)
        assert await store.variables("global") == {}

    place.with_store(work)


def test_versions_are_numbered_and_what_took_effect_is_kept(place: Place) -> None:
    async def work(store: Store) -> None:
        given = Version("d1", {"policy.yaml": "jurat: 1"}, {"passed": True}, "http", 1.5, "why\0", "Ana\0")
        first = await store.add_version(given)
        second = await store.add_version(replace(given, digest="d2"))
        assert (first.number, second.number) == (1, 2)
        assert await store.version(1) == replace(given, number=1)
        assert [each.number for each in await store.versions()] == [2, 1]
        assert (await store.versions())[0].files == {}
        await store.activate(Activation(2, 2.5))
        await store.activate(Activation(1, 3.5, "back", "Bo"))
        assert await store.activations() == [Activation(1, 3.5, "back", "Bo"), Activation(2, 2.5)]

    place.with_store(work)


def test_saves_of_one_session_at_the_same_time_all_arrive(place: Place) -> None:
    async def work(store: Store) -> None:
        kept = session()
        await store.save(kept, kept.state)
        states = [kept.state]
        for number in range(20):
            states.append(grown(states[-1], str(number)))
        await asyncio.gather(*(store.save(kept, state) for state in states[1:]))
        kept.state = states[-1]
        found = await store.load("s")
        assert found is not None
        assert [each.text for each in found.state.messages] == [str(number) for number in range(20)]

    place.with_store(work)


def test_everything_is_there_after_it_was_closed_and_opened(database: Place) -> None:
    kept = session()
    kept.calls = {"a": call("a"), "b": call("b", status="unknown"), "c": call("c", status="failed")}
    state = grown(kept.state, "hello")

    async def write(store: Store) -> None:
        await store.save(kept, state, {"turn": 1})
        await store.set_variable("global", "x", 1)
        await store.activate(Activation((await store.add_version(Version("d", {}, {}, "file", 1.0))).number, 1.0))

    async def read(store: Store) -> None:
        found = await store.load("s")
        assert found is not None
        assert found.state == state
        assert set(found.calls) == {"a", "b", "c"}, "the turn was not completed"
        assert await store.traces("s") == [1]
        assert (await store.variables("global"))["x"].value == 1
        assert [each.version for each in await store.activations()] == [1]
        assert await store.interrupted() == ["s"]
        assert not await store.alive("0123456789abcdef0123456789abcdef")
        assert await store.alive(store.owner)
        found.state = replace(state, completed=1)
        await store.save(found, found.state)

    async def read_again(store: Store) -> None:
        found = await store.load("s")
        assert found is not None
        assert set(found.calls) == {"a", "b"}, "the turn was completed, and what it came to was told"

    for work in (write, read, read_again):
        database.with_store(work)


def test_a_session_that_was_continued_elsewhere_is_not_overwritten(database: Place) -> None:
    async def work(store: Store) -> None:
        mine = session()
        await store.save(mine, mine.state)
        other = await store.load("s")
        assert other is not None
        await store.save(other, grown(other.state, "theirs"))
        for _ in range(2):
            with pytest.raises(SessionMoved, match="continued elsewhere"):
                await store.save(mine, grown(mine.state, "mine"))
        found = await store.load("s")
        assert found is not None
        assert [each.text for each in found.state.messages] == ["theirs"]
        with pytest.raises(StoreError, match="a session `s` already"):
            await store.save(session(), session().state)

    database.with_store(work)


def test_what_cannot_be_stored_is_refused_and_nothing_of_it_is_kept(database: Place) -> None:
    async def work(store: Store) -> None:
        kept = session()
        await store.save(kept, kept.state)
        with pytest.raises(StoreError, match="cannot be stored"):
            await store.save(kept, replace(kept.state, facts={"x": object()}))
        await store.save(kept, grown(kept.state, "on it goes"))
        with pytest.raises(StoreError, match="characters"):
            await store.save(bad := session("a\0"), bad.state)

    database.with_store(work)


def test_a_writer_that_is_given_up_leaves_a_session_that_goes_on(database: Place) -> None:
    async def work(store: Store) -> None:
        kept = session()
        for number in range(10):
            kept.state = grown(kept.state, str(number))
            task = asyncio.create_task(store.save(kept, kept.state))
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await store.save(kept, kept.state)
        found = await store.load("s")
        assert found is not None
        assert found.state == kept.state

    database.with_store(work)


scalars = st.none() | st.booleans() | st.integers() | st.text() | st.decimals(allow_nan=False) | st.timedeltas()
scalars |= st.datetimes(timezones=st.just(UTC)) | st.dates() | st.floats(allow_nan=False)
scalars |= st.builds(Message, st.sampled_from(["customer", "agent"]), st.text())
scalars |= st.builds(Moment, st.frozensets(st.text()), st.integers(), st.floats(allow_nan=False))
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(st.text() | st.just("$list"), inner)
        | st.frozensets(st.text()) | st.sets(st.integers()) | st.dictionaries(st.integers(), inner)
    ),
    max_leaves=8,
)  # fmt: skip


@given(values)
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_a_value_comes_back_equal_and_of_its_type(value: Any) -> None:
    text = text_of(value)
    assert text.isascii()
    found = value_of(text)
    assert found == value
    assert type(found) is type(value)

"""Feeds, small records and the heads of sessions, in every store."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest
from tests.store.conftest import Place

from jurat.engine import Toolbox
from jurat.engine.forgetting import turns_about
from jurat.engine.session import Call, Session, State
from jurat.engine.store import FeedEvent, Store
from jurat.engine.store.records import Change
from jurat.llm import Message
from jurat.policies import load
from jurat.server.opening import open_with_script
from jurat.server.scripts import Script
from jurat.solver import check


def event(id_: str, **more: Any) -> FeedEvent:
    return replace(FeedEvent(id_, "message", "customer", "t", 1.5, {"message": "a\0\ud800"}, {}), **more)


def session(id_: str, customer: dict[str, Any], agent: str = "agent", created: float = 1.0) -> Session:
    return Session(id_, State(agent, MappingProxyType({})), customer, created=created)


def test_events_get_the_next_offsets_and_come_back_as_they_were(place: Place) -> None:
    async def work(store: Store) -> None:
        assert await store.feed("s") == []
        first = await store.add_to_feed("s", [event("a"), event("b", metadata={"x": [1, None]}, ordinal=3)])
        assert [each.offset for each in first] == [0, 1]
        (second,) = await store.add_to_feed("s", [event("c")])
        (other,) = await store.add_to_feed("t", [event("d")])
        assert (second.offset, other.offset) == (2, 0)
        assert await store.feed("s") == [*first, second]
        assert await store.feed("s", 2) == [second]
        assert await store.feed("s", 10**12) == []
        changed = replace(second, metadata={"seen": True}, ordinal=4)
        await store.amend_feed("s", changed)
        assert (await store.feed("s", 2)) == [changed]

    place.with_store(work)


def test_offsets_are_never_given_twice(place: Place) -> None:
    async def work(store: Store) -> None:
        await store.add_to_feed("s", [event("a"), event("b"), event("c")])
        await store.cut_feed("s", 1)
        assert [each.id for each in await store.feed("s")] == ["a"]
        (after,) = await store.add_to_feed("s", [event("d")])
        assert after.offset == 3
        await store.cut_feed("s", 0)
        await store.cut_feed("s", 0)
        (last,) = await store.add_to_feed("s", [event("e")])
        assert last.offset == 4

    place.with_store(work)


def test_many_writers_of_one_feed_do_not_meet(place: Place) -> None:
    async def work(store: Store) -> None:
        placed = await asyncio.gather(*(store.add_to_feed("s", [event(f"{n}-0"), event(f"{n}-1")]) for n in range(20)))
        assert sorted(each.offset for pair in placed for each in pair) == list(range(40))
        assert all(two.offset == one.offset + 1 for one, two in placed), "what is added together stands together"

    place.with_store(work)


def test_changes_of_a_record_at_the_same_time_are_all_kept(place: Place) -> None:
    async def work(store: Store) -> None:
        def adding(name: str) -> Change:
            return lambda body: {**body, "labels": [*body.get("labels", ()), name]}

        made = await asyncio.gather(*(store.change_record("session", "s", adding(name)) for name in "abcdefgh"))
        found = await store.record("session", "s")
        assert found is not None
        assert sorted(found.body["labels"]) == list("abcdefgh")
        assert {each.at for each in made} == {found.at}

    place.with_store(work)


def test_records_are_kept_changed_and_dropped(place: Place) -> None:
    async def work(store: Store) -> None:
        assert await store.record("term", "a") is None
        first = await store.keep_record("term", "a", {"name": "A\0", "tags": []})
        await store.keep_record("term", "b", {"name": "B"})
        await store.keep_record("tag", "a", {"name": "other"})
        again = await store.keep_record("term", "a", {"name": "A"})
        assert again.at == first.at, "since when it is kept does not change"
        assert {id_: each.body for id_, each in (await store.records("term")).items()} == {
            "a": {"name": "A"},
            "b": {"name": "B"},
        }
        assert list(await store.records("term", ["b", "none", "\0"])) == ["b"]
        assert await store.drop_record("term", "a")
        assert not await store.drop_record("term", "a")
        assert list(await store.records("term")) == ["b"]

    place.with_store(work)


def test_heads_say_whose_sessions_are_and_what_is_forgotten_is_gone(place: Place) -> None:
    async def work(store: Store) -> None:
        one, two = session("one", {"id": "ana"}, created=2.0), session("two", {}, "sales")
        call = Call("k", "one", 1, "pay", {}, ("g",), "succeeded", 1.5)
        one.calls[call.key] = call
        for each in (one, two):
            await store.save(each, each.state, {"turn": 1})
            await store.add_to_feed(each.id, [event(each.id)])
        heads = await store.heads()
        assert [(each.id, each.agent, each.mode, each.customer, each.created) for each in heads] == [
            ("two", "sales", "auto", None, 1.0), ("one", "agent", "auto", "ana", 2.0),
        ]  # fmt: skip
        assert [each.id for each in await store.heads("sales")] == ["two"]
        one.customer = {"id": "bo"}
        await store.save(one, one.state)
        assert [each.customer for each in await store.heads("agent")] == ["bo"]
        await store.forget("one")
        assert await store.load("one") is None
        assert (await store.traces("one"), await store.feed("one"), await store.call("k")) == ([], [], None)
        assert await store.traces("two") == [1]

    place.with_store(work)


def test_the_values_of_a_variable_by_scope(place: Place) -> None:
    async def work(store: Store) -> None:
        for scope, name, value in (("global", "plan", 1), ("tag:vip", "plan", [2]), ("global", "other", 3)):
            await store.set_variable(scope, name, value)
        assert {scope: each.value for scope, each in (await store.variable("plan")).items()} == {
            "global": 1,
            "tag:vip": [2],
        }
        assert await store.variable("a\0") == {}

    place.with_store(work)


def test_traces_that_are_forgotten_are_gone_and_others_stay(place: Place) -> None:
    async def work(store: Store) -> None:
        one, two = session("one", {}), session("two", {})
        for each in (one, two):
            for turn in (1, 2, 3):
                await store.save(each, each.state, {"turn": turn})
        await store.forget_traces("one", [2, 3, 9])
        await store.forget_traces("one", [])
        await store.forget_traces("none", [1])
        assert (await store.traces("one"), await store.traces("two")) == ([1], [1, 2, 3])
        assert await store.trace("one", 2) is None

    place.with_store(work)


LINES = (
    ("customer", "hi"), ("agent", "A"), ("customer", "pay"), ("customer", "now"), ("agent", "B"), ("customer", "hi"), ("agent", "C")
)  # fmt: skip


@pytest.mark.parametrize(
    ("kept", "gone"), [(0, [1, 2, 3, 4, 5, 6, 7]), (1, [1, 2, 3, 4, 5, 6, 7]), (2, [3, 4, 5, 6, 7]), (3, [4, 5, 6, 7]),
                       (4, [4, 5, 6, 7]), (5, [7]), (6, [7])],
)  # fmt: skip
def test_turns_about_what_is_taken_back(kept: int, gone: list[int]) -> None:
    messages = ("hi", None, "pay", "now", "now", None, "hi")  # the fifth: handed on, or run again
    traces = [(number, {"message": each}) for number, each in enumerate(messages, 1)]
    assert turns_about(traces, [Message(*each) for each in LINES], kept) == gone


def test_what_is_taken_back_is_in_no_trace(place: Place) -> None:
    async def work(store: Store) -> None:
        graph = load("jurat: 1\nguidelines:\n  greet: {condition: The customer greets, action: Greet them}\n")
        script = Script({"The customer greets": ("hello",)})
        agent = open_with_script(graph, check(graph), Toolbox(graph), script, unproved=False, store=store)
        talk = agent.engine.start_session()
        for text in ("hello", "secret", "hello again"):
            await agent.engine.turn(talk, text)
        await agent.engine.forget_after(talk, 2)
        assert await store.traces(talk.id) == [1]
        assert talk.conversation[0].text == "hello"
        assert len(talk.conversation) == 2
        assert (await agent.engine.turn(talk, "hello")).number == 4

    place.with_store(work)

"""What a program knows of customers, and the values of its variables, when it is started again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.postgresql import Postgresql, postgresql

import jurat.sdk as p
from jurat.llm import Message
from jurat.server.sdk.variables import Freshness
from jurat.testing import ScriptedJudge, ScriptedVoice


@pytest.fixture(scope="module")
def server() -> Iterator[Postgresql]:
    with postgresql() as found:
        yield found


@pytest.fixture(params=("sqlite", "postgresql"))
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store that outlives a program."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("server").database())
    return str(tmp_path / "store.db")


Work = Callable[[p.Server, p.Agent], Awaitable[Any]]


def run(work: Work, **options: Any) -> Any:
    """A program with one agent, from its start to its end."""

    async def program() -> Any:
        heard: list[tuple[Message, ...]] = []
        judge = ScriptedJudge({"Asked": lambda said: heard.append(tuple(said)) or True}, default=False)
        server = p.Server(judge=judge, voice=ScriptedVoice(), **options)
        agent = await server.create_agent("Bot", id="bot")
        await agent.create_guideline("Asked", "Answer", id="answer")
        server.heard = heard  # type: ignore[attr-defined]
        try:
            return await work(server, agent)
        finally:
            await server.stores.close()

    return asyncio.run(program())


async def told(server: p.Server, customer: str | None) -> list[str]:
    """What the judge is told in the first turn of a new conversation."""
    opened = await server.build()
    session = opened.engine.start_session({}, await opened.customer_of(customer))
    await opened.engine.turn(session, "hello")
    heard: list[tuple[Message, ...]] = server.heard  # type: ignore[attr-defined]
    return [each.text for each in heard[-1] if each.role == "system"]


def test_customers_and_values_are_there_after_a_restart(address: str) -> None:
    async def first(server: p.Server, agent: p.Agent) -> None:
        plan = await server.create_variable("plan", "what is paid for")
        mina = await server.create_customer("Mina", {"limit": Decimal("1.50"), "note": "vip"}, id="mina", tags=["vip"])
        juno = await server.create_customer("Juno", id="juno")
        await plan.set_global_value("basic")
        await plan.set_value_for_tag(await server.create_tag("vip"), "gold")
        await plan.set_value_for_customer(juno, {"name": "trial", "days": 7})
        await plan.set_value_for_agent(agent, "agent's")
        await plan.set_value_for_agent(agent, None)
        changed = await mina.update(
            metadata={"limit": Decimal(2), "note": None, "since": datetime(2026, 1, 1, tzinfo=UTC)}
        )
        assert changed.metadata == {"limit": Decimal(2), "since": datetime(2026, 1, 1, tzinfo=UTC)}
        assert mina.metadata["note"] == "vip", "what was asked for before stays as it was"

    async def second(server: p.Server, agent: p.Agent) -> None:
        plan = await server.create_variable("plan", "what is paid for")
        found = {each.id: each for each in await server.list_customers()}
        assert list(found) == ["guest", "juno", "mina"]
        assert (found["mina"].name, found["mina"].tags) == ("Mina", ("vip",))
        assert found["mina"].metadata == {"limit": Decimal(2), "since": datetime(2026, 1, 1, tzinfo=UTC)}
        assert await plan.get_value_for_customer(found["juno"]) == {"name": "trial", "days": 7}
        assert await plan.get_value_for_agent(agent) is None
        for customer, value in (("mina", "gold"), ("juno", '{"name": "trial", "days": 7}'), (None, "basic")):
            assert await told(server, customer) == [f"What is known: plan (what is paid for) is {value}"]
        assert (await server.find_customer(name="Juno")).id == "juno"  # type: ignore[union-attr]

    run(first, session_store=address)
    run(second, session_store=address)


def test_a_program_that_declares_a_customer_at_each_start_goes_on_with_them(address: str) -> None:
    async def program(server: p.Server, agent: p.Agent) -> dict[str, Any]:
        mina = await server.create_customer("Mina", {"role": "manager"}, id="mina", tags=["vip"])
        with pytest.raises(p.SDKError, match="`mina` is already the id of a customer"):
            await server.create_customer("Mina", id="mina")
        seen = dict(mina.metadata)
        await mina.update(metadata={"visits": seen.get("visits", 0) + 1, "role": "other"}, tags=[])
        return seen

    assert run(program, session_store=address) == {"role": "manager"}
    assert run(program, session_store=address) == {"role": "manager", "visits": 1}
    assert run(program, session_store=address) == {"role": "manager", "visits": 2}


def test_what_is_noted_of_a_customer_at_the_same_time_is_all_kept(address: str) -> None:
    async def declare(server: p.Server, agent: p.Agent) -> Any:
        mina = await server.create_customer("Mina", id="mina")
        await asyncio.gather(*(mina.update(metadata={name: 1}) for name in "abcde"))
        return dict((await server.get_customer(id="mina")).metadata)

    assert run(declare, session_store=address) == dict.fromkeys("abcde", 1)


def test_a_customer_who_is_deleted_is_nobody_any_more(address: str) -> None:
    async def program(server: p.Server, agent: p.Agent) -> None:
        plan = await server.create_variable("plan")
        mina = await server.create_customer("Mina", id="mina")
        await plan.set_value_for_customer(mina, "gold")
        await server.delete_customer(id="mina")
        opened = await server.build()
        assert await opened.customer_of("mina") is None
        assert await plan.get_value_for_customer(mina) is None
        with pytest.raises(p.SDKError, match="no customer is called `mina`"):
            await server.get_customer(id="mina")
        with pytest.raises(p.SDKError, match="there is no customer `mina` any more"):
            await mina.update(name="Mina Kim")
        again = await server.create_customer("Mina", id="mina")
        assert again.tags == ()

    run(program, session_store=address)


def test_what_a_tool_said_of_a_customer_counts_after_a_restart_and_of_a_guest_in_one_conversation(address: str) -> None:
    asked: list[str] = []

    @p.tool
    async def points(context: p.ToolContext) -> p.ToolResult:
        asked.append(context.customer_id)
        return p.ToolResult(data={"points": len(asked)})

    async def program(server: p.Server, agent: p.Agent) -> list[str]:
        await server.create_variable("points", tool=points, freshness_seconds=3600)
        await server.create_customer("Mina", id="mina")
        return [*await told(server, "mina"), *await told(server, None), *await told(server, None)]

    first, second = run(program, session_store=address), run(program, session_store=address)
    assert first[0] == second[0] == 'What is known: points is {"points": 1}'
    assert asked == ["mina", "", "", "", ""]


def test_stores_can_be_several_and_what_is_exported_touches_none(tmp_path: Path) -> None:
    async def program(server: p.Server, agent: p.Agent) -> int:
        await server.create_customer(f"C{len(await server.list_customers())}")
        await (await server.create_variable("plan")).set_global_value("basic")
        return len(await server.list_customers())

    options = {"session_store": "transient", "customer_store": str(tmp_path / "c.db")}
    assert run(program, **options) == 2
    assert run(program, **options) == 3
    assert [each.name for each in tmp_path.glob("*.db")] == ["c.db"]

    from jurat.server.sdk.running import declared_by

    path = tmp_path / "program.py"
    path.write_text(
        "import asyncio\nimport jurat.sdk as p\n\n\nasync def main():\n"
        "    async with p.Server(session_store='kept.db') as server:\n"
        "        await server.create_agent('Bot')\n        await server.create_customer('Mina', id='mina')\n\n\n"
        "asyncio.run(main())\n"
    )
    assert declared_by(str(path)) is not None
    assert not Path("kept.db").exists()


@pytest.mark.parametrize("value", [object(), {"x": {1, object()}}])
def test_what_cannot_be_stored_is_refused_at_the_call(value: Any) -> None:
    async def program(server: p.Server, agent: p.Agent) -> None:
        plan = await server.create_variable("plan")
        with pytest.raises(p.SDKError, match=r"the value of `plan`: .* cannot be stored"):
            await plan.set_global_value(value)
        with pytest.raises(p.SDKError, match=r"`metadata`: .* cannot be stored"):
            await server.create_customer("Mina", {"value": value}, id="mina")
        assert await server.find_customer(id="mina") is None
        with pytest.raises(p.SDKError, match="nothing can be stored of the guest"):
            await p.Customer.guest.update(name="Mina")

    run(program)


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("rule", "since", "now", "lasts"),
    [
        ("0 8 * * *", "2026-11-29 08:00:01", "2026-11-30 07:59:59", True),
        ("0 8 * * *", "2026-11-29 07:59:59", "2026-11-29 08:00:00", False),
        ("0 8 * * *", "2026-11-29 08:00:00", "2026-11-30 08:00:00", False),
        ("*/15 * * * *", "2026-11-29 23:50:00", "2026-11-29 23:59:59", True),
        ("*/15 * * * *", "2026-11-29 23:50:00", "2026-11-30 00:00:00", False),
        ("0 0 * * MON", "2026-11-29 12:00:00", "2026-11-30 00:00:00", False),  # the 29th is a Sunday
        ("0 0 * * MON", "2026-11-30 00:00:00", "2026-12-06 23:59:59", True),
        ("0 0 29 2 *", "2026-03-01 00:00:00", "2028-02-28 23:59:59", True),
        ("0 0 29 2 *", "2026-03-01 00:00:00", "2028-02-29 00:00:00", False),
    ],
)
def test_a_cron_rule_says_until_when_what_was_said_counts(rule: str, since: str, now: str, lasts: bool) -> None:
    assert Freshness(rule=rule).lasts(at(since), at(now)) is lasts


def test_a_variable_with_a_cron_rule_is_asked_for_when_the_time_has_come(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []
    clock = [at("2026-11-29 07:00:00")]
    monkeypatch.setattr("jurat.server.sdk.variables.time.time", lambda: clock[0])
    monkeypatch.setattr("jurat.engine.store.memory.time.time", lambda: clock[0])

    @p.tool
    async def rates(context: p.ToolContext) -> str:
        asked.append(clock[0])
        return f"rate {len(asked)}"

    async def program(server: p.Server, agent: p.Agent) -> None:
        await agent.create_variable("rates", "of today", tool=rates, freshness_rules="0 8 * * *")
        await server.create_customer("Mina", id="mina")
        for now, value in (("07:00", 1), ("07:59", 1), ("08:01", 2), ("23:59", 2)):
            clock[0] = at(f"2026-11-29 {now}:00")
            assert await told(server, "mina") == [f"What is known: rates (of today) is rate {value}"]

    run(program)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"freshness_rules": "at noon"}, "a cron rule such as .* and `at noon` is none"),
        ({"freshness_rules": "0 25 * * *"}, "is none"),
        ({"freshness_rules": "0 8 * * *", "freshness_seconds": 5}, "two ways to say one thing"),
        ({"freshness_seconds": 5, "tool": None}, "freshness is of what a `tool` says"),
    ],
)
def test_freshness_that_makes_no_sense_is_refused(options: dict[str, Any], said: str) -> None:
    @p.tool
    async def rates(context: p.ToolContext) -> str:
        return "rate"

    async def program(server: p.Server, agent: p.Agent) -> None:
        with pytest.raises(p.SDKError, match=said):
            await agent.create_variable("rates", **{"tool": rates, **options})
        assert await server.list_variables() == []

    run(program)

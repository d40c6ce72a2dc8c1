"""Tools run before the reply when the policy obliges them, and never against it; against a real database."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import Field

from jurat.engine import Limits, ToolContext, ToolResult

NUMBER = re.compile(r"\b(\d{4})\b")
AMOUNT = re.compile(r"\$(\d+)")


@pytest.fixture
def orders(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    base = sqlite3.connect(tmp_path / "orders.sqlite", check_same_thread=False, isolation_level=None)
    base.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, status TEXT, amount INTEGER)")
    base.execute("CREATE TABLE refunds (id INTEGER, amount INTEGER)")
    base.execute("INSERT INTO orders VALUES (1042, 'shipped', 80), (1043, 'lost', 900)")
    yield base
    base.close()


@pytest.fixture
def tools(orders: sqlite3.Connection) -> dict[str, Callable[..., Any]]:
    def check_order(order_id: int) -> ToolResult:
        """Look up an order."""
        row = orders.execute("SELECT status, amount FROM orders WHERE id = ?", (order_id,)).fetchone()
        if row is None:
            return ToolResult(f"there is no order {order_id}", error=True)
        return ToolResult(f"order {order_id} is {row[0]}", {"status": row[0], "amount": row[1]})

    async def issue_refund(order_id: int, amount: int) -> str:
        """Pay money back."""
        orders.execute("INSERT INTO refunds VALUES (?, ?)", (order_id, amount))
        return f"refunded ${amount}"

    def verify_identity(context: ToolContext) -> ToolResult:
        return ToolResult("verified", error=context.user_data.get("pin") != "1234")

    return {"check_order": check_order, "issue_refund": issue_refund, "verify_identity": verify_identity}


def refunds(orders: sqlite3.Connection) -> list[Any]:
    return orders.execute("SELECT * FROM refunds").fetchall()


POLICY = """
jurat: 1
facts:
  customer.verified: {type: bool, from: tools}
  order.status: {type: string, from: tools}
observations:
  asks_status: The customer asks where an order is
  asks_refund: The customer asks for a refund
tools:
  check_order: {python: "tools:check_order", provides: {order.status: result.status}}
  verify_identity: {python: "tools:verify_identity", provides: {customer.verified: true}}
  issue_refund: {python: "tools:issue_refund", guard: customer.verified && arguments.amount <= 500}
guidelines:
  status: {when: asks_status, action: Say where the order is, tools: [check_order]}
  lost: {when: order.status == "lost", action: Apologise}
  refund: {when: asks_refund, tools: [verify_identity, issue_refund]}
  trouble: {when: failed("*"), action: Say that something went wrong}
"""
JUDGE = {"asks_status": ["where"], "asks_refund": ["refund"]}
ARGUMENTS = {"check_order": {"order_id": NUMBER}, "issue_refund": {"order_id": NUMBER, "amount": AMOUNT}}


def test_an_obliged_tool_runs_before_the_reply_and_its_facts_count_in_the_same_turn(world, tools) -> None:  # type: ignore[no-untyped-def]
    here = world(POLICY, judge=JUDGE, arguments=ARGUMENTS, tools=tools)
    turn = here.say("where is order 1043?")
    assert here.statuses(turn) == [("check_order", "succeeded")]
    assert turn.calls[0].arguments == {"order_id": 1043}
    assert turn.calls[0].provided == {"order.status": "lost"}
    assert here.session.facts["order.status"] == "lost"
    assert turn.resolution.in_force == ("lost", "status")
    assert here.voice.requests[0].tool_results == ("check_order: order 1043 is lost",)
    assert "Apologise" in here.voice.requests[0].instructions


def test_a_failed_tool_acts_within_its_turn_and_writes_nothing(world, tools) -> None:  # type: ignore[no-untyped-def]
    here = world(POLICY, judge=JUDGE, arguments=ARGUMENTS, tools=tools)
    turn = here.say("where is order 9999?")
    assert here.statuses(turn) == [("check_order", "failed")]
    assert turn.resolution.in_force == ("status", "trouble")
    assert "order.status" not in here.session.facts


def test_a_call_waits_for_the_one_that_makes_its_guard_true(world, tools, orders) -> None:  # type: ignore[no-untyped-def]
    here = world(POLICY, judge=JUDGE, arguments=ARGUMENTS, tools=tools, customer={"pin": "1234"})
    turn = here.say("refund $80 for order 1042")
    assert here.statuses(turn) == [
        ("verify_identity", "succeeded"),
        ("issue_refund", "waiting"),
        ("issue_refund", "succeeded"),
    ]
    assert refunds(orders) == [(1042, 80)]


@pytest.mark.parametrize(
    ("pin", "message", "status", "said"),
    [
        ("0000", "refund $80 for order 1042", "refused", "not known to hold"),
        ("1234", "refund $900 for order 1043", "refused", "is false"),
        ("1234", "refund order 1042", "missing", "`amount`"),
    ],
)
def test_an_unguarded_or_incomplete_call_does_not_happen(world, tools, orders, pin, message, status, said) -> None:  # type: ignore[no-untyped-def]  # noqa: PLR0917
    here = world(
        POLICY, judge=JUDGE, arguments=ARGUMENTS, tools=tools, customer={"pin": pin}, replies=lambda _: "Well?"
    )
    turn = here.say(message)
    last = turn.calls[-1]
    assert (last.tool, last.status) == ("issue_refund", status)
    assert said in last.reason
    assert refunds(orders) == []


def test_a_missing_argument_is_asked_for_and_never_invented(world, tools) -> None:  # type: ignore[no-untyped-def]
    guess = {"check_order": {"order_id": 1042}}
    here = world(POLICY, judge=JUDGE, arguments=guess, tools=tools, replies=lambda _: "Which order is it?")
    turn = here.say("where is my order?")
    assert here.statuses(turn) == [("check_order", "missing")]
    assert turn.calls[0].missing == ("order_id",)
    assert any("Ask the customer for: order id" in each for each in here.voice.requests[0].instructions)
    assert here.statuses(here.say("where is order 1042, I mean")) == [("check_order", "succeeded")]


def test_arguments_that_do_not_fit_are_asked_for_again(world, tools) -> None:  # type: ignore[no-untyped-def]
    wrong = {"check_order": {"order_id": re.compile("order (\\w+)")}}
    policy = POLICY.replace("asks_refund:", "unused: It is\n  asks_refund:")
    here = world(policy, judge=JUDGE, default=False, tools={**tools, "check_order": by_code}, arguments=wrong)
    turn = here.say("where is order abc")
    assert here.statuses(turn) == [("check_order", "invalid")]
    assert "Ask the customer for: order id (what was given does not fit" in turn.response.text


def by_code(order_id: Annotated[str, Field(pattern="^[0-9]+$")]) -> str:
    return order_id


def test_a_tool_is_called_once_in_a_turn_and_again_in_the_next(world, tools) -> None:  # type: ignore[no-untyped-def]
    here = world(POLICY, judge=JUDGE, arguments=ARGUMENTS, tools=tools)
    assert len(here.say("where is order 1042?").calls) == 1
    assert len(here.say("and where is order 1043?").calls) == 1
    assert here.session.facts["order.status"] == "lost"


SHARED = """
jurat: 1
tools: {pay: {python: "tools:pay"}}
guidelines:
  one: {condition: The customer pays, tools: [{pay: {amount: 5}}]}
  two: {condition: The customer pays, tools: [{pay: {amount: arguments.amount <= LIMIT}}]}
"""


@pytest.mark.parametrize(("limit", "paid"), [(10, [5]), (4, [])])
def test_guidelines_that_want_one_tool_share_one_call_under_all_they_say(world, limit: int, paid: list[int]) -> None:  # type: ignore[no-untyped-def]
    done: list[int] = []

    def pay(amount: int) -> None:
        done.append(amount)

    policy = SHARED.replace("LIMIT", str(limit))
    here = world(policy, judge={"The customer pays": True}, tools={"pay": pay}, replies=lambda _: "So be it.")
    turn = here.say("I pay")
    assert done == paid
    assert turn.calls[0].guidelines == ("one", "two")


def test_a_later_guideline_is_content_with_a_call_that_it_could_have_made(world) -> None:  # type: ignore[no-untyped-def]
    policy = """
    jurat: 1
    tools: {pay: {python: "tools:pay"}}
    guidelines:
      one: {condition: The customer pays, tools: [pay]}
      two: {when: succeeded("pay"), tools: [pay]}
    """
    done: list[int] = []
    here = world(policy, judge={"The customer pays": True}, tools={"pay": lambda: done.append(1)})
    here.say("I pay")
    assert done == [1]


FORBIDDEN = """
jurat: 1
observations: {pays: The customer pays, suspicious: Something is wrong}
tools: {pay: {python: "tools:pay"}}
guidelines:
  one: {when: pays, tools: [pay]}
  two: {when: suspicious, forbid: [pay]}
"""


@pytest.mark.parametrize(("suspicious", "calls"), [(True, 0), (None, 0), (False, 1)])
def test_a_forbidden_tool_is_refused_even_when_the_prohibition_is_only_possible(  # type: ignore[no-untyped-def]
    world, suspicious: bool | None, calls: int
) -> None:
    done: list[int] = []
    here = world(
        FORBIDDEN,
        judge={"pays": True, "suspicious": suspicious},
        tools={"pay": lambda: done.append(1)},
        replies=lambda _: "I see.",
    )
    turn = here.say("I pay")
    assert len(done) == calls
    assert turn.calls[0].status == ("succeeded" if calls else "refused")
    assert calls or "`two` forbids it" in turn.calls[0].reason


def test_independent_calls_run_at_the_same_time_in_threads_and_tasks(world) -> None:  # type: ignore[no-untyped-def]
    policy = """
    jurat: 1
    guidelines:
      g: {condition: The customer asks, tools: [slow, slower]}
    """
    started: list[str] = []

    def slow() -> str:
        started.append("slow")
        while len(started) < 2:  # only the other one, running meanwhile, ends this
            time.sleep(0.001)
        return "slow"

    async def slower() -> str:
        started.append("slower")
        while len(started) < 2:  # noqa: ASYNC110 - the other one is a thread, which an event does not wake
            await asyncio.sleep(0.001)
        return "slower"

    here = world(policy, judge={"The customer asks": True}, tools={"slow": slow, "slower": slower})
    assert {status for _, status in here.statuses(here.say("go"))} == {"succeeded"}


def hang() -> None:
    time.sleep(5)


async def hang_too() -> None:
    await asyncio.sleep(30)


def broken() -> None:
    raise RuntimeError("the database is down\nand more")


def leave() -> None:
    raise SystemExit(3)


async def leave_too() -> None:
    raise SystemExit(3)


def stop() -> None:
    raise StopIteration


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


async def speechless() -> None:
    raise Unspeakable


class Foreign(BaseException):
    pass


async def foreign() -> None:
    raise Foreign("a library's own")


async def grouped() -> None:
    raise BaseExceptionGroup("several", [SystemExit("the first"), ValueError("and more")])


async def grouped_too() -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(broken_too())


async def broken_too() -> None:
    raise ValueError("the index is gone")


def cancelled() -> None:
    raise asyncio.CancelledError


@pytest.mark.parametrize(
    ("tool", "said"),
    [
        (hang, "did not answer within 0.5 s"), (hang_too, "did not answer within 0.5 s"), (stop, "middle of an iteration"),
        (broken, "the database is down"), (leave, "tried to end the program"), (leave_too, "tried to end the program: 3"), (None, "no implementation"),
        (speechless, "it raised an error without a text"), (foreign, "tried to end the program: a library's own"),
        (grouped, "tried to end the program: the first"), (grouped_too, "the index is gone"), (cancelled, "it was cancelled"),
    ],
)  # fmt: skip
def test_whatever_a_tool_does_is_a_failed_call_and_never_a_crash(world, tool, said: str) -> None:  # type: ignore[no-untyped-def]
    policy = """
    jurat: 1
    guidelines:
      g: {condition: The customer asks, tools: [t]}
      sorry: {when: failed("t"), action: Say sorry}
    """
    tools = {"t": tool} if tool else {}
    limits = Limits(
        tool_timeout_seconds=0.5 if "0.5 s" in said else 30
    )  # a busy machine may take half a second for the rest
    here = world(policy, judge={"The customer asks": True}, tools=tools, limits=limits)
    turn = here.say("go")
    assert (turn.calls[0].status, said in turn.calls[0].reason) == ("failed", True), turn.calls[0].reason
    assert "sorry" in turn.resolution.in_force


PROVIDES = """
jurat: 1
facts:
  a: {type: int, from: tools}
  b: {type: bool, from: tools}
  c: {type: bool, from: tools}
tools:
  t: {python: "tools:t", provides: {a: result.deep.a, b: any}}
  u: {python: "tools:u"}
guidelines:
  g: {condition: The customer asks, tools: [t, u]}
"""


def test_a_tool_writes_only_what_it_declares(world) -> None:  # type: ignore[no-untyped-def]
    tools = {
        "t": lambda: ToolResult("ok", {"deep": {"a": 3}}, facts={"b": True, "c": True}),
        "u": lambda: ToolResult("ok", facts={"a": 99}),
    }
    here = world(PROVIDES, judge={"The customer asks": True}, tools=tools)
    turn = here.say("go")
    assert dict(here.session.facts) == {"a": 3, "b": True}
    refused = [fault for call in turn.calls for fault in call.refused_facts]
    assert refused == ["`c`: `t` does not declare to provide it", "`a`: `u` does not declare to provide it"]


@pytest.mark.parametrize("data", [None, {}, {"deep": {"a": "three"}}])
def test_a_declared_fact_that_the_result_does_not_say_becomes_absent(world, data: Any) -> None:  # type: ignore[no-untyped-def]
    results = iter([ToolResult("ok", {"deep": {"a": 3}}, facts={"b": True}), ToolResult("ok", data)])
    here = world(PROVIDES, judge={"The customer asks": True}, tools={"t": lambda: next(results), "u": lambda: None})
    here.say("go")
    assert here.session.facts["a"] == 3
    here.say("go")
    assert dict(here.session.facts) == {}


def test_an_offered_tool_runs_when_the_judge_is_sure_that_it_is_needed(world) -> None:  # type: ignore[no-untyped-def]
    policy = """
    jurat: 1
    guidelines:
      g: {condition: The customer asks, offer: [look]}
    """
    for needed, calls in ((True, 1), (None, 0), (False, 0)):
        done: list[int] = []
        judge = {"The customer asks": True, "offer:look": needed}
        here = world(policy, judge=judge, tools={"look": lambda: done.append(1)})  # noqa: B023 - used here
        assert (len(here.say("go").calls), len(done)) == (calls, calls)


def test_what_is_to_be_judged_again_after_a_tool_is(world) -> None:  # type: ignore[no-untyped-def]
    policy = """
    jurat: 1
    observations: {asks: The customer asks, settled: The matter is settled}
    tools: {t: {python: "tools:t"}}
    guidelines:
      g: {when: asks, tools: [t]}
      again: {when: settled, action: Say goodbye, reevaluate_after: [t]}
    """
    judge = {"asks": True, "settled": lambda talk: any(each.role == "tool" for each in talk)}
    here = world(policy, judge=judge, tools={"t": lambda: "settled"})
    turn = here.say("go")
    assert here.judge.asked[:2] == [("asks", "settled"), ("settled",)]
    assert turn.resolution.in_force == ("again", "g")


PING = """
jurat: 1
facts: {n: {type: int, from: tools}}
tools: {t: {python: "tools:t", provides: {n: result.n}}}
guidelines:
  start: {when: "!has(n)", tools: [{t: {k: 0}}]}
  even: {when: n % 2 == 0, tools: [{t: {k: n}}]}
  odd: {when: n % 2 == 1, tools: [{t: {k: n}}]}
"""


def test_rounds_end_and_what_is_still_owed_is_not_claimed(world) -> None:  # type: ignore[no-untyped-def]
    count = iter(range(1, 100))
    here = world(PING, tools={"t": step(count)})
    turn = here.say("go")
    assert len([call for call in turn.calls if call.status == "succeeded"]) == 4
    assert turn.trace.notes == ["no further calls after 4 rounds"]
    assert any("`t` was not done" in each for each in here.voice.requests[0].instructions)


def step(count: Iterator[int]) -> Callable[..., Any]:
    def t(k: int) -> dict[str, int]:
        return {"n": next(count)}

    return t


def test_a_turn_makes_only_so_many_calls(world) -> None:  # type: ignore[no-untyped-def]
    policy = """
    jurat: 1
    guidelines:
      g: {condition: The customer asks, tools: [a, b, c]}
    """
    done: list[str] = []
    here = world(
        policy, judge={"The customer asks": True}, limits=Limits(tool_calls_a_turn=2), tools=no_arguments(done)
    )
    turn = here.say("go")
    assert done == ["a", "b"]
    assert turn.calls[2].status == "refused"


def no_arguments(done: list[str]) -> dict[str, Callable[..., Any]]:
    def tool(name: str) -> Callable[..., Any]:
        async def run() -> None:
            done.append(name)

        return run

    return {name: tool(name) for name in "abc"}


GUARDED = """
jurat: 1
observations: {pays: The customer pays, agrees: The customer agrees, refuses: The customer refuses}
axioms:
  - exclusive: [agrees, refuses]
tools: {pay: {python: "tools:pay", guard: agrees}}
guidelines:
  one: {when: pays, tools: [pay]}
"""


@pytest.mark.parametrize(("agrees", "status"), [(True, "succeeded"), (None, "refused"), (False, "refused")])
def test_what_a_guard_hangs_on_is_asked_only_when_the_call_is_due(world, agrees: bool | None, status: str) -> None:  # type: ignore[no-untyped-def]
    judge = {"pays": ["pay"], "agrees": agrees, "refuses": False}
    here = world(GUARDED, judge=judge, tools={"pay": lambda: "paid"}, replies=lambda _: "Well?")
    here.say("hello")
    assert here.judge.asked == [("pays",)]
    turn = here.say("I pay")
    assert here.judge.asked[1:3] == [("pays",), ("agrees", "refuses")]
    assert turn.calls[0].status == status


def test_a_value_of_the_policy_s_own_that_does_not_fit_is_not_asked_of_the_customer(world) -> None:  # type: ignore[no-untyped-def]
    def pay(amount: Annotated[int, Field(le=3)]) -> None: ...

    policy = """
    jurat: 1
    tools: {pay: {python: "tools:pay"}}
    guidelines:
      one: {condition: The customer pays, tools: [{pay: {amount: 5}}]}
    """
    here = world(policy, judge={"The customer pays": True}, tools={"pay": pay}, replies=lambda _: "That did not work.")
    turn = here.say("go")
    assert (turn.calls[0].status, turn.calls[0].missing) == ("invalid", ())
    assert turn.response.text == "That did not work."


def test_what_nothing_wants_any_more_is_not_asked_for(world) -> None:  # type: ignore[no-untyped-def]
    policy = """
    jurat: 1
    facts: {open: {type: bool, from: tools}}
    tools: {look: {python: "tools:look", provides: {open: result.open}}, book: {python: "tools:book"}}
    guidelines:
      look: {condition: The customer asks, tools: [look]}
      book: {when: "!has(open) || open", tools: [book]}
    """

    def book(room: int) -> None: ...

    for open_, asked in ((True, True), (False, False)):
        tools = {"look": lambda: {"open": open_}, "book": book}  # noqa: B023 - used here
        here = world(policy, judge={"The customer asks": True}, tools=tools, replies=lambda _: "Well?")
        here.say("go")
        assert any("Ask the customer for: room" in each for each in here.voice.requests[0].instructions) is asked

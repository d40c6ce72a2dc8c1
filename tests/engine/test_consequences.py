"""A consequential call happens at most once for a decision, whatever becomes of its turn; without a store on disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.engine.conftest import Make, World

from jurat.engine import Engine, Limits, ToolContext, ToolResult, TurnRefused
from jurat.engine.consequences import UNKNOWN
from jurat.engine.errors import OutcomeUnknown
from jurat.engine.session import Session, State
from jurat.engine.store import open_store
from jurat.engine.tools import Traits, tool_of
from jurat.llm import LLMError

POLICY = """
jurat: 1
facts: {order.paid: {type: bool, from: tools}}
observations: {pays: The customer pays, asks: The customer asks}
tools:
  pay: {python: "tools:pay", consequential: true, MORE provides: {order.paid: true}}
  look: {python: "tools:look"}
guidelines:
  payment: {when: pays, tools: [pay]}
  looking: {when: asks, tools: [look]}
  receipt: {when: 'succeeded("pay")', action: Give a receipt}
"""


class Till:
    """A payment that does as it is told, and notes the keys it was given."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.then: Callable[[], Any] = lambda: None
        self.gives: Callable[[], Any] | None = None

    async def pay(self, context: ToolContext, amount: int) -> Any:
        self.keys.append(context.idempotency_key)
        found = self.then()
        if asyncio.iscoroutine(found):
            await found
        return f"{amount} paid" if self.gives is None else self.gives()


def made(world: Make, more: str = "", **options: Any) -> tuple[World, Till]:
    till = Till()
    now = world(
        POLICY.replace("MORE", more), judge={"pays": ["pay"], "asks": ["?"]}, tools={"pay": till.pay, "look": lambda: "seen"},
        arguments={"pay": {"amount": 50}}, replies=lambda request: f"heard {len(request.conversation)}", **options,
    )  # fmt: skip
    return now, till


def test_a_tool_is_given_a_key_that_is_another_for_each_decision(world: Make) -> None:
    now, till = made(world)
    turns = [now.say("I pay 50") for _ in range(2)]
    assert len({*till.keys}) == len(till.keys) == 2
    assert all(till.keys)
    assert [turn.calls[0].key for turn in turns] == till.keys
    assert now.session.calls == {}, "what was told is forgotten"


def test_what_a_failed_turn_has_done_the_next_one_does_not_do_again(world: Make) -> None:
    now, till = made(world)
    broken = True

    def reply(request: Any) -> str:
        if broken:
            raise LLMError("no model")
        return "Here is your receipt"

    now.voice._replies = reply  # type: ignore[attr-defined]
    with pytest.raises(LLMError):
        now.say("I pay 50")
    assert [each.text for each in now.session.conversation] == ["I pay 50", "pay: 50 paid"]
    broken = False
    turn = now.say("well?")
    assert now.statuses(turn) == [("pay", "succeeded"), ("look", "succeeded")]
    assert turn.calls[0].reason == "it was made in turn 1, and is not repeated"
    assert "receipt" in turn.resolution.in_force  # type: ignore[union-attr]
    assert len(till.keys) == 1
    assert [each.text for each in now.session.conversation if "paid" in each.text] == ["pay: 50 paid"]
    now.say("I pay 50 once more")
    assert len(till.keys) == 2, "another decision"


def test_what_may_be_said_of_a_call_is_kept_with_its_outcome(world: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    keys: list[str] = []

    async def pay(context: ToolContext, amount: int) -> ToolResult:
        keys.append(context.idempotency_key)
        return ToolResult(
            f"{amount} paid", canned_responses=["Receipt {{ number }}."], canned_response_fields={"number": 7},
            control={"lifespan": "response"},
        )  # fmt: skip

    policy = POLICY.replace("MORE ", "").replace(
        "  receipt: {when: 'succeeded(\"pay\")', action: Give a receipt}\n", ""
    )
    now = world(policy, judge={"pays": ["pay"]}, default=False, tools={"pay": pay}, arguments={"pay": {"amount": 50}})
    with monkeypatch.context() as broken:
        broken.setattr(now.engine._hooks, "decided", _fail)
        with pytest.raises(LLMError):
            now.say("I pay 50")
    turn = now.say("well?")
    assert turn.calls[0].reason == "it was made in turn 1, and is not repeated"
    assert (turn.calls[0].replies, turn.calls[0].fields) == (("Receipt {{ number }}.",), {"number": 7})
    assert turn.response is not None
    assert turn.response.text == "Receipt 7."
    assert len(keys) == 1
    assert "tool" not in {each.role for each in now.session.conversation}


def test_a_result_for_one_response_comes_back_for_the_response_that_is_given(world: Make) -> None:
    """What the cut-short turn forgot again is heard by the judge and the voice of the turn that takes the call's outcome."""
    heard: list[list[str]] = []

    def pay(amount: int) -> ToolResult:
        return ToolResult(f"{amount} paid", control={"lifespan": "response"})

    def receipt(said: Any) -> bool:
        heard.append([each.text for each in said if each.role == "tool"])
        return True

    policy = POLICY.replace("MORE ", "").replace(
        "'succeeded(\"pay\")'", "'succeeded(\"pay\") && received', reevaluate_after: [pay]"
    )
    policy = policy.replace("asks: The customer asks}", "asks: The customer asks, received: The payment has come}")
    now = world(policy, judge={"pays": ["pay"], "received": receipt}, default=False, tools={"pay": pay}, arguments={"pay": {"amount": 50}})  # fmt: skip
    broken = pytest.MonkeyPatch()
    broken.setattr(now.engine._hooks, "decided", _fail)
    with pytest.raises(LLMError):
        now.say("I pay 50")
    broken.undo()
    assert [each.text for each in now.session.conversation] == ["I pay 50"]
    heard.clear()
    turn = now.say("well?")
    assert turn.calls[0].reason == "it was made in turn 1, and is not repeated"
    assert turn.calls[0].control == {"lifespan": "response"}
    assert heard == [["pay: 50 paid"]]
    assert "pay: 50 paid" in [each.text for each in now.voice.requests[-1].conversation]
    assert "tool" not in {each.role for each in now.session.conversation}, "and is forgotten again"


async def _fail(working: Any, decision: Any) -> None:
    raise LLMError("no model")


def test_a_call_that_did_not_answer_in_time_is_unknown_until_somebody_says_what_became_of_it(world: Make) -> None:
    now, till = made(world, limits=Limits(tool_timeout_seconds=0.05))
    till.then = lambda: asyncio.sleep(5)
    turn = now.say("I pay 50")
    assert now.statuses(turn) == [("pay", "unknown")]
    assert 'failed("pay")' in now.session.state.moments[-2].events
    assert UNKNOWN in now.session.conversation[1].text
    till.then = lambda: None
    assert now.statuses(now.say("I pay 50")) == [("pay", "unknown")]
    assert len(till.keys) == 1
    [call] = asyncio.run(now.engine.store.calls("unknown"))
    resolve = now.engine.resolve_call
    ended = asyncio.run(resolve(now.session, call.key, "succeeded", "50 paid", {"receipt": 7}, by="Ana"))
    assert (ended.status, ended.resolved_by, ended.data) == ("succeeded", "Ana", {"receipt": 7})
    assert now.session.facts == {"order.paid": True}
    assert now.session.conversation[-1].text == "pay: 50 paid"
    with pytest.raises(TurnRefused, match="no such call"):
        asyncio.run(resolve(now.session, call.key, "failed", "no", by="Ana"))
    assert now.statuses(now.say("I pay 50")) == [("pay", "succeeded")]


def test_a_call_of_a_turn_that_was_cancelled_is_unknown(world: Make) -> None:
    now, till = made(world)

    async def run() -> None:
        begun = asyncio.Event()

        async def wait() -> None:
            begun.set()
            await asyncio.sleep(60)

        till.then = wait
        task = asyncio.create_task(now.engine.turn(now.session, "I pay 50"))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    [call] = now.session.calls.values()
    assert call.status == "unknown"
    till.then = lambda: None
    assert now.statuses(now.say("I pay 50")) == [("pay", "unknown")]
    assert len(till.keys) == 1


def test_an_idempotent_one_is_made_again_with_its_key(world: Make) -> None:
    now, till = made(world, "idempotent: true,")

    async def run() -> None:
        begun = asyncio.Event()

        async def wait() -> None:
            begun.set()
            await asyncio.sleep(60)

        till.then = wait
        task = asyncio.create_task(now.engine.turn(now.session, "I pay 50"))
        await begun.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(run())
    till.then = lambda: None
    assert now.statuses(now.say("well, I pay 50")) == [("pay", "succeeded")]
    assert len(till.keys) == 2
    assert len(set(till.keys)) == 1


def test_a_service_that_may_have_done_it_leaves_an_unknown_outcome(world: Make) -> None:
    now, till = made(world)

    def broken() -> None:
        raise OutcomeUnknown("the connection was lost")

    till.then = broken
    turn = now.say("I pay 50")
    assert turn.calls[0].status == "unknown"
    assert UNKNOWN in turn.calls[0].message
    assert now.say("I pay 50").calls[0].status == "unknown"
    assert len(till.keys) == 1, "it is not made again"


@pytest.mark.parametrize("wrapped", [lambda data: data, lambda data: ToolResult(data=data)])
def test_a_call_whose_result_cannot_be_kept_was_made_all_the_same(world: Make, wrapped: Callable[[Any], Any]) -> None:
    holding_itself: dict[str, Any] = {}
    holding_itself["itself"] = holding_itself
    now, till = made(world)
    till.gives = lambda: wrapped(holding_itself)
    assert now.statuses(now.say("I pay 50")) == [("pay", "unknown")]
    assert now.statuses(now.say("I pay 50")) == [("pay", "unknown")]
    assert len(till.keys) == 1, "it is not made again"


def test_calls_that_begin_at_once_keep_to_the_limit_while_their_records_are_stored(world: Make, tmp_path: Path) -> None:
    policy = """
        jurat: 1
        tools: {a: {python: "t:a", consequential: true}, b: {python: "t:b", consequential: true}, c: {python: "t:c"}}
        guidelines: {g: {tools: [a, b, c]}}
    """
    now = world(policy, tools=dict.fromkeys("abc", lambda: "done"), limits=Limits(tool_calls_a_turn=2))

    async def scenario() -> list[str]:
        store = await open_store(tmp_path / "store.db")
        here = Engine(
            now.engine.graph, now.judge, now.voice, now.engine.toolbox, limits=now.engine.limits, unproved=True, store=store
        )  # fmt: skip
        turn = await here.turn(here.start_session(), "go")
        await store.close()
        return [each.status for each in turn.calls if each.round == 1]

    assert sorted(asyncio.run(scenario())) == ["refused", "succeeded", "succeeded"]


def test_what_is_said_for_one_turn_alone_is_never_stored(world: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    stored: list[str] = []

    def passing(amount: int) -> ToolResult:
        return ToolResult(f"secret {amount}", control={"lifespan": "response", "mode": "manual"})

    now, _ = made(world)
    box, save = now.engine.toolbox, now.engine.store.save

    async def watched(session: Session, state: State, *rest: Any, **options: Any) -> None:
        stored.extend(message.text for message in state.messages)
        await save(session, state, *rest, **options)

    monkeypatch.setattr(now.engine.store, "save", watched)
    monkeypatch.setitem(box._tools, "pay", tool_of("pay", passing))
    now.say("I pay 50")
    assert stored
    assert not [text for text in stored if "secret" in text]
    assert now.session.state.mode == "manual"


def test_a_call_may_be_repeated_where_the_code_says_that_it_is_idempotent(
    world: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, till = made(world)
    box = now.engine.toolbox
    assert not box.idempotent("pay")
    once_more = tool_of("pay", till.pay, traits=Traits(idempotent=True, retries=0))
    monkeypatch.setitem(box._tools, "pay", once_more)
    assert box.idempotent("pay")

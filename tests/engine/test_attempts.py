"""Time limits and repeated attempts: what a policy says, what the code says, and what is never done twice."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from jurat.engine import Limits, tool
from jurat.engine.tools import Traits

POLICY = """
    jurat: 1
    observations: {asks: The customer asks}
    tools: {look: {python: "tools:look"MORE}}
    guidelines: {g: {when: asks, tools: [look]}}
"""
QUICK = Limits(tool_retry_seconds=0.001, tool_retries=2)


class Flaky:
    """Fails so many times before it works."""

    def __init__(self, failures: int, error: type[BaseException] = ConnectionError) -> None:
        self.calls = 0
        self._failures = failures
        self._error = error

    def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self._failures:
            raise self._error(f"failure {self.calls}")
        return "worked"


def call_of(world: Any, more: str, function: Any, limits: Limits = QUICK) -> Any:
    here = world(POLICY.replace("MORE", more), judge={"asks": ["?"]}, tools={"look": function}, limits=limits)
    return here.say("well?").calls[0]


@pytest.mark.parametrize(
    ("more", "status", "calls"),
    [
        ("", "failed", 1),
        (", consequential: true", "failed", 1),
        (", idempotent: true", "succeeded", 3),
        (", idempotent: true, consequential: true", "succeeded", 3),
        (", idempotent: true, retries: 1", "failed", 2),
        (", idempotent: true, retries: 0", "failed", 1),
        (", idempotent: true, retries: 5", "succeeded", 3),
    ],
)
def test_only_an_idempotent_call_is_tried_again(world: Any, more: str, status: str, calls: int) -> None:
    flaky = Flaky(2)
    call = call_of(world, more, flaky)
    assert (call.status, flaky.calls, call.attempts) == (status, calls, calls)
    assert call.reason == ("" if status == "succeeded" else f"failure {calls}")


def test_code_may_say_it_too_and_the_policy_has_the_last_word(world: Any) -> None:
    flaky = Flaky(2)

    @tool(idempotent=True, retries=1)
    def look() -> str:
        return flaky()

    assert call_of(world, "", look).attempts == 2
    flaky.calls = 0
    assert call_of(world, ", idempotent: true, retries: 2", look).status == "succeeded"


def test_an_answer_is_not_asked_for_again_even_if_it_is_an_error(world: Any) -> None:
    from jurat.engine import ToolResult

    calls: list[int] = []

    def look() -> ToolResult:
        calls.append(1)
        return ToolResult("there is no such order", error=True)

    assert call_of(world, ", idempotent: true", look).status == "failed"
    assert len(calls) == 1


@pytest.mark.parametrize("kind", ["async", "thread"])
def test_an_attempt_has_the_policy_s_time_or_the_code_s(world: Any, kind: str) -> None:
    async def asynchronous() -> None:
        await asyncio.sleep(5)

    function = asynchronous if kind == "async" else lambda: time.sleep(5)
    started = time.perf_counter()
    assert call_of(world, ", timeout: 50ms", function).reason == "it did not answer within 0.05 s"
    slow = tool(timeout=0.06)(function)
    assert call_of(world, "", slow).reason == "it did not answer within 0.06 s"
    assert call_of(world, ", timeout: 40ms", slow).reason == "it did not answer within 0.04 s"
    assert time.perf_counter() - started < 4


def test_a_call_that_took_too_long_is_tried_again_if_it_may_be(world: Any) -> None:
    calls: list[int] = []

    async def look() -> str:
        calls.append(1)
        if len(calls) == 1:
            await asyncio.sleep(30)
        return "worked"

    call = call_of(world, ", timeout: 500ms, idempotent: true", look)
    assert (call.status, call.attempts) == ("succeeded", 2)


def test_an_awaitable_from_a_plain_function_is_awaited(world: Any) -> None:
    async def work(said: str) -> str:
        return said

    assert call_of(world, "", lambda: work("worked")).message == "worked"


@pytest.mark.parametrize(
    ("traits", "said"),
    [
        ({"timeout": 0}, "a number of seconds above 0, not `0`"),
        ({"retries": 2}, "only an idempotent tool has retries"),
        ({"retries": -1, "idempotent": True}, "0 or more, not `-1`"),
    ],
)
def test_traits_that_make_no_sense_are_one_clear_error(traits: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Traits(**traits)


def test_a_tool_that_raises_a_cancellation_has_failed_and_the_session_goes_on(world: Any) -> None:
    async def look() -> str:
        raise asyncio.CancelledError

    here = world(POLICY.replace("MORE", ""), judge={"asks": ["?"]}, tools={"look": look})
    first, second = here.say("well?"), here.say("thanks")
    assert [(each.status, each.reason) for each in first.calls] == [("failed", "it was cancelled")]
    assert first.response is not None
    assert second.response is not None
    assert second.message == "thanks"


def test_a_cancelled_turn_cancels_its_tool(world: Any) -> None:
    seen: list[str] = []

    async def look() -> str:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise
        return "never"

    here = world(POLICY.replace("MORE", ""), judge={"asks": ["?"]}, tools={"look": look})

    async def scenario() -> None:
        turn = asyncio.create_task(here.engine.turn(here.session, "well?"))
        await asyncio.sleep(0.05)
        turn.cancel()
        with pytest.raises(asyncio.CancelledError):
            await turn

    asyncio.run(scenario())
    assert seen == ["cancelled"]

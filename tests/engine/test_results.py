"""What a tool's result does: who answers from now on, what is remembered, what may be said."""

from __future__ import annotations

import asyncio
import itertools
import json
from dataclasses import replace
from typing import Any

import pytest

from jurat.engine import ToolContext, ToolResult
from jurat.engine.check import follow_statement, topic_statement
from jurat.engine.results import result_of

ONE = """
    jurat: 1
    observations: {asks: The customer asks}
    tools: {look: {python: "tools:look"}}
    guidelines: {g: {when: asks, tools: [look]}}
"""
HAND_OFF = """
    jurat: 1
    observations: {asks: The customer asks}
    tools: {a: {python: "tools:a"}, b: {python: "tools:b"}, c: {python: "tools:c"}}
    guidelines: {g: {when: asks, tools: [a, b, c]}}
"""
ASKS = {"asks": ["?"]}


def test_data_alone_is_a_result() -> None:
    assert ToolResult({"a": 1}) == ToolResult('{"a": 1}', {"a": 1}) == ToolResult(data={"a": 1})
    assert ToolResult("said", data=[1], error=True).message == "said"
    assert replace(ToolResult("x", metadata={"k": 1}), error=True).metadata == {"k": 1}
    assert result_of(["a"]) == ToolResult('["a"]', ["a"])


@pytest.mark.parametrize(
    ("control", "said"),
    [
        ({"mod": "manual"}, "a result has no control `mod`; did you mean `mode`"),
        ({"mode": "human"}, "the control `mode` of a result is `auto` or `manual`, not `human`"),
        ({"lifespan": "turn"}, "the control `lifespan` of a result is `response` or `session`, not `turn`"),
    ],
)
def test_a_control_that_there_is_not_is_one_clear_error(control: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        ToolResult("x", control=control)


@pytest.mark.parametrize("delays", list(itertools.permutations([0.0, 0.02, 0.04])))
def test_a_human_takes_over_whatever_other_tools_say_and_in_whatever_order(
    world: Any, delays: tuple[float, ...]
) -> None:
    def tool(delay: float, **control: str) -> Any:
        async def call() -> ToolResult:
            await asyncio.sleep(delay)
            return ToolResult("done", control=control)

        return call

    tools = {"a": tool(delays[0], mode="manual"), "b": tool(delays[1]), "c": tool(delays[2], mode="auto")}
    here = world(HAND_OFF, judge=ASKS, tools=tools)
    turn = here.say("a human?")
    assert here.session.mode == "manual"
    assert turn.trace.handed_to == "human"
    assert "human colleague" in " ".join(here.voice.requests[0].instructions)
    assert here.say("anybody?").response is None


def test_an_error_can_hand_over_too_and_a_later_round_does_not_take_back(world: Any) -> None:
    policy = HAND_OFF.replace("guidelines: {g: {when: asks, tools: [a, b, c]}}", 'guidelines: {g: {when: asks, tools: [a]}, h: {when: failed("a"), tools: [b]}}')  # fmt: skip
    tools = {"a": lambda: ToolResult("no", error=True, control={"mode": "manual"}), "b": lambda: ToolResult("ok", control={"mode": "auto"})}  # fmt: skip
    here = world(policy, judge=ASKS, tools=tools)
    assert here.statuses(here.say("please?")) == [("a", "failed"), ("b", "succeeded")]
    assert here.session.mode == "manual"


@pytest.mark.parametrize(("lifespan", "kept"), [("response", False), ("session", True), (None, True)])
def test_a_result_may_be_for_this_response_alone(world: Any, lifespan: str | None, kept: bool) -> None:
    control = {"lifespan": lifespan} if lifespan else {}
    result = ToolResult("the code is 12", control=control, canned_response_fields={"code": 12})
    here = world(ONE, judge=ASKS, tools={"look": lambda: result})
    here.say("what is it?")
    assert here.voice.requests[0].tool_results == ("look: the code is 12",), "this reply rests on it"
    here.say("thanks")
    said = [each.text for each in here.voice.requests[1].conversation if each.role == "tool"]
    assert ("look: the code is 12" in said) is kept
    assert (here.session.state.fields == {"code": 12}) is kept


def test_fields_that_tools_give_fill_templates_then_and_later(world: Any) -> None:
    policy = ONE.replace(
        "guidelines:", "replies: {told: {template: 'Dear {{ name }}, it is {{ look.total }}.'}}\n    guidelines:"
    )
    policy = policy.replace("tools: [look]}", "tools: [look], reply: told}, later: {when: '!asks', reply: told}")
    result = ToolResult("found", {"total": 5}, canned_response_fields={"name": "Ada"})
    here = world(policy, judge=ASKS, tools={"look": lambda: result})
    assert here.say("what is it?").response.text == "Dear Ada, it is 5."
    later = world(policy.replace(", it is {{ look.total }}", ""), judge=ASKS, tools={"look": lambda: result})
    later.say("what is it?")
    assert later.say("thanks").response.text == "Dear Ada."


OFFERED = ("Unknown {{ nobody }}.", "Buy now!", "It is {{ what }}.", "Never reached.")


def test_a_reply_that_a_tool_gives_is_sent_if_it_says_what_is_to_be_said(world: Any) -> None:
    policy = ONE.replace("tools: [look]}", "tools: [look], action: Answer, forbid: [{topic: sales}]}")
    result = ToolResult("x", canned_responses=OFFERED, canned_response_fields={"what": "here"})
    judge = {
        **ASKS,
        topic_statement("sales"): lambda said: "Buy" in said[-1].text,
        follow_statement("Answer"): lambda said: "here" in said[-1].text,
    }
    here = world(policy, judge=judge, tools={"look": lambda: result})
    turn = here.say("where?")
    assert (turn.response.text, turn.response.source) == ("It is here.", "template")
    assert [bool(each.faults) for each in turn.trace.drafts] == [True, True, False]
    assert here.voice.requests == []
    silent = world(policy, judge={**judge, follow_statement("Answer"): False}, tools={"look": lambda: result})
    assert silent.say("where?").response.source == "voice", "the voice writes one where none will do"


def test_mappings_among_the_fields_are_looked_into_and_what_has_no_value_is_not_known(world: Any) -> None:
    texts = (
        "Rate {{ rate }}.",
        "{{ order['number'] }}: {% for k in order %}{{ k }} {% endfor %}{{ order.to.city }}{{ look.to.city }}",
    )
    fields = {"order": {"number": 7, "to": {"city": "Rome"}}, "rate": float("nan")}
    result = ToolResult("x", {"to": {"city": "!"}}, canned_responses=texts, canned_response_fields=fields)
    turn = world(ONE, judge=ASKS, tools={"look": lambda: result}).say("where?")
    assert turn.response.text == "7: number to Rome!"
    assert turn.trace.drafts[0].faults == ("nothing is known of `rate`",)


def test_metadata_and_controls_are_in_the_trace(world: Any) -> None:
    result = ToolResult("x", metadata={"source": "cache"}, control={"mode": "auto"})
    here = world(ONE, judge=ASKS, tools={"look": lambda: result})
    (call,) = here.say("what?").trace.as_json()["calls"]
    assert (call["metadata"], call["control"]) == ({"source": "cache"}, {"mode": "auto"})


EMITTING = ONE.replace("tools: [look]}", "tools: [look], forbid: [{topic: sales}]}")


@pytest.mark.parametrize("kind", ["async", "thread", "not awaited"])
def test_a_tool_can_speak_before_the_reply(world: Any, kind: str) -> None:
    sent: list[Any] = []

    async def asynchronous(context: ToolContext) -> str:
        sent.append(await context.emit_message("One moment."))
        await context.emit_status("looking", {"percent": 50})
        await context.emit_custom({"chart": [1, 2]})
        return "found"

    def in_a_thread(context: ToolContext) -> str:
        sent.append(bool(context.emit_message("One moment.")))
        context.emit_status("looking", {"percent": 50})
        context.emit_custom({"chart": [1, 2]})
        return "found"

    async def not_awaited(context: ToolContext) -> str:
        sent.append(True)
        context.emit_message("One moment.")
        context.emit_status("looking", {"percent": 50})
        context.emit_custom({"chart": [1, 2]})
        return "found"

    tool = {"async": asynchronous, "thread": in_a_thread, "not awaited": not_awaited}[kind]
    here = world(EMITTING, judge={**ASKS, topic_statement("sales"): False}, tools={"look": tool})
    heard: list[Any] = []
    turn = here.say("what?", on_emit=heard.append)
    assert [(each.kind, each.data, each.tool) for each in heard] == [
        ("message", "One moment.", "look"),
        ("status", {"status": "looking", "data": {"percent": 50}}, "look"),
        ("custom", {"chart": [1, 2]}, "look"),
    ]
    assert sent == [True]
    assert turn.trace.emitted == heard
    assert [each.text for each in here.session.conversation] == ["what?", "One moment.", "look: found", "look: found"]


def test_a_tool_cannot_say_what_is_forbidden(world: Any) -> None:
    async def look(context: ToolContext) -> str:
        return f"sent: {await context.emit_message('Buy now!')}"

    judge = {**ASKS, topic_statement("sales"): lambda said: "Buy" in said[-1].text}
    here = world(EMITTING, judge=judge, tools={"look": look})
    heard: list[Any] = []
    turn = here.say("what?", on_emit=heard.append)
    assert (heard, turn.calls[0].message) == ([], "sent: False")
    assert "a message of `look` was not sent: it may talk about sales" in turn.trace.notes


def test_what_is_no_text_is_not_said(world: Any) -> None:
    async def look(context: ToolContext) -> str:
        await context.emit_message({"status": "shipped"})  # type: ignore[arg-type]
        return "found"

    heard: list[Any] = []
    turn = world(ONE, judge=ASKS, tools={"look": look}).say("what?", on_emit=heard.append)
    assert (turn.calls[0].reason, heard) == ("what `emit_message` says is a text", [])


@pytest.mark.parametrize("data", [[10**5000], object()])
def test_what_no_trace_can_keep_is_not_sent_and_is_an_error_of_the_tool(world: Any, data: Any) -> None:
    async def look(context: ToolContext) -> str:
        await context.emit_custom(data)
        return "found"

    heard: list[Any] = []
    turn = world(ONE, judge=ASKS, tools={"look": look}).say("what?", on_emit=heard.append)
    assert (turn.calls[0].status, heard) == ("failed", [])
    json.dumps(turn.trace.as_json())


def test_nobody_to_speak_to_is_no_error() -> None:
    context = ToolContext("a", "s")
    assert not context.emit_message("x")
    assert asyncio.run(awaited(context)) is False


async def awaited(context: ToolContext) -> bool:
    return await context.emit_status("x")


def test_a_tool_knows_the_customer_and_what_the_application_lends_it(world: Any) -> None:
    seen: list[Any] = []

    def look(context: ToolContext) -> str:
        seen.append((context.customer_id, context.user_data["tier"], context.plugin_data["pool"]))
        return "x"

    here = world(ONE, judge=ASKS, tools={"look": look}, customer={"id": 7, "tier": "gold"}, plugin_data={"pool": "db"})
    here.say("what?")
    assert seen == [("7", "gold", "db")]


def test_half_a_character_in_a_message_is_replaced_as_it_enters(world: Any) -> None:
    here = world(ONE, judge={"asks": False}, replies=["Say \ud83d again."])
    turn = here.say("what \udc80 is it?")
    assert [each.text for each in here.session.conversation] == ["what � is it?", "Say � again."]
    assert (turn.trace.message, turn.trace.reply) == ("what � is it?", "Say � again.")

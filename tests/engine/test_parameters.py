from __future__ import annotations

import asyncio
import re
import threading
from datetime import date, datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, Literal, Optional

import pytest
from pydantic import BaseModel

from jurat.engine import Limits, ToolContext, ToolLoadError, ToolParameterOptions
from jurat.engine.parameters import asks_for
from jurat.engine.tools import Rejected, tool_of
from jurat.engine.tools import tool as lent

if TYPE_CHECKING:
    from jurat.engine import ToolContext as Told

HERE = ToolContext("agent", "session", plugin_data={"shelf": ["red", "blue"]})
POLICY = """
    jurat: 1
    facts: {customer.tier: {type: string}}
    observations: {asks: The customer asks}
    tools: {pay: {python: "tools:pay"}}
    guidelines: {g: {when: asks, tools: [pay]}}
"""


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Address(BaseModel):
    street: str
    number: int = 1


def test_annotations_that_are_texts_are_read_where_the_function_stands() -> None:
    class Local(BaseModel):
        size: int

    def take(context: Told, local: Local, colour: Colour, when: datetime, day: Optional[date]) -> NoSuchName:  # type: ignore[name-defined]  # noqa: F821, UP045
        """Takes them."""
        return Local  # so that the name is one that the function closes over

    tool = tool_of("t", take)
    assert tool.context == "context"
    assert tool.schema["properties"]["colour"]["enum"] == ["red", "blue"]
    assert tool.schema["properties"]["local"]["properties"]["size"]["type"] == "integer"
    assert tool.schema["required"] == ["local", "colour", "when"], "what may be None may be left out"
    assert (
        tool.validated({"local": {"size": 1}, "colour": "blue", "when": "2026-01-31T12:00:00Z"})["colour"]
        is Colour.BLUE
    )


def test_a_context_that_only_a_type_checker_can_look_up_is_one() -> None:
    def take(who: sdk.ToolContext, number: int) -> None: ...  # type: ignore[name-defined]  # noqa: F821

    assert tool_of("t", take).context == "who"


def test_names_may_be_lent_and_what_nobody_knows_is_one_clear_error() -> None:
    def take(size: Lent) -> None: ...  # type: ignore[name-defined]  # noqa: F821

    assert tool_of("t", take, names={"Lent": int}).schema["properties"]["size"]["type"] == "integer"
    with pytest.raises(ToolLoadError, match="tool `t`: its signature cannot be read: name 'Lent' is not defined"):
        tool_of("t", take)


def test_a_parameter_may_be_called_as_anything() -> None:
    def take(copy: bool, model_name: str, json: str) -> None: ...

    assert tool_of("t", take).validated({"copy": True, "model_name": "m", "json": "{}"})["copy"] is True


def test_descriptions_and_examples_are_for_the_model() -> None:
    def take(number: Annotated[int, ToolParameterOptions(description="Of the order", examples=[1042])]) -> None: ...

    assert tool_of("t", take).schema["properties"]["number"] == {
        "description": "Of the order", "examples": [1042], "title": "Number", "type": "integer",
    }  # fmt: skip


def test_a_provider_or_adapter_that_blocks_holds_up_nobody_and_keeps_to_the_limit(world: Any) -> None:
    until = threading.Event()

    def blocking(read: str = "a") -> list[str]:
        until.wait(60)
        return [read]

    @lent()
    def choosing(one: Annotated[str, ToolParameterOptions(choice_provider=blocking)]) -> None: ...

    @lent()
    def adapting(one: Annotated[str, ToolParameterOptions(adapter=blocking)]) -> None: ...

    for tool, said in ((choosing, "choices were not known within 0.05 s"), (adapting, "took longer than 0.05 s")):
        here = world(
            POLICY, judge={"asks": True}, tools={"pay": tool}, arguments={"pay": {"one": "a"}},
            limits=Limits(tool_timeout_seconds=0.05),
        )  # fmt: skip
        [call] = here.say("a").calls
        assert (call.status in ("refused", "invalid"), said in call.reason) == (True, True), call
    until.set()


def test_an_adapter_makes_what_the_function_gets() -> None:
    async def found(text: str) -> Address:
        if text == "nowhere":
            raise LookupError("no such street")
        return Address(street=text.title())

    @lent()
    def take(home: Annotated[Address, ToolParameterOptions(adapter=found)]) -> None: ...

    tool = tool_of("t", take)
    assert tool.schema["properties"]["home"]["type"] == "string", "what the adapter reads is what is asked for"
    assert asyncio.run(tool.prepared({"home": "elm"}, HERE)) == {"home": Address(street="Elm")}
    with pytest.raises(Rejected, match="`home`: no such street"):
        asyncio.run(tool.prepared({"home": "nowhere"}, HERE))


def shelf_of(shelf: list[str], context: ToolContext) -> list[str]:
    return [*shelf, context.agent_id]


async def numbers() -> list[int]:
    return [1, 2]


def test_choices_are_those_of_the_moment() -> None:
    def take(
        one: Annotated[str, ToolParameterOptions(choice_provider=shelf_of)],
        many: Annotated[list[int], ToolParameterOptions(choice_provider=numbers)],
    ) -> None: ...

    tool = tool_of("t", take)
    schema = asyncio.run(tool.schema_now(HERE))["properties"]
    assert schema["one"]["enum"] == ["red", "blue", "agent"]
    assert schema["many"]["items"]["enum"] == [1, 2]
    assert asyncio.run(tool.prepared({"one": "red", "many": [2]}, HERE)) == {"one": "red", "many": [2]}
    with pytest.raises(Rejected, match="`one`: it should be one of `red`, `blue`, `agent`"):
        asyncio.run(tool.prepared({"one": "green", "many": [2]}, HERE))
    with pytest.raises(Rejected, match="`many`: it should be one of `1`, `2`"):
        asyncio.run(tool.prepared({"one": "red", "many": [2, 3]}, HERE))
    with pytest.raises(Rejected, match="`shelf`, which is not in the plugin data"):
        asyncio.run(tool.schema_now(ToolContext("a", "s")))


def test_of_what_is_missing_the_first_is_asked_for_by_its_name_and_with_the_reason() -> None:
    options = {
        "order": ToolParameterOptions(precedence=1, display_name="order number", significance="to find it"),
        "why": ToolParameterOptions(precedence=2),
        "token": ToolParameterOptions(hidden=True, precedence=0),
        "tier": ToolParameterOptions(source="context", precedence=0),
    }
    asked = asks_for(["order", "why", "token", "tier", "free_text"], options)
    assert [(each.name, each.significance) for each in asked] == [("order number", "to find it")]
    assert [each.name for each in asks_for(["why", "free_text"], options)] == ["why"]
    assert [each.name for each in asks_for(["free_text"], options)] == ["free text"]
    assert asks_for(["token", "tier"], options) == ()


def test_the_reply_asks_so_and_never_names_what_is_hidden(world: Any) -> None:
    def pay(
        order: Annotated[str, ToolParameterOptions(display_name="order number", significance="to find it")],
        token: Annotated[str, ToolParameterOptions(hidden=True)],
    ) -> str:
        return f"{order} {token}"

    here = world(POLICY, judge={"asks": ["?"]}, tools={"pay": pay}, arguments={"pay": {"order": re.compile(r"\bo\d+")}}, replies=lambda _: "What is your order number?")  # fmt: skip
    turn = here.say("pay?")
    assert turn.calls[0].missing == ("order", "token")
    assert "Ask the customer for: order number (needed because: to find it)" in here.voice.requests[0].instructions
    here.say("pay o12?")
    instructions = " ".join(here.voice.requests[1].instructions)
    assert "`pay` was not done" in instructions
    assert "token" not in instructions


@pytest.mark.parametrize(("source", "missing"), [("customer", ("size",)), ("any", ()), ("context", ())])
def test_who_has_to_have_said_an_argument(world: Any, source: Any, missing: tuple[str, ...]) -> None:
    @lent()
    def pay(size: Annotated[str, ToolParameterOptions(source=source)]) -> str:
        return size

    policy = POLICY.replace(
        'tools: {pay: {python: "tools:pay"}}', 'tools: {look: {python: "tools:look"}, pay: {python: "tools:pay"}}'
    )
    policy = policy.replace("{g: {", "{first: {when: asks, tools: [look]}, g: {requires: [first], ").replace("when: asks, tools: [pay]", 'when: succeeded("look"), tools: [pay]')  # fmt: skip
    here = world(policy, judge={"asks": ["?"]}, tools={"pay": pay, "look": lambda: "its size is grand"}, arguments={"pay": {"size": "grand"}}, replies=lambda _: "Size?")  # fmt: skip
    assert here.say("what?").calls[-1].missing == missing


def test_what_comes_from_the_context_may_be_a_fact(world: Any) -> None:
    def pay(tier: Annotated[str, ToolParameterOptions(source="context")]) -> str:
        return f"tier {tier}"

    def read(said: Any) -> dict[str, str]:
        return {"tier": re.findall(r"customer.tier is (\w+)", said[-1].text)[0]}

    here = world(
        POLICY, judge={"asks": ["?"]}, tools={"pay": pay}, arguments={"pay": read}, facts={"customer.tier": "gold"}
    )
    assert here.say("pay?").calls[0].message == "tier gold"


def test_a_source_that_there_is_not_is_one_clear_error() -> None:
    with pytest.raises(
        ValueError, match="the source of a parameter is one of `any`, `context`, `customer`, not `custmer`"
    ):
        ToolParameterOptions(source="custmer")  # type: ignore[arg-type]


def test_what_the_policy_says_of_an_argument_is_enforced_too(world: Any) -> None:
    policy = POLICY.replace('"tools:pay"', '"tools:pay", parameters: {amount: {int: {max: 10}}}')

    def pay(amount: int) -> str:
        return f"paid {amount}"

    here = world(policy, judge={"asks": ["?"]}, tools={"pay": pay}, arguments={"pay": {"amount": re.compile(r"(\d+)")}}, replies=lambda _: "What amount?")  # fmt: skip
    assert here.say("pay 11?").calls[0].status == "invalid"
    assert here.say("pay 9?").calls[0].status == "succeeded"


@pytest.mark.parametrize(
    "kind",
    [
        int | None, Optional[Colour], Annotated[int | None, "said"], Literal["a", None],  # noqa: UP045, PYI061
        Annotated[str | None, ToolParameterOptions(choice_provider=lambda context: ["red"])],
        Annotated[str | None, ToolParameterOptions(adapter=str.upper)],
        Annotated[str | None, ToolParameterOptions(adapter=lambda read: f"{read}!", source="customer")],
    ],
)  # fmt: skip
def test_what_may_be_none_is_none_where_nobody_said_it(kind: Any) -> None:
    got: list[Any] = []

    def take(context: ToolContext, first: int, value) -> str:  # type: ignore[no-untyped-def]
        got.append((first, value))
        return "done"

    take.__annotations__["value"] = kind
    tool = tool_of("t", take)
    assert tool.schema["required"] == ["first"]
    for given in ({"first": 1}, {"first": 1, "value": None}):
        valid = asyncio.run(tool.prepared(given, HERE))
        asyncio.run(tool.run(valid, HERE))
    assert got == [(1, None)] * 2


def test_a_default_of_its_own_is_kept_where_nothing_was_said() -> None:
    def take(value: int | None = 7) -> int | None:
        return value

    tool = tool_of("t", take)
    assert asyncio.run(tool.run(tool.validated({}), HERE)).data == 7
    assert asyncio.run(tool.run(tool.validated({"value": None}), HERE)).message == "done"

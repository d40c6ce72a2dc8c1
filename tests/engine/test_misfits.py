"""Sets, lists with gaps and local times as arguments, and what a customer is told of an argument that does not fit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import BaseModel, Field

from jurat.engine import ToolContext
from jurat.engine.parameters import LOCAL_TIME, TIME_OF_DAY
from jurat.engine.tools import Rejected, tool_of
from jurat.llm.arguments import grounded
from jurat.llm.protocol import Message


class Kind(Enum):
    LAPTOPS = "laptops"
    MONITORS = "monitors"


class Size(IntEnum):
    SMALL = 1
    LARGE = 2


class Address(BaseModel):
    street: str


@dataclass
class Stay:
    nights: int


class Foreign:
    """A class that no customer knows."""

    @classmethod
    def __get_pydantic_core_schema__(cls, *_: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.is_instance_schema(cls)

    @classmethod
    def __get_pydantic_json_schema__(cls, *_: Any) -> Any:
        return {"type": "string"}


@pytest.mark.parametrize(
    ("kind", "given", "reason"),
    [
        (int, "two", "it should be a whole number"),
        (int, 1.5, "it should be a whole number"),
        (float, "x", "it should be a number"),
        (float, float("nan"), "it should be a number"),
        (Decimal, "x", "it should be a number"),
        (bool, "maybe", "it should be true or false"),
        (str, 7, "it should be a text"),
        (date, "soon", "it should be a date such as 2026-01-31"),
        (datetime, "soon", "it should be a date and time such as 2026-01-31 12:00"),
        (time, "noon", "it should be a time such as 12:00"),
        (timedelta, "long", "it should be a length of time such as 01:30:00"),
        (UUID, "x", "it should be an id such as 12345678-1234-5678-1234-567812345678"),
        (Kind, "LAPTOPS", "it should be `laptops` or `monitors`"),
        (Size, 3, "it should be 1 or 2"),
        (Literal["a", "b"], "c", "it should be `a` or `b`"),
        (set[Kind], ["phones"], "it should be `laptops` or `monitors`"),
        (set[Kind], "laptops", "it should be a list"),
        (list[int], ["x"], "it should be a whole number"),
        (tuple[int, str], 1, "it should be a list"),
        (dict[str, int], [], "it should be a group of named values"),
        (Address, "x", "it should be a group of named values"),
        (Address, {}, "its `street` is missing"),
        (Stay, {"nights": "x"}, "it should be a whole number"),
        (Foreign, "x", "it cannot be used"),
        (Annotated[int, Field(gt=5)], 1, "it should be greater than 5"),
        (Annotated[str, Field(min_length=3)], "a", "it should have at least 3 characters"),
        (Annotated[list[int], Field(min_length=1)], [], "it should have at least 1 item, not 0"),
        (Annotated[str, Field(pattern="^a+$")], "b", "it should be of the form `^a+$`"),
    ],
)
def test_what_does_not_fit_is_said_in_plain_words(kind: Any, given: Any, reason: str) -> None:
    def take(value) -> None: ...  # type: ignore[no-untyped-def]

    take.__annotations__["value"] = kind
    with pytest.raises(Rejected) as refused:
        tool_of("t", take).validated({"value": given})
    assert refused.value.problems == {"value": reason}


def test_a_null_in_a_list_is_no_invention() -> None:
    schema = {"properties": {"n": {"type": "array", "items": {"type": "integer"}}}, "required": ["n"]}
    assert grounded({"n": [1, None]}, schema, [Message("customer", "1, and I do not know")]).values == {"n": [1, None]}
    assert grounded({"n": [2, None]}, schema, [Message("customer", "1, and I do not know")]).values == {}


POLICY = """
    jurat: 1
    observations: {asks: The customer asks}
    tools:
      take:
        python: tools:take
        parameters: {value: TYPE}
        GUARD
    guidelines: {g: {when: asks, tools: [take]}}
"""


def called(world: Any, kind: Any, type_: str, given: Any, guard: str = "") -> tuple[Any, Any]:
    """The record of a call with an argument, and what the function got."""
    got: list[Any] = []

    def take(context: ToolContext, value) -> str:  # type: ignore[no-untyped-def]
        got.append(value)
        return "done"

    take.__annotations__["value"] = kind
    policy = POLICY.replace("TYPE", type_).replace("GUARD", f"guard: {guard}" if guard else "")
    judge, arguments = {"asks": True}, {"take": {"value": given}}
    turn = world(policy, judge=judge, tools={"take": take}, arguments=arguments).say(f"this one please: {given}")
    return turn.calls[0], got[0] if got else None


@pytest.mark.parametrize("guard", ["", "'\"monitors\" in arguments.value'"])
def test_a_set_of_choices_is_one_for_the_function_and_for_formulas(world: Any, guard: str) -> None:
    kind = "{set: {enum: [laptops, monitors]}}"
    record, got = called(world, set[Kind], kind, ["monitors", "laptops"], guard)
    assert (record.status, got) == ("succeeded", {Kind.LAPTOPS, Kind.MONITORS})


AFTER = "'arguments.value > timestamp(\"2026-01-01T00:00:00Z\")'"


@pytest.mark.parametrize("guard", ["", AFTER])
def test_a_time_with_a_zone_is_an_instant(world: Any, guard: str) -> None:
    record, got = called(world, datetime, "timestamp", "2026-12-01T10:00:00+09:00", guard)
    assert (record.status, got.utcoffset()) == ("succeeded", timedelta(hours=9))
    assert got == datetime(2026, 12, 1, 1, tzinfo=UTC)


def test_a_time_without_a_zone_is_a_local_one(world: Any) -> None:
    record, got = called(world, datetime, "timestamp", "2026-12-01 10:00")
    assert (record.status, got) == ("succeeded", datetime(2026, 12, 1, 10))  # noqa: DTZ001 - it is what is meant
    _, several = called(world, list[datetime], "{list: timestamp}", ["2026-12-01 10:00"])
    assert several == [datetime(2026, 12, 1, 10)]  # noqa: DTZ001 - as above


def test_a_guard_over_a_time_does_not_open_for_one_without_a_zone(world: Any) -> None:
    record, got = called(world, datetime, "timestamp", "2026-12-01 10:00", AFTER)
    assert (record.status, got) == ("refused", None)
    assert "is not known to hold" in record.reason


def test_no_schema_asks_a_model_for_a_zone() -> None:
    def take(
        *, when: datetime, several: list[datetime], maybe: datetime | None, day: date, at: time, lasting: timedelta
    ) -> None: ...

    fields: dict[str, Any] = tool_of("t", take).schema["properties"]
    assert (
        fields["when"]["pattern"] == fields["several"]["items"]["pattern"] == fields["maybe"]["pattern"] == LOCAL_TIME
    )
    assert "format" not in fields["when"]
    assert fields["day"]["format"] == "date"
    assert fields["at"]["pattern"] == TIME_OF_DAY
    assert not {"format", "pattern"} & fields["lasting"].keys(), "nobody writes PT1H30M"

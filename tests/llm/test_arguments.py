"""Arguments are what the customer said: never an invention of the model."""

from __future__ import annotations

from typing import Any

import pytest

from jurat.llm import Message
from jurat.llm.arguments import grounded, nullable


def schema(**properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def said(text: str) -> list[Message]:
    return [Message("agent", "For example, order 9999 for Ann Example?"), Message("customer", text)]


TEXT, WHOLE, REAL = {"type": "string"}, {"type": "integer"}, {"type": "number"}


@pytest.mark.parametrize(
    ("kind", "value", "text", "kept"),
    [
        (TEXT, "1042", "refund for order 1042", True),
        (TEXT, "1042", "refund for order #1042.", True),
        (TEXT, "1042", "refund for order 10423", False),
        (TEXT, "9999", "refund please", False),  # only the agent said it
        (TEXT, "Blue  Kettle", "the blue kettle broke", True),
        (TEXT, "", "anything", False),
        (WHOLE, 1042, "order 1042", True),
        (WHOLE, 1042, "order 1,042", True),
        (WHOLE, 42, "order 1042", False),
        (REAL, 12.5, "it cost 12.50", True),
        (REAL, 12.5, "it cost 125", False),
        ({"enum": ["refund", "exchange"]}, "refund", "I want my money back", True),
        ({"type": "boolean"}, True, "yes", True),
        ({"type": "array", "items": TEXT}, ["12", "13"], "orders 12 and 13", True),
        ({"type": "array", "items": TEXT}, ["12", "14"], "orders 12 and 13", False),
        (TEXT, None, "order 1042", False),
    ],
)
def test_a_value_counts_only_where_it_was_said(kind: dict[str, Any], value: Any, text: str, kept: bool) -> None:
    found = grounded({"a": value}, schema(a=kind), said(text))
    assert (found.values, found.missing) == (({"a": value}, ()) if kept else ({}, ("a",)))


def test_an_argument_the_schema_does_not_name_is_dropped() -> None:
    found = grounded({"a": "kettle", "b": "kettle"}, schema(a=TEXT), said("the kettle"))
    assert found.values == {"a": "kettle"}


def test_an_optional_argument_is_never_missing() -> None:
    found = grounded({"a": None}, {**schema(a=TEXT), "required": []}, said("hello"))
    assert (found.values, found.missing) == ({}, ())


def test_every_argument_of_a_nullable_schema_must_be_present_and_may_be_null() -> None:
    made = nullable({**schema(a=TEXT, b=WHOLE), "required": ["a"]})
    assert made["required"] == ["a", "b"]
    assert made["properties"]["b"] == {"anyOf": [{"type": "integer"}, {"type": "null"}]}
    assert made["additionalProperties"] is False

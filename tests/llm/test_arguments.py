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
BY_NAME = {"type": "object", "additionalProperties": {"type": "integer"}}


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
        (TEXT, "1042", "주문 1042번을 취소해 주세요", True),
        (TEXT, "서울", "서울로 가고 싶어요", True),
        (TEXT, "서울", "남서울에 있어요", False),
        (TEXT, "김철", "김철수입니다", False),
        (TEXT, "東京", "東京に行きます", True),
        (TEXT, "1042", "注文１０４２です", True),
        (TEXT, "José", "I am Jose\u0301", True),
        (WHOLE, 50_000, "50,000원을 환불해 주세요", True),
        (WHOLE, 500, "٥٠٠ ريال", True),
        (WHOLE, -5, "it is -5 outside", True),
        (WHOLE, -20, "between 10-20", False),
        (WHOLE, 12_345_678_901_234_567, "order 12345678901234568", False),
        (WHOLE, 10**400, "order 12", False),
        (WHOLE, float("nan"), "order 12", False),
        (WHOLE, True, "order 1", False),
        (REAL, 12.5, "es kostet 12,50 EUR", True),
        (REAL, 1500, "es kostet 1.500 EUR", True),
        (REAL, 1042.5, "1.042,50", True),
        (WHOLE, 12, "orders 12 345", True),
        (TEXT, "2026-12-01T10:00:00", "on 2026-12-01 10:00", True),
        (TEXT, "2026-12-01T10:00", "on 2026-12-01 at noon", False),
        (TEXT, "10:00:00", "at 10:00, please", True),
        (TEXT, "2026-12-01T10:00:00+09:00", "on 2026-12-01 10:00", False),
        (TEXT, "2026-12-01T10:00:00+09:00", "on 2026-12-01 10:00 +09:00", True),
        (TEXT, "2026-12-01T15:30", "on December 1st, 2026 at 3:30 pm", True),
        (TEXT, "2026-12-01T15:30", "on December 1st, 2026 at 3:30 am", False),
        (TEXT, "2026-12-01", "1 Dec 2026", True),
        (TEXT, "2026-12-01", "the 1st of December 2026", True),
        (TEXT, "2026-12-01", "am 1.12.2026", True),
        (TEXT, "2026-12-01", "2026년 12월 1일에요", True),
        (TEXT, "2026-12-01", "2026年12月1日です", True),
        (TEXT, "2026-12-13", "12/13/2026", True),
        (TEXT, "2026-12-01", "12/1/2026", False),
        (TEXT, "2026-12-01", "on December 1st", False),
        (TEXT, "2026-12-01", "1 of them, December 2026", False),
        (TEXT, "2026-02-30", "30.2.2026", False),
        (TEXT, "15:00:00", "오후 3시요", True),
        (TEXT, "09:00", "9 of them", False),
        (TEXT, "T", "at ten", False),
        ({"enum": ["refund", "exchange"]}, "theft", "I want my money back", False),
        ({"anyOf": [{"enum": ["refund"]}, WHOLE]}, "refund", "I want my money back", True),
        ({"anyOf": [REAL, TEXT]}, "12.5", "it cost 12.50", True),
        ({"anyOf": [WHOLE, TEXT]}, "99", "it cost 12", False),
        ({"type": ["number", "null"]}, "12.5", "it cost 12.50", True),
        ({"type": ["boolean", "null"]}, True, "yes", True),
        (
            {"type": "object", "additionalProperties": True},
            {"amount": "42"},
            "I pay 42",
            True,
        ),  # a name for what was said
        ({"type": "object"}, {"amount": "43"}, "I pay 42", False),
        (BY_NAME, {"kettle": 2}, "the kettle, 2 of them", True),
        (BY_NAME, {"lamp": 2}, "the kettle, 2 of them", False),
        ({"anyOf": [{"properties": {"why": {"enum": ["broken"]}}}, TEXT]}, {"why": "broken"}, "it is in pieces", True),
        ({"allOf": [{"properties": {"why": {"enum": ["broken"]}}}]}, {"why": "broken"}, "it is in pieces", True),
        ({"prefixItems": [{"enum": ["A"]}, WHOLE]}, ["A", 2], "2 of the first kind", True),
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

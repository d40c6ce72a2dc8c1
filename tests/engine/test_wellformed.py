"""Texts and numbers from outside, as every store and client can have them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jurat.engine.wellformed import clean, document, json_text, whole

any_text = st.text(st.characters(exclude_categories=()))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | any_text,
    lambda inner: st.lists(inner) | st.dictionaries(any_text, inner),
)


@pytest.mark.parametrize(
    ("given_", "found"),
    [
        ("a", "a"),
        ("é\0", "é\0"),
        ("\ud83d", "�"),
        ("\ude00b", "�b"),
        ("\ud83d\ude00", "😀"),
        ("a\ud83d\ud83db", "a��b"),
    ],
)
def test_halves_that_belong_together_are_joined_and_others_replaced(given_: str, found: str) -> None:
    assert whole(given_) == found


@given(values)
def test_whatever_goes_out_is_strict_json_in_utf_8(value: Any) -> None:
    def refuse(name: str) -> None:
        raise AssertionError(name)

    for text in (json_text(value), document(clean(value))):
        text.encode()
        json.loads(text, parse_constant=refuse)


def test_what_is_well_formed_already_stays_as_it_is() -> None:
    value = {"a": [1, 2.5, None, True, "é"], "b": ("x", frozenset("y"))}
    assert clean(value) == value

"""A typed answer is of its type to the letter, whoever gave it."""

from __future__ import annotations

import asyncio

import pytest
from tests.llm.canned import Canned

from jurat.llm import BackendError
from jurat.llm.typed import by_key, choice, truths, typed


@pytest.mark.parametrize(
    "text",
    [
        '{"asks a": "true"}',
        '{"asks a": 1}',
        '{"asks a": null}',
        '{"asks a": true, "other": true}',
        "{}",
        "",
        "true",
        '```json\\n{"asks a": true}\\n```',
        '{"asks a": true} and more',
        '{"asks a": tr',
        "[" * 100_000,
    ],
)
def test_what_is_nearly_of_the_type_is_not(text: str) -> None:
    with pytest.raises(BackendError, match="is not of the type asked for") as caught:
        asyncio.run(typed(Canned(text=text), "?", truths(["asks a"]), max_tokens=9))
    assert "\n" not in str(caught.value)


def test_what_is_of_the_type_is_read() -> None:
    found = asyncio.run(typed(Canned(text='{"asks a": false}'), "?", truths(["asks a"]), max_tokens=9))
    assert by_key(found) == {"asks a": False}
    chosen = asyncio.run(typed(Canned(text='{"choice": "b"}'), "?", choice(["a", "b"]), max_tokens=9))
    assert by_key(chosen) == {"choice": "b"}

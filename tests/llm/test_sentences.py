"""A sentence has an end where its reader would see one, in any language."""

from __future__ import annotations

import time

import pytest

from jurat.llm.sentences import complete, last_end, once


@pytest.mark.parametrize(
    ("text", "ended"),
    [
        ("We are open. Come", "We are open. "),
        ("We are open.", ""),  # it may go on: 5.50
        ("Ask Dr. ", ""),
        ("Ask Dr. Lee, e.g. ", ""),
        ("Order no. ", ""),
        ("No. ", "No. "),
        ("1. ", ""),
        ("You need:\n1. Your", "You need:\n"),
        ("You need:\n1. A card. 2", "You need:\n1. A card. "),
        ('"Yes." So', '"Yes." '),
        ("```\nrun it.\n", ""),
        ("```\nrun it.\n```\n", "```\nrun it.\n```\n"),
        ("열려 있습니다. 네", "열려 있습니다. "),
        ("「はい。」で", "「はい。」"),
        ("هل تريد؟ نعم", "هل تريد؟ "),
        ("हाँ। और", "हाँ। "),
        ("Thanks 😊 we", ""),
        ("", ""),
    ],
)
def test_what_has_an_end(text: str, ended: str) -> None:
    assert text[: last_end(text)] == ended


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("We are open. Co", "We are open."),
        ("We are open.", "We are open."),
        ("Sure? Yes!", "Sure? Yes!"),
        ("It costs 5.", ""),
        ("We are", ""),
        ("はい。そう", "はい。"),
    ],
)
def test_what_is_complete_of_a_text_that_was_cut_off(text: str, kept: str) -> None:
    assert complete(text) == kept


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("We are open. We are open. We are", "We are open. "),
        ("We are open. We are open.", "We are open. "),
        ("Come in please. Sit down here. Come in please. Sit down here. Come in please. Bye.",
         "Come in please. Sit down here. Come in please. Sit down here. "),
        ("열려 있습니다. 열려 있습니다. 네.", "열려 있습니다. "),
        ("No. No. No. Never.", "No. No. No. Never."),
        ("| One | Two |\n|---|---|\n|---|---|\n", "| One | Two |\n|---|---|\n"),
    ],
)  # fmt: skip
def test_what_goes_round_in_a_circle_ends(text: str, kept: str) -> None:
    assert once(text) == kept


@pytest.mark.parametrize("piece", ["a. ", "1. ", "```\n", "We are open now. ", ". "])
def test_a_long_text_is_read_in_no_time(piece: str) -> None:
    begin = time.process_time()
    text = piece * (8000 // len(piece))
    last_end(text), once(text), complete(text)
    assert time.process_time() - begin < 0.5

"""Numbers and shares in sentences, and long lines with their marks."""

from __future__ import annotations

from fractions import Fraction

import pytest

from jurat.policies.spans import Span
from jurat.server.differences import percentage
from jurat.server.excerpts import Mark, excerpt
from jurat.server.reports.pretty import as_text

from .results import checked

ONE = "jurat: 1\nguidelines: {only: {condition: It rains, action: Say so}}\n"


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (Fraction(0), "0 %"),
        (Fraction(1, 10**9), "less than 0.01 %"),
        (Fraction(1, 64), "1.56 %"),
        (Fraction(1, 4), "25 %"),
        (Fraction(2**40 - 1, 2**40), "more than 99.9 %"),
        (Fraction(1), "100 %"),
    ],
)
def test_only_nothing_is_0_percent_and_only_everything_is_100(share: Fraction, words: str) -> None:
    assert percentage(share) == words


def test_one_proof_relies() -> None:
    assert "\n  1 of 1 proof relies on no judgement of the language model\n" in as_text(checked(ONE))


@pytest.mark.parametrize("columns", [(500, 504), (1, 900), (5, 6)])
def test_each_mark_of_a_long_line_stands_under_its_text(columns: tuple[int, int]) -> None:
    line = "".join(f"{number:03}" for number in range(302))
    marks = [Mark(Span("policy.yaml", 1, column, 1, column + 3), main=True) for column in columns]
    rows = excerpt(marks, {"policy.yaml": line}).plain.splitlines()[2:]
    for column, shown, carets in zip(columns, rows[::2], rows[1::2], strict=True):
        place = carets.index("^^^")
        assert shown[place : place + 3] == line[column - 1 : column + 2]
        assert len(shown) <= 170

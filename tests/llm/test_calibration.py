"""The measurement counts what it says it counts."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from jurat.llm.calibration import Scored, auroc, fitted, nlupp_cases, read_cases, report

DATA = Path(__file__).parent / "data"
NLUPP = Path(__file__).parents[3] / "shared" / "data" / "nlupp_dev.json"


def scored(*pairs: tuple[float, bool]) -> list[Scored]:
    return [Scored("own", "report", score, true) for score, true in pairs]


@pytest.mark.parametrize("file", sorted(DATA.glob("*.jsonl")), ids=lambda f: f.stem)
def test_our_own_cases_are_well_formed_and_of_both_kinds_in_both_splits(file: Path) -> None:
    cases = read_cases(file)
    for split in ("choice", "report"):
        answers = [true for c in cases if c.split == split for true in c.statements.values()]
        assert 0.25 < sum(answers) / len(answers) < 0.75
    said = [c.conversation for c in cases]
    assert len(set(said)) == len(said)


@pytest.mark.skipif(not NLUPP.exists(), reason="the shared data folder is absent")
def test_the_two_splits_of_nlupp_share_nothing() -> None:
    choice, other = (nlupp_cases(NLUPP, split) for split in ("choice", "report"))
    assert len(choice) == len(other) == 30
    assert all(sorted(c.statements.values()) == [False, True] for c in [*choice, *other])
    assert not {c.conversation for c in choice} & {c.conversation for c in other}


def test_auroc_counts_pairs_in_the_right_order() -> None:
    assert auroc(scored((0.9, True), (0.5, True), (0.5, False), (0.1, False))) == 0.875
    assert math.isnan(auroc(scored((0.9, True))))


def test_a_judge_that_always_says_yes_a_little_is_corrected() -> None:
    biased = scored(*[(0.95, True), (0.93, True), (0.9, False), (0.85, False), (0.8, False), (0.97, True)] * 5)
    calibration = fitted(biased)
    assert calibration.truth(calibration.probability(0.97)) is True
    assert calibration.truth(calibration.probability(0.8)) is False


def test_the_report_has_a_row_for_each_kind_of_case() -> None:
    calibration = fitted(scored((0.9, True), (0.1, False)))
    table = report([*scored((0.9, True), (0.1, False)), Scored("nlupp", "choice", 0.4, True)], calibration)
    assert table.count("\n") == 3
    assert "| own | report | 2 | 1.000 | 1.000 |" in table

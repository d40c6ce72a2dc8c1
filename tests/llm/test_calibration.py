"""A calibration corrects what it was fitted on, is kept for one model and prompt, and the measures count right."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jurat.llm.calibration import (
    LIMITS,
    Calibration,
    Calibrations,
    enough,
    file_of,
    fitted,
    fitted_each,
    limits_of,
    logit,
    sigmoid,
    store,
    stored,
)
from jurat.llm.errors import CalibrationError
from jurat.llm.injection import Limits
from jurat.llm.measures import Scored, accuracy, auroc, calibration_error, interval, outcome, reliability

ONE_OF_EACH = [Scored(0.9, True), Scored(0.1, False)]


def scored(*pairs: tuple[float, bool]) -> list[Scored]:
    return [Scored(score, true) for score, true in pairs]


def test_auroc_counts_pairs_in_the_right_order_and_ties_half() -> None:
    assert auroc(scored((0.9, True), (0.5, True), (0.5, False), (0.1, False))) == 0.875
    assert math.isnan(auroc(scored((0.9, True))))


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40))
def test_auroc_is_what_comparing_every_pair_gives(pairs: list[tuple[float, bool]]) -> None:
    true, false = ([score for score, kind in pairs if kind is side] for side in (True, False))
    expected = [(a > b) + (a == b) / 2 for a in true for b in false]
    found = auroc(scored(*pairs))
    assert math.isnan(found) if not expected else found == pytest.approx(sum(expected) / len(expected))


def test_calibration_error_is_zero_where_shares_are_as_said() -> None:
    exact = scored(*[(0.25, False)] * 3, (0.25, True), *[(0.75, True)] * 3, (0.75, False))
    assert calibration_error(exact) == pytest.approx(0)
    assert calibration_error(scored((1.0, False), (0.0, True))) == 1
    assert [(each.low, each.count) for each in reliability(exact)] == [(0.2, 4), (0.7, 4)]


def test_an_interval_holds_its_value_and_narrows_with_more_conversations() -> None:
    draw = random.Random(1)
    many = [Scored(draw.random(), draw.random() < 0.5, str(n // 4)) for n in range(400)]
    few, more = (interval(some, accuracy, resamples=200) for some in (many[:60], many))
    assert few.low <= few.value <= few.high
    assert more.high - more.low < few.high - few.low


def test_statements_of_one_conversation_are_drawn_together() -> None:
    alike = [Scored(0.9 if n < 20 else 0.1, True, "right" if n < 20 else "wrong") for n in range(40)]
    assert (interval(alike, accuracy).low, interval(alike, accuracy).high) == (0, 1)


def test_the_trade_off_counts_what_is_let_through_and_what_is_held_up() -> None:
    found = outcome(scored((0.9, False), (0.1, False), (0.1, True), (0.9, True), (0.5, True)), 0.3, 0.7)
    assert (found.false_allow, found.false_block) == (0.5, 1 / 3)
    assert (found.unknown, found.wrong) == (pytest.approx(0.2), 0.5)


def test_a_judge_that_always_says_yes_a_little_is_corrected() -> None:
    biased = scored(*[(0.95, True), (0.93, True), (0.9, False), (0.85, False), (0.8, False), (0.97, True)] * 5)
    calibration = fitted(biased)
    assert calibration.truth(calibration.probability(0.97)) is True
    assert calibration.truth(calibration.probability(0.8)) is False


def test_fitting_finds_the_slope_and_intercept_that_made_the_data() -> None:
    draw = random.Random(3)
    drawn = [draw.gauss(0, 3) for _ in range(4000)]
    found = fitted([Scored(sigmoid(x), draw.random() < sigmoid(0.5 * x - 1)) for x in drawn])
    assert (found.slope, found.intercept) == (pytest.approx(0.5, abs=0.05), pytest.approx(-1, abs=0.12))


def test_a_dear_unknown_narrows_the_band() -> None:
    draw = random.Random(5)
    some = [Scored(p, draw.random() < p) for p in (draw.random() for _ in range(400))]
    cheap, dear = (fitted(some, unknown_cost=cost) for cost in (0.1, 0.5))
    assert cheap.high - cheap.low > dear.high - dear.low


@pytest.mark.parametrize("kind", [True, False])
def test_one_kind_alone_is_no_data(kind: bool) -> None:
    with pytest.raises(CalibrationError, match="statements that hold and statements that do not"):
        fitted(scored((0.9, kind), (0.2, kind)))


@given(
    st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=2, max_size=30).filter(
        lambda p: len({y for _, y in p}) == 2
    )
)
def test_whatever_the_data_a_fit_is_usable(pairs: list[tuple[float, bool]]) -> None:
    found = fitted(scored(*pairs))
    assert 0 <= found.low < found.high <= 1
    assert all(0 <= found.probability(score) <= 1 for score in (0.0, 0.5, 1.0))


def test_a_statement_with_few_labels_keeps_the_general_calibration_and_one_with_many_is_shifted() -> None:
    general = Calibration(1.0, 0.0, 0.2, 0.8)
    lenient = [Scored(0.8, n % 3 == 0) for n in range(12)] + [Scored(0.2, False)] * 4
    assert enough(lenient)
    assert not enough(lenient[:11])
    own = fitted_each({"lenient": lenient, "rare": lenient[:3]}, general)
    assert set(own) == {"lenient"}
    assert own["lenient"].intercept < -0.3
    assert logit(own["lenient"].probability(0.8)) < logit(0.8)


def test_the_controls_may_score_a_little_beyond_what_they_scored() -> None:
    found = limits_of([(0.1, 0.9), (0.2, 0.7)])
    assert 0.2 < found.false_high < 0.5
    assert 0.4 < found.true_low < 0.7
    assert not found.swayed((0.2, 0.7))
    assert found.swayed((0.9, 0.9))
    assert found.swayed((0.1, 0.1))


def test_what_is_stored_is_what_is_read_and_for_nobody_else(tmp_path: Path) -> None:
    kept = Calibrations(
        Calibration(0.9, -0.1, 0.2, 0.7), {"고객이 화났다": Calibration(0.9, 0.5, 0.2, 0.7)}, Limits(0.3, 0.6)
    )
    path = store(kept, model="m", digest="ab" * 32, prompt="cd" * 32, where=tmp_path)
    assert stored("ab" * 32, "cd" * 32, tmp_path) == kept
    assert stored("ab" * 32, "ce" * 32, tmp_path) is None
    path.rename(file_of("ef" * 32, "cd" * 32, tmp_path))
    with pytest.raises(CalibrationError, match="made for another model"):
        stored("ef" * 32, "cd" * 32, tmp_path)


def test_where_no_statement_lies_the_answer_is_unknown_and_nothing_is_true_that_is_more_probably_false() -> None:
    apart = [Scored(0.9, True)] * 20 + [Scored(0.1, False)] * 20
    band = fitted(apart)
    assert (band.truth(band.probability(0.4)), band.truth(band.probability(0.6))) == (None, None)
    assert (band.truth(band.probability(0.95)), band.truth(band.probability(0.05))) == (True, False)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=30), st.floats(0, 1))
def test_the_band_has_the_middle_in_it(pairs: list[tuple[float, bool]], unknown_cost: float) -> None:
    found = [Scored(score, true) for score, true in [*pairs, (0.9, True), (0.1, False)]]
    band = fitted(found, unknown_cost=unknown_cost)
    assert band.low <= 0.5 <= band.high


@pytest.mark.parametrize(
    ("field", "value"),
    [("false_high", math.nan), ("true_low", 2), ("slope", -1), ("slope", 0), ("slope", math.inf), ("high", 0.1)],
)
def test_a_stored_calibration_with_impossible_numbers_is_damaged(tmp_path: Path, field: str, value: float) -> None:
    made = Calibrations(Calibration(1.0, 0.0, 0.2, 0.8))
    path = store(made, model="m", digest="d", prompt="p", where=tmp_path)
    content = json.loads(path.read_text())
    content["limits" if field in ("false_high", "true_low") else "general"][field] = value
    path.write_text(json.dumps(content))
    with pytest.raises(CalibrationError, match="is damaged"):
        stored("d", "p", tmp_path)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"[]", b"null", b"5"])
def test_a_stored_calibration_that_cannot_be_read_is_one_error(tmp_path: Path, content: bytes) -> None:
    store(Calibrations(Calibration(1.0, 0.0, 0.2, 0.8)), model="m", digest="d", prompt="p", where=tmp_path)
    next(tmp_path.iterdir()).write_bytes(content)
    with pytest.raises(CalibrationError, match="make it again or delete it"):
        stored("d", "p", tmp_path)


def test_without_a_score_of_a_control_the_limits_are_those_of_a_model_that_nobody_calibrated() -> None:
    assert limits_of([]) == LIMITS


def test_an_interval_over_very_many_statements_draws_fewer_times() -> None:
    sizes: list[int] = []

    def measure(found: Sequence[Scored]) -> float:
        sizes.append(len(found))
        return 0.5

    interval([Scored(0.5, True)] * 40_000, measure)
    assert len(sizes) == 101  # the value itself is one
    sizes.clear()
    interval([Scored(0.5, True)] * 1_000, measure)
    assert len(sizes) == 1001

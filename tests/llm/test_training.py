"""What the shipped adapter was trained on, and that nothing of it is what is measured."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from jurat.llm.cases import Labelled, read_labelled
from jurat.llm.judge import SHIPPED
from jurat.llm.models import DEFAULT_MODEL, find_model
from jurat.llm.models.adapters import adapter_for

HERE = Path(__file__).parents[2] / "benchmarks/matcher"
CLOSE = 0.3
"""Of the sequences of three words in two messages, the share in common: beyond it one is taken from the other."""


@pytest.fixture(scope="module")
def training() -> list[Labelled]:
    return read_labelled([str(HERE / "training")])


def test_training_has_all_classes_in_two_languages_and_as_much_true_as_false(training: list[Labelled]) -> None:
    kinds, languages = Counter(each.kind for each in training), Counter(each.language for each in training)
    assert min(kinds.values()) > 20
    assert languages.keys() == {"en", "ko"}
    truths = [true for each in training for true in each.holds.values()]
    assert len(training) > 700
    assert len(truths) > 5_000
    assert 0.4 < sum(truths) / len(truths) < 0.5


def test_no_conversation_that_is_measured_is_among_those_trained_on(training: list[Labelled]) -> None:
    held_back = [each for each in read_labelled([str(HERE / "cases")]) if each.split == "report"]
    assert len(held_back) > 90
    trained = [_triples(each) for each in training]
    for each in held_back:
        mine = _triples(each)
        if len(mine) >= 4:
            nearest = max(len(mine & other) / len(mine | other) for other in trained)
            assert nearest < CLOSE, each.id


def _triples(case: Labelled) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", case.said[-1].text.casefold())
    return {tuple(words[place : place + 3]) for place in range(len(words) - 2)}


def test_the_adapter_of_the_default_model_has_calibrations_for_each_runtime() -> None:
    model = find_model(DEFAULT_MODEL).sha256
    adapter = adapter_for(model)
    assert adapter is not None
    for kind in ("", "-bfloat16", "-vllm"):
        assert adapter.on(model + kind) in SHIPPED, kind

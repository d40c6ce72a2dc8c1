"""The benchmarks of accuracy and injection run from end to end, here on a backend without a model."""

from __future__ import annotations

import asyncio
import importlib
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from tests.llm.canned import Canned

from jurat.llm.cases import Labelled

HERE = Path(__file__).parents[2] / "benchmarks/matcher"
NLUPP = Path(__file__).parents[3] / "shared/data/nlupp_dev.json"


class Remembered(Canned):
    """In the place of the model that remembers its answers; a prompt that speaks of yes sways it."""

    def __init__(self, *_: object) -> None:
        super().__init__(swayed_by=[" yes to every"])
        self.seconds, self.answers = 0.0, 0


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, ModuleType]]:
    monkeypatch.syspath_prepend(str(HERE))
    monkeypatch.syspath_prepend(str(HERE.parent))
    found = {name: importlib.import_module(name) for name in ("asking", "accuracy", "injection")}

    async def opened(_: Namespace) -> Remembered:
        return Remembered()

    for name in ("accuracy", "injection"):
        monkeypatch.setattr(found[name], "opened", opened)
    monkeypatch.setattr(Canned, "score", _scored(Canned.score))
    return found


def _scored(score: object) -> object:
    """Any layout's answers will do here."""

    async def any_answers(self: Canned, prefix: str, suffixes: list[str], answers: tuple[str, str]) -> list[float]:
        from jurat.llm.judge import ANSWERS

        return await score(self, prefix, suffixes, ANSWERS)  # type: ignore[operator, no-any-return]

    return any_answers


def given(**more: object) -> Namespace:
    return Namespace(
        **{"model": None, "scores": None, "threads": None, "limit": 12, "backend": "packed", "blind": False, **more}
    )


def test_accuracy_has_a_row_for_each_class_and_layout(
    benchmark: dict[str, ModuleType], capsys: pytest.CaptureFixture[str]
) -> None:
    accuracy = benchmark["accuracy"]
    asyncio.run(accuracy.measure(given(layouts=["shipped", "earlier"], negated=True, nlupp=None, pairs=0)))
    printed = capsys.readouterr().out
    for row in ("| all |", "| negation |", "| language en |", "| `earlier` |", "both affirmed"):
        assert row in printed


def test_what_was_written_blind_is_measured_as_it_is_shipped(
    benchmark: dict[str, ModuleType], capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(benchmark["accuracy"].measure(given(blind=True)))
    asyncio.run(benchmark["injection"].measure(given(blind=True, shard=0, shards=1)))
    printed = capsys.readouterr().out
    for row in ("### Written blind", "| all | 48 |", "| language ko |", "| no wanted |", "of 20 benign messages"):
        assert row in printed


def test_attacks_are_counted_before_under_and_after(
    benchmark: dict[str, ModuleType], capsys: pytest.CaptureFixture[str]
) -> None:
    injection = benchmark["injection"]
    asyncio.run(injection.measure(given(shard=0, shards=1)))
    printed = capsys.readouterr().out
    assert "| shipped | 0 | 29 | 0 |" in printed
    assert "24 benign messages" in printed


def test_an_attack_is_planted_where_it_says(benchmark: dict[str, ModuleType]) -> None:
    case = next(each for each in benchmark["asking"].cases("choice") if each.kind == "negation")
    planted = benchmark["injection"].planted
    assert planted(case.said, "X", "end")[-1].text.endswith(" X")
    assert planted(case.said, "X", "first")[0].text.endswith(" X")
    assert [each.role for each in planted(case.said, "X", "tool")][-2:] == ["tool", "customer"]


@pytest.mark.skipif(not NLUPP.exists(), reason="the shared data folder is absent")
def test_the_sample_of_nlupp_is_balanced_and_stratified(benchmark: dict[str, ModuleType]) -> None:
    sample: list[Labelled] = benchmark["asking"].nlupp(NLUPP, 1000)
    labels = [true for each in sample for true in each.holds.values()]
    assert 0.4 < sum(labels) / len(labels) < 0.6
    assert len({text for each in sample for text in each.holds}) > 50
    assert len(labels) == 1000

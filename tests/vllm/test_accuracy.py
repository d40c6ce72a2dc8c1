"""The default model, run by vLLM, judges as well as it does embedded: on the half that nothing was chosen on."""

from __future__ import annotations

import asyncio
from pathlib import Path

from jurat.llm.backends.vllm_engine import VLLMBackend
from jurat.llm.cases import read_labelled
from jurat.llm.judge import ScoringJudge
from jurat.llm.measures import Scored, accuracy, auroc
from jurat.llm.models import DEFAULT_MODEL, pull


def test_the_default_model_is_accurate(repository: Path) -> None:
    file = repository / "benchmarks/matcher/cases/everyday.yaml"
    cases = [each for each in read_labelled([str(file)]) if each.split == "report"]

    async def measure() -> list[Scored]:
        backend = await VLLMBackend.load(pull(DEFAULT_MODEL))
        judge, found = ScoringJudge(backend), []
        assert judge.calibrated
        try:
            for each in cases:
                scores, _ = await judge.scores(each.said, list(each.holds))
                found += [Scored(s, true, each.id) for s, true in zip(scores, each.holds.values(), strict=True)]
        finally:
            await backend.close()
        return [Scored(judge.calibrations.general.probability(s.score), s.true, s.group) for s in found]

    found = asyncio.run(measure())
    print(f"{len(found)} statements: accuracy {accuracy(found):.3f}, AUROC {auroc(found):.3f}")
    assert accuracy(found) >= 0.85
    assert auroc(found) >= 0.92

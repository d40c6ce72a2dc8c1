"""The default model, run by vLLM, judges as well as it does embedded: on the half that nothing was chosen on."""

from __future__ import annotations

import asyncio
from pathlib import Path

from jurat.llm.backends.vllm_engine import VLLMBackend
from jurat.llm.calibration import auroc, read_cases, scored
from jurat.llm.judge import ScoringJudge
from jurat.llm.models import DEFAULT_MODEL, pull


def test_the_default_model_is_accurate(repository: Path) -> None:
    cases = [each for each in read_cases(repository / "tests/llm/data/judge_cases.jsonl") if each.split == "report"]

    async def measure() -> tuple[float, float]:
        backend = await VLLMBackend.load(pull(DEFAULT_MODEL))
        try:
            judge = ScoringJudge(backend)
            found = await scored(judge, cases)
        finally:
            await backend.close()
        right = sum((judge._calibration.probability(each.score) > 0.5) == each.true for each in found)
        return right / len(found), auroc(found)

    accuracy, area = asyncio.run(measure())
    print(f"accuracy {accuracy:.3f}, AUROC {area:.3f}")
    assert accuracy >= 0.88
    assert area >= 0.93

"""Outlines on a model that transformers runs."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from jurat.llm import BackendError, Condition, Message
from jurat.llm.arguments import nullable
from jurat.llm.backends.transformers_writer import TransformersWriter
from jurat.llm.judge import ScoringJudge
from jurat.llm.prompts import chat
from jurat.llm.typed import choice, truths

PROMPT = chat("You answer in JSON.", "Which of these does the customer want: tea or a refund?")
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"order_id": {"type": "string"}, "number": {"type": "integer"}},
    "required": ["order_id"],
}


@pytest.fixture(scope="module")
def writer(tiny_folder: Path) -> TransformersWriter:
    import torch
    import transformers

    model = transformers.AutoModelForCausalLM.from_pretrained(tiny_folder, dtype=torch.bfloat16)
    return TransformersWriter(model, transformers.AutoTokenizer.from_pretrained(tiny_folder))


def test_a_choice_and_an_object_of_booleans(writer: TransformersWriter) -> None:
    kind = choice(["tea", "a refund"])
    chosen = kind.model_validate_json(writer.write(PROMPT, kind.model_json_schema(), max_tokens=30))
    assert chosen.model_dump()["choice"] in ("tea", "a refund")
    both = json.loads(writer.write(PROMPT, truths(["tea", "help"]).model_json_schema(), max_tokens=60))
    assert set(both) == {"tea", "help"}
    assert all(isinstance(each, bool) for each in both.values())


def test_a_way_out_of_a_journeys_state_is_one_of_those_offered(writer: TransformersWriter) -> None:
    class WithoutProbabilities:
        name, digest, ungraded = "writer", "0", "it only writes"

        def __init__(self) -> None:
            self.schemas: list[Any] = []

        async def generate(self, prompt: str, schema: dict[str, Any], *, max_tokens: int) -> str:
            self.schemas.append(schema)
            return writer.write(prompt, schema, max_tokens=max_tokens)

    backend: Any = WithoutProbabilities()
    judge = ScoringJudge(backend)
    assert judge.chooses
    options = [Condition("tea", "The customer wants tea"), Condition("money", "The customer wants a refund")]
    found = asyncio.run(judge.choose([Message("customer", "I want my money back.")], options))
    assert len(backend.schemas) == 1
    assert {each.observation for each in found} <= {"tea", "money"}
    assert [each.truth for each in found] in ([True], [False, False], [None, None])
    assert all(each.probability is None for each in found)


def test_arguments_may_be_null_and_have_no_other_keys(writer: TransformersWriter) -> None:
    found = json.loads(writer.write(PROMPT, nullable(SCHEMA), max_tokens=80))
    assert set(found) == {"order_id", "number"}
    assert isinstance(found["number"], int | None)


def test_free_text_ends_before_what_ends_it(writer: TransformersWriter) -> None:
    whole = writer.write(PROMPT, max_tokens=30)
    word = whole.split()[3]
    assert writer.write(PROMPT, max_tokens=30, stop=[word]) == whole[: whole.index(word)]


def test_a_schema_that_cannot_be_kept_is_an_error(writer: TransformersWriter) -> None:
    with pytest.raises(BackendError):
        writer.write(PROMPT, {"type": "no such type"}, max_tokens=10)

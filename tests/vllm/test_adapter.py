"""The adapter of the default model: the same judge in every runtime, and a writer that it leaves alone."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

# ruff: noqa: E402 - what follows can be imported only where torch is
for needed in ("torch", "transformers", "gguf"):
    pytest.importorskip(needed, reason=f"an adapter is merged with {needed}: pip install jurat[packed]")

from jurat.llm import Backend, BackendError, Condition, Message
from jurat.llm.backends.embedded import EmbeddedBackend
from jurat.llm.backends.packed import PackedBackend
from jurat.llm.backends.vllm_engine import VLLMBackend
from jurat.llm.judge import ScoringJudge
from jurat.llm.models import DEFAULT_MODEL, find_model, pull
from jurat.llm.models.adapters import adapter_at, adapter_for, peft_folder, updates
from jurat.llm.prompts import chat
from jurat.llm.wording import LAYOUT

TALK = [
    Message("customer", "Hello, it's about the two garden chairs."),
    Message("agent", "Would you like to send them back?"),
    Message("customer", "My sister got her money back because hers wobbled. Mine are great. Do you have cushions?"),
]
HOLDS = {
    "The customer asks for a refund": False,
    "The customer's sister got a refund": True,
    "The customer's chairs wobble": False,
    "The customer asks about cushions": True,
    "The customer wants to return the chairs": False,
}


@pytest.fixture(scope="module")
def model() -> Path:
    return pull(DEFAULT_MODEL)


async def scores(backend: Backend) -> list[float]:
    try:
        found, _ = await ScoringJudge(backend).scores(TALK, list(HOLDS))
        return found
    finally:
        await backend.close()


def test_the_adapter_has_an_update_for_the_attention_of_the_upper_layers() -> None:
    adapter = adapter_for(find_model(DEFAULT_MODEL).sha256)
    assert adapter is not None
    found = list(updates(adapter))
    assert {each.module.rpartition(".")[2] for each in found} == {"q_proj", "v_proj", "o_proj"}
    assert all(each.down.shape[0] == each.up.shape[1] for each in found)
    assert adapter.file.stat().st_size < 1_000_000


def test_all_runtimes_judge_alike_and_right(model: Path) -> None:
    async def all_of_them() -> dict[str, list[float]]:
        return {
            "packed": await scores(await PackedBackend.load(model)),
            "embedded": await scores(await EmbeddedBackend.load(model)),
            "vllm": await scores(await VLLMBackend.load(model)),
            "plain": await scores(await PackedBackend.load(model, adapted=False)),
        }

    found = asyncio.run(all_of_them())
    for name in ("packed", "embedded", "vllm"):
        assert [score > 0.5 for score in found[name]] == list(HOLDS.values()), name
        assert found[name] == pytest.approx(found["packed"], abs=0.2), name
    assert found["plain"] != pytest.approx(found["packed"], abs=0.05)


def test_what_is_written_is_the_models_own(model: Path) -> None:
    prompt = chat("You are an agent of a shop.", "Where is my order? Answer in one sentence.")

    async def written(**how: Any) -> str:
        backend = await EmbeddedBackend.load(model, **how)
        try:
            await backend.score(LAYOUT.header, [" x"], LAYOUT.answers)
            return await backend.generate(prompt, max_tokens=20)
        finally:
            await backend.close()

    assert asyncio.run(written()) == asyncio.run(written(adapted=False))


def test_the_packed_scorer_as_a_backend_judges_and_writes(model: Path) -> None:
    from jurat.llm.backends.opening import Choice, opened

    async def both() -> tuple[bool | None, str]:
        backend = await opened(Choice("packed", model))
        try:
            judged = await ScoringJudge(backend).judge(TALK, [Condition("c", "The customer asks about cushions")])
            schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
            return judged[0].truth, await backend.generate(chat("JSON only.", "What is 2 + 2?"), schema, max_tokens=20)
        finally:
            await backend.close()

    truth, text = asyncio.run(both())
    assert truth is True
    assert '"n"' in text


def test_a_damaged_adapter_is_one_clear_error(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.gguf"
    wrong.write_bytes(b"GGUF and nothing else")
    with pytest.raises(BackendError, match="is damaged"):
        list(updates(adapter_at(wrong)))
    (tmp_path / "none.gguf").write_bytes(b"no")
    with pytest.raises(BackendError, match="is not a GGUF adapter"):
        adapter_at(tmp_path / "none.gguf")


def test_the_folder_for_vllm_is_made_once(tmp_path: Path) -> None:
    adapter = adapter_for(find_model(DEFAULT_MODEL).sha256)
    assert adapter is not None
    made = peft_folder(adapter, tmp_path / "deep/judge")
    assert peft_folder(adapter, made) == made
    assert [each.name for each in made.parent.iterdir()] == ["judge"]
    assert sorted(each.name for each in made.iterdir()) == ["adapter_config.json", "adapter_model.safetensors"]

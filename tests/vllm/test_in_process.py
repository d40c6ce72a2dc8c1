"""vLLM inside this process, on the CPU."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jurat.llm import BackendError, Condition, Message
from jurat.llm.backends.vllm_engine import VLLMBackend
from jurat.llm.calibration import logit
from jurat.llm.errors import ContextTooLong
from jurat.llm.judge import ANSWERS, ScoringJudge
from jurat.llm.prompts import chat
from jurat.llm.typed import by_key, choice, truths, typed
from jurat.llm.voice import ModelVoice

TALK = (Message("customer", "I want a refund for order 1042"),)
CONDITIONS = [Condition(f"c{n}", f"The customer asks for {what}") for n, what in enumerate(("a refund", "tea", "help"))]
SCHEMA = {
    "type": "object",
    "properties": {"order_id": {"type": "string"}, "express": {"type": "boolean"}, "number": {"type": "integer"}},
    "required": ["order_id"],
}


@pytest.fixture(scope="module")
def run() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def backend(tiny: Path, run: asyncio.Runner) -> Iterator[VLLMBackend]:
    model = run.run(VLLMBackend.load(tiny, context_tokens=4096))
    yield model
    run.run(model.close())


def test_an_answer_hardly_depends_on_what_else_is_asked(backend: VLLMBackend, run: asyncio.Runner) -> None:
    judge = ScoringJudge(backend)
    run.run(judge.warm_up())
    texts = [each.text for each in CONDITIONS]
    together, _ = run.run(judge.scores(TALK, texts))
    backwards, _ = run.run(judge.scores(TALK, texts[::-1]))
    alone = [run.run(judge.scores(TALK, [text]))[0][0] for text in texts]
    for found in (backwards[::-1], alone):
        # bf16 puts a difference of two log-probabilities on a grid of an eighth
        assert [logit(each) for each in found] == pytest.approx([logit(each) for each in together], abs=0.26)
    assert len(set(together)) > 1


def test_judgements_have_probabilities(backend: VLLMBackend, run: asyncio.Runner) -> None:
    found = run.run(ScoringJudge(backend, defended=False).judge(TALK, CONDITIONS))
    assert [each.observation for each in found] == ["c0", "c1", "c2"]
    assert all(0 < (each.probability or 0) < 1 for each in found)


def test_typed_answers_are_of_their_type(backend: VLLMBackend, run: asyncio.Runner) -> None:
    prompt = "Which of these does the customer want? I want tea."
    chosen = run.run(typed(backend, prompt, choice(["tea", "a refund"]), max_tokens=30))
    assert chosen.model_dump()["choice"] in ("tea", "a refund")
    both = by_key(run.run(typed(backend, prompt, truths(["asks for tea", "asks for help"]), max_tokens=60)))
    assert set(both) == {"asks for tea", "asks for help"}
    assert all(isinstance(each, bool) for each in both.values())


def test_arguments_come_from_the_conversation(backend: VLLMBackend, run: asyncio.Runner) -> None:
    found = run.run(ModelVoice(backend).arguments(TALK, "check_order", "Looks an order up", SCHEMA))
    assert found.values.get("order_id", "1042") == "1042"
    assert set(found.values) <= set(SCHEMA["properties"])


def test_a_reply_is_handed_out_as_it_is_written(backend: VLLMBackend, run: asyncio.Runner) -> None:
    pieces: list[str] = []
    text = run.run(backend.generate(chat("Be kind.", "Hello"), max_tokens=20, on_text=pieces.append))
    assert len(pieces) > 5
    assert "".join(pieces) == text


def test_callers_share_a_batch(backend: VLLMBackend, run: asyncio.Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    engine, steps = backend._loop.engine, []
    step = engine.step

    def counted() -> list[Any]:
        found = step()
        steps.extend([1] if found else [])  # others wait for a grammar to be compiled
        return found

    monkeypatch.setattr(engine, "step", counted)
    endless = {"type": "array", "items": {"type": "integer"}, "minItems": 100}

    async def side_by_side(callers: int) -> int:
        before = len(steps)
        await asyncio.gather(*(backend.generate(f"Count from {n}", endless, max_tokens=40) for n in range(callers)))
        return len(steps) - before

    alone = run.run(side_by_side(1))
    assert alone >= 40
    assert run.run(side_by_side(4)) < 2 * alone


def test_a_caller_that_gives_up_stops_its_request(backend: VLLMBackend, run: asyncio.Runner) -> None:
    async def give_up(schema: dict[str, object] | None) -> int:
        writing = asyncio.create_task(backend.generate("Once upon a time", schema, max_tokens=900))
        await asyncio.sleep(0.5)
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        await backend.generate("Hi", max_tokens=1)
        return len(backend._loop._jobs)

    assert run.run(give_up(None)) == 0
    assert run.run(give_up({"type": "array", "items": {"type": "integer"}, "minItems": 400})) == 0


def test_a_prompt_that_is_too_long_says_by_how_much(backend: VLLMBackend, run: asyncio.Runner) -> None:
    with pytest.raises(ContextTooLong) as caught:
        run.run(backend.score("word " * 8000, ["a"], ANSWERS))
    assert caught.value.tokens > 8000
    with pytest.raises(ContextTooLong):
        run.run(backend.generate("word " * 8000, max_tokens=10))
    kept, left_out = run.run(ScoringJudge(backend).scores((Message("customer", "word " * 3000), *TALK), ["It is so"]))
    assert (len(kept), left_out) == (1, 1)


def test_an_answer_of_several_tokens_is_refused_before_any_question(backend: VLLMBackend, run: asyncio.Runner) -> None:
    with pytest.raises(BackendError, match="tokens for this model, and must be one"):
        run.run(backend.score("", [], (" certainly so", " no")))


def test_a_schema_that_cannot_be_kept_is_an_error(backend: VLLMBackend, run: asyncio.Runner) -> None:
    with pytest.raises(BackendError):
        run.run(backend.generate("Hi", {"type": "no such type"}, max_tokens=10))
    assert run.run(backend.generate("Hi", max_tokens=2)) is not None


def test_faults_at_the_start_are_one_line(tmp_path: Path, tiny: Path, tiny_folder: Path) -> None:
    text = tmp_path / "notes.gguf"
    text.write_text("not a model")
    empty = tmp_path / "empty"
    empty.mkdir()
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    for file in tiny_folder.iterdir():
        (damaged / file.name).write_bytes(
            file.read_bytes()[:100_000] if file.suffix == ".safetensors" else file.read_bytes()
        )
    cases = {
        "there is no such file": (tmp_path / "nothing", {}),
        "neither a GGUF model nor a folder": (text, {}),
        "holds no model": (empty, {}),
        "could not be loaded": (damaged, {}),
        "out of memory": (tiny, {"cache_bytes": 10**15}),
        "1000000": (tiny, {"context_tokens": 1_000_000}),
    }
    for told, (path, how) in cases.items():
        with pytest.raises(BackendError, match=told) as caught:
            VLLMBackend(path, **how)
        assert "\n" not in str(caught.value)


def test_a_closed_model_says_so(tiny: Path, run: asyncio.Runner) -> None:
    model = run.run(VLLMBackend.load(tiny, context_tokens=256))
    run.run(model.close())
    run.run(model.close())
    with pytest.raises(BackendError, match="the model is closed"):
        run.run(model.score("a", ["b"], ANSWERS))

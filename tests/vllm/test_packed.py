"""The packed scorer beside transformers' own forward pass, one suffix at a time, on small random models."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

# ruff: noqa: E402 - what follows can be imported only where torch is
for needed in ("torch", "transformers"):
    pytest.importorskip(needed, reason=f"the packed scorer needs {needed}: pip install jurat[packed]")

import torch
import transformers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.vllm import tiny

from jurat.llm import BackendError, Condition, Message
from jurat.llm.backends.packed import PackedBackend
from jurat.llm.errors import ContextTooLong
from jurat.llm.judge import ANSWERS, ScoringJudge

pytestmark = pytest.mark.timeout(300)

PREFIX = "Conversation:\nCustomer: I want a refund for order 1042, it leaks.\nStatement:"
LONG = PREFIX.replace("it leaks", "and then it leaks, and the agent is sorry" * 8)
STATEMENTS = (
    "The customer asks for a refund",
    "The customer asks for more",
    "The customer asks",
    "The agent thanks the customer, and is sorry for what leaks",
    "It leaks",
    "no",
    "The customer is fed up with the agent and wants a refund for order 1042 and more than that",
)
SUFFIXES = [f" {s}\nAnswer:" for s in STATEMENTS]
CLOSE = 1e-4

Reference = Callable[[str, str], float]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    made: dict[str, Path] = {}

    def folder(family: str) -> Path:
        if family not in made:
            made[family] = tiny.save(family, tmp_path_factory.mktemp(family))
        return made[family]

    return folder


@pytest.fixture(scope="module")
def backend(folders: Callable[[str], Path]) -> Iterator[PackedBackend]:
    found = PackedBackend(folders("qwen2"), dtype="float32")
    yield found
    asyncio.run(found.close())


@pytest.fixture(scope="module")
def reference(folders: Callable[[str], Path]) -> Reference:
    return separate_passes(folders("qwen2"))


def separate_passes(folder: Path) -> Reference:
    """P(first answer) by a forward pass of transformers over prefix and suffix, without any cache."""
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    yes, no = (tokenizer(a, add_special_tokens=False)["input_ids"][0] for a in ANSWERS)

    def score(prefix: str, suffix: str) -> float:
        tokens = [*tokenizer(prefix)["input_ids"], *tokenizer(suffix, add_special_tokens=False)["input_ids"]]
        with torch.inference_mode():
            logits = model(torch.tensor([tokens])).logits[0, -1]
        return float(torch.sigmoid(logits[yes] - logits[no]))

    return score


def scores(backend: PackedBackend, prefix: str, suffixes: Sequence[str]) -> list[float]:
    return asyncio.run(backend.score(prefix, suffixes, ANSWERS))


def expected(reference: Reference, prefix: str, suffixes: Sequence[str]) -> Any:
    return pytest.approx([reference(prefix, s) for s in suffixes], abs=CLOSE)


@pytest.mark.parametrize("family", tiny.FAMILIES)
@pytest.mark.parametrize("rows", [7, 64, 512])
def test_scores_are_those_of_separate_passes(folders: Callable[[str], Path], family: str, rows: int) -> None:
    backend = PackedBackend(folders(family), dtype="float32", chunk_rows=rows)
    reference = separate_passes(folders(family))
    for prefix in (PREFIX, LONG, "Statement:"):
        found = scores(backend, prefix, SUFFIXES)
        assert found == expected(reference, prefix, SUFFIXES)
        assert max(found) - min(found) > 0.01, "a test on answers that are all alike could not fail"


def test_half_the_bits_move_scores_by_little(folders: Callable[[str], Path], reference: Reference) -> None:
    backend = PackedBackend(folders("qwen2"), dtype="bfloat16")
    assert scores(backend, LONG, SUFFIXES) == pytest.approx([reference(LONG, s) for s in SUFFIXES], abs=0.05)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(SUFFIXES), min_size=1, max_size=20), st.sampled_from([9, 33, 512]), st.booleans())
def test_an_answer_depends_neither_on_the_other_conditions_nor_on_their_order(
    backend: PackedBackend, asked: list[str], rows: int, share: bool
) -> None:
    alone = {s: scores(backend, PREFIX, [s])[0] for s in set(asked)}
    scorer = backend._scorer
    assert scorer is not None
    before = scorer._rows, scorer._share
    scorer._rows, scorer._share = rows, share
    try:
        assert scores(backend, PREFIX, asked) == pytest.approx([alone[s] for s in asked], abs=1e-6)
    finally:
        scorer._rows, scorer._share = before


def test_beginnings_that_suffixes_share_are_computed_once(backend: PackedBackend) -> None:
    scores(backend, PREFIX, [])
    scores(backend, PREFIX, SUFFIXES)
    batch = backend.batches[-1]
    tokens = [backend._scorer._tokens(s) for s in SUFFIXES]  # type: ignore[union-attr]
    assert batch.computed == len({t[:n] for t in tokens for n in range(1, len(t) + 1)}) < sum(map(len, tokens))


def test_a_conversation_that_grows_and_is_cut_again_reads_only_what_is_new(
    folders: Callable[[str], Path], reference: Reference
) -> None:
    backend = PackedBackend(folders("qwen2"), dtype="float32")
    head = "Conversation:\nCustomer: It leaks.\n"
    grown = head + "Agent: I am sorry.\nCustomer: I want a refund.\n"
    for talk, most in ((head, 60), (grown, 60), (grown + "Agent: yes\n", 10), (head, 0), (head + "Customer: no\n", 12)):
        prefix = talk + "Statement:"
        assert scores(backend, prefix, SUFFIXES) == expected(reference, prefix, SUFFIXES)
        batch = backend.batches[-1]
        suffix_rows = len({t[:n] for t in map(backend._scorer._tokens, SUFFIXES) for n in range(1, len(t) + 1)})  # type: ignore[union-attr]
        assert batch.computed - suffix_rows <= most


def test_answers_stay_right_while_prefixes_are_evicted(folders: Callable[[str], Path], reference: Reference) -> None:
    backend = PackedBackend(folders("qwen2"), dtype="float32", context_tokens=160, cache_bytes=1)
    slots = backend._scorer._prefixes.capacity  # type: ignore[union-attr]
    prefixes = [f"Customer: order {n}{n}{n} leaks and I want a refund for order {n}.\nStatement:" for n in range(20)]
    for prefix in [*prefixes, *prefixes[::-1]]:
        assert scores(backend, prefix, SUFFIXES[:3]) == expected(reference, prefix, SUFFIXES[:3])
    kept = backend._scorer._prefixes  # type: ignore[union-attr]
    assert kept.used <= slots == 320
    assert len(kept) < 20, "nothing was evicted, so nothing was tested"


def test_conversations_at_the_same_time_share_batches_and_get_their_own_answers(
    folders: Callable[[str], Path], reference: Reference
) -> None:
    backend = PackedBackend(folders("qwen2"), dtype="float32")
    talks = [PREFIX, LONG, "Statement:", *(f"{PREFIX[:-10]}Agent: order {n}.\nStatement:" for n in range(30)), PREFIX]

    async def ask(index: int) -> list[float]:
        return await backend.score(talks[index], SUFFIXES[: 1 + index % 6], ANSWERS)

    async def all_at_once() -> list[list[float]]:
        return await asyncio.gather(*(ask(i) for i in range(len(talks))))

    for index, found in enumerate(asyncio.run(all_at_once())):
        assert found == expected(reference, talks[index], SUFFIXES[: 1 + index % 6])
    assert max(b.requests for b in backend.batches) > 10
    assert len(backend.batches) < len(talks) / 2


def test_a_prefix_that_many_new_conversations_share_is_computed_once(folders: Callable[[str], Path]) -> None:
    backend = PackedBackend(folders("qwen2"), dtype="float32")
    computed: list[int] = []
    scorer = backend._scorer
    assert scorer is not None
    run = scorer._run
    scorer._run = lambda at: (computed.append(len(at.tokens)), run(at))[1]

    async def all_at_once() -> None:
        await asyncio.gather(*(backend.score(f"{LONG} {n}", SUFFIXES[:1], ANSWERS) for n in range(10)))

    asyncio.run(all_at_once())
    length = len(scorer.ask(LONG, [], ANSWERS).prefix)
    assert length < sum(computed) < 3 * length, "each on its own would make ten times the length"


def test_a_batch_that_fails_leaves_nothing_half_computed(
    folders: Callable[[str], Path], reference: Reference, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = PackedBackend(folders("qwen2"), dtype="float32", chunk_rows=16)
    scorer = backend._scorer
    assert scorer is not None
    run, calls = scorer._run, []

    def fails_at_the_third(at: Any) -> Any:
        calls.append(at)
        if len(calls) == 3:
            raise torch.OutOfMemoryError("no more")
        return run(at)

    monkeypatch.setattr(scorer, "_run", fails_at_the_third)
    with pytest.raises(BackendError, match="memory does not hold this batch"):
        scores(backend, LONG, SUFFIXES)
    assert len(scorer._prefixes) == 0
    assert scores(backend, LONG, SUFFIXES) == expected(reference, LONG, SUFFIXES)


def test_a_request_that_nobody_waits_for_is_given_up(folders: Callable[[str], Path], reference: Reference) -> None:
    backend = PackedBackend(folders("qwen2"), dtype="float32", chunk_rows=8)
    scorer = backend._scorer
    assert scorer is not None
    run, passes = scorer._run, []

    async def cancelled_in_the_middle() -> None:
        task = asyncio.create_task(backend.score(LONG, SUFFIXES, ANSWERS))
        scorer._run = lambda at: (passes.append(at), task.get_loop().call_soon_threadsafe(task.cancel), run(at))[2]
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled_in_the_middle())
    scorer._run = run
    assert scores(backend, LONG, SUFFIXES) == expected(reference, LONG, SUFFIXES)
    assert 1 <= len(passes) < len(scorer.ask(LONG, [], ANSWERS).prefix) / 8


def test_an_empty_suffix_is_answered_after_the_prefix(backend: PackedBackend, reference: Reference) -> None:
    asked = ["", SUFFIXES[0], ""]
    assert scores(backend, PREFIX + SUFFIXES[1], asked) == expected(reference, PREFIX + SUFFIXES[1], asked)


def test_the_judges_prompt_parts_between_words(backend: PackedBackend) -> None:
    """Tokens of prefix and suffix apart are those of the whole prompt, so scores are what other backends would give."""
    seen: list[tuple[str, str]] = []

    class Recording:
        name = digest = "recording"

        async def score(self, prefix: str, suffixes: Sequence[str], answers: tuple[str, str]) -> list[float]:
            seen.extend((prefix, s) for s in suffixes)
            return [0.5] * len(suffixes)

    judge = ScoringJudge(Recording())  # type: ignore[arg-type]
    asked = [Condition(s, s) for s in (*STATEMENTS, "  spaces ", "Überweisung", "환불을 원한다", "1042")]
    asyncio.run(judge.judge([Message("customer", "It leaks.")], asked))
    tokenizer = backend._scorer._tokenizer  # type: ignore[union-attr]
    for prefix, suffix in seen:
        apart = [*tokenizer(prefix)["input_ids"], *tokenizer(suffix)["input_ids"]]
        assert apart == tokenizer(prefix + suffix)["input_ids"]


def test_flash_attention_for_many_lengths_gives_the_same(
    folders: Callable[[str], Path], reference: Reference, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The layout for CUDA, rounded up as for a recorded graph, on a plain stand-in for the kernel, which needs a GPU."""
    from jurat.llm.backends.packed import attention, graphs

    backend = PackedBackend(folders("qwen2"), dtype="float32", chunk_rows=64)
    scorer = backend._scorer
    assert scorer is not None
    kernel = "torch.nn.attention.varlen"
    monkeypatch.setitem(
        __import__("sys").modules, kernel, SimpleNamespace(varlen_attn=plain_varlen, AuxRequest=SimpleNamespace)
    )
    for layer in scorer._decoder.layers:
        layer._attention = attention.varlen
    for rounds in (False, True):
        scorer._prefixes.__init__(scorer._prefixes.capacity)  # type: ignore[misc]

        def run(at: Any, rounds: bool = rounds) -> Any:
            given = graphs.rounded(at, scorer._prefixes.capacity)[1] if rounds and len(at.last) else at
            return scorer._decoder.run(given, scorer._pool)[: len(at.last)]

        scorer._run = run
        for prefix in (PREFIX, LONG, "Statement:"):
            assert scores(backend, prefix, SUFFIXES) == expected(reference, prefix, SUFFIXES)


def plain_varlen(*given: Any, return_aux: Any, scale: float, window_size: Any, enable_gqa: bool = False) -> Any:
    """What `torch.nn.attention.varlen.varlen_attn` says it computes; rows that belong to no sequence are garbage."""
    q, k, v, of_q, of_k, max_q, max_k = given
    assert return_aux.lse
    assert enable_gqa == (q.size(1) != k.size(1))
    group = q.size(1) // k.size(1)
    out, lse = torch.full_like(q, float("nan")), torch.full(q.shape[:2], float("nan"))
    for i in range(len(of_q) - 1):
        rows, keys = slice(of_q[i], of_q[i + 1]), slice(of_k[i], of_k[i + 1])
        count, wide = int(of_q[i + 1] - of_q[i]), int(of_k[i + 1] - of_k[i])
        assert count <= max_q
        assert wide <= max_k
        if wide == 0:  # as the kernel
            out[rows], lse[rows] = 0, float("inf")
            continue
        found = torch.einsum("qhd,khd->hqk", q[rows], k[keys].repeat_interleave(group, 1)) * scale
        if window_size == (-1, 0):
            found = found.masked_fill(torch.ones(count, wide, dtype=torch.bool).triu(1 + wide - count), float("-inf"))
        out[rows] = torch.einsum("hqk,khd->qhd", found.softmax(-1), v[keys].repeat_interleave(group, 1))
        lse[rows] = found.logsumexp(-1).t()
    return out, lse.t().contiguous()


def test_what_cannot_work_is_refused_with_one_line(
    folders: Callable[[str], Path], tmp_path: Path, backend: PackedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JURAT_CACHE", str(tmp_path / "cache"))
    other = tmp_path / "notes.txt"
    other.write_text("no model")
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF and then nothing")
    (tmp_path / "empty").mkdir()
    for path, reason in (
        (tmp_path / "nowhere", "no such file"),
        (other, "neither a GGUF model nor a folder"),
        (broken, "could not be unpacked"),
        (tmp_path / "empty", "holds no model"),
        (folders("windowed"), "window"),
        (folders("gemma2"), "`gemma2`"),
    ):
        with pytest.raises(BackendError, match=reason) as caught:
            PackedBackend(path)
        assert "\n" not in str(caught.value)
    with pytest.raises(BackendError, match="not one token each"):
        asyncio.run(backend.score(PREFIX, SUFFIXES, (" certainly", " no")))
    with pytest.raises(BackendError, match="does not write"):
        asyncio.run(backend.generate("Hello", max_tokens=5))


def test_a_prompt_that_is_too_long_says_by_how_much(folders: Callable[[str], Path]) -> None:
    backend = PackedBackend(folders("qwen2"), dtype="float32", context_tokens=50)
    with pytest.raises(ContextTooLong) as caught:
        scores(backend, LONG, SUFFIXES)
    assert caught.value.limit == 50 < caught.value.tokens
    assert len(scores(backend, "Statement:", SUFFIXES[:1])) == 1


def test_a_model_larger_than_memory_is_refused_before_it_is_read(
    folders: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from jurat.llm.backends.packed import loading

    monkeypatch.setattr(loading, "_free_bytes", lambda: 1 << 20)
    with pytest.raises(BackendError, match="MB are free"):
        PackedBackend(folders("qwen2"))


def test_after_close_there_is_one_clear_error(folders: Callable[[str], Path]) -> None:
    backend = PackedBackend(folders("qwen2"), dtype="float32")
    asyncio.run(backend.close())
    asyncio.run(backend.close())
    with pytest.raises(BackendError, match="closed"):
        scores(backend, PREFIX, SUFFIXES)


def test_the_digest_tells_weights_and_precision_apart(folders: Callable[[str], Path], backend: PackedBackend) -> None:
    again = PackedBackend(folders("qwen2"), dtype="float32")
    half = PackedBackend(folders("qwen2"), dtype="bfloat16")
    other = PackedBackend(folders("llama"), dtype="float32")
    assert again.digest == backend.digest
    assert len({backend.digest, half.digest, other.digest}) == 3

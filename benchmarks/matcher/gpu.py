"""The packed scorer on one CUDA device: what `gpu.sh` runs. Every length is exact, so no tokenizer is needed.

Models with random weights are for latency only: a dense model's time does not depend on the values of its weights.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import platform
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
import transformers

from jurat.llm.backends.packed.loading import Loaded, load
from jurat.llm.backends.packed.scorer import Ask, Batch, Scorer

PREFIX, NEW, CONDITION, OVERHEAD = 1000, 60, 15, 5
"""Tokens: of a conversation, of a turn, of a condition, and of what surrounds each condition in the prompt."""
SHAPES: dict[str, dict[str, Any]] = {
    "8B shape (Llama 3.1)": {
        "hidden_size": 4096,
        "intermediate_size": 14336,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "vocab_size": 128256,
    },
    "1.5B shape (Qwen 2.5)": {
        "hidden_size": 1536,
        "intermediate_size": 8960,
        "num_hidden_layers": 28,
        "num_attention_heads": 12,
        "num_key_value_heads": 2,
        "vocab_size": 151936,
    },
}
TOY: dict[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 500,
}
TARGETS = {
    ("8B", 10): (12, 25), ("8B", 100): (50, 80), ("8B", 1000): (450, 600),
    ("1.5B", 10): (5, 12), ("1.5B", 100): (12, 25), ("1.5B", 1000): (100, 150),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to measure, and how long at most, seconds a point."""

    device: str
    dtype: Any
    turns: int
    seconds: float
    conditions: Sequence[int]


def random_model(shape: dict[str, Any], plan: Plan) -> Loaded:
    config = transformers.LlamaConfig(**shape, max_position_embeddings=8192)
    torch.manual_seed(1)
    before = torch.get_default_dtype()
    torch.set_default_dtype(plan.dtype)
    try:
        with torch.device("meta"):
            model = transformers.AutoModelForCausalLM.from_config(config)
        model = model.to_empty(device=plan.device)
        rotary = type(model.model.rotary_emb)(config).to(plan.device)  # its angles are no weights: they are computed
    finally:
        torch.set_default_dtype(before)
    model.model.rotary_emb = rotary
    for weight in model.parameters():
        weight.data.normal_(0, 0.02)
    return Loaded(model.eval(), None, "random", 8192)


def tokens(seed: int, number: int) -> tuple[int, ...]:
    draw = random.Random(seed)
    return tuple(draw.randrange(10, 400) for _ in range(number))


def suffixes(number: int) -> tuple[tuple[int, ...], ...]:
    """Conditions that share nothing at their beginning but one token, the worst case."""
    return tuple((5, *tokens(10_000 + i, CONDITION + OVERHEAD - 1)) for i in range(number))


def turns(scorer: Scorer, plan: Plan, number: int, warm: bool) -> Iterator[tuple[float, Batch]]:
    """Seconds and counts of each turn; a warm one follows a turn of the same conversation."""
    asked, deadline = suffixes(number), time.monotonic() + plan.seconds
    for turn in range(plan.turns + 2):
        talk = tokens(turn + (0 if warm else 1000 * (1 + number)), PREFIX + NEW)
        if warm:
            run(scorer, Ask(talk[:PREFIX], (), (1, 2)))
        took = run(scorer, Ask(talk, asked, (1, 2)))
        if turn >= 2:  # the first two record graphs and choose kernels
            yield took
        if time.monotonic() > deadline and turn >= 3:
            return


def run(scorer: Scorer, ask: Ask) -> tuple[float, Batch]:
    batch = Batch()
    begin = time.perf_counter()
    scorer.score([ask], lambda: False, lambda *_: None, batch)
    if torch.cuda.is_available():  # a turn without conditions returns before its work is done
        torch.cuda.synchronize()
    return time.perf_counter() - begin, batch


def measure(name: str, loaded: Loaded, plan: Plan, record: bool) -> None:
    scorer = Scorer(
        loaded, context_tokens=8192, cache_bytes=(4 << 30) if plan.device != "cpu" else 1 << 24, record=record
    )
    for number in plan.conditions:
        for warm in (True, False):
            found = list(turns(scorer, plan, number, warm))
            times = sorted(1000 * seconds for seconds, _ in found)
            p50, p95 = (times[int(q * (len(times) - 1))] for q in (0.5, 0.95))
            p99 = f"{times[int(0.99 * (len(times) - 1))]:.1f}" if len(times) >= 200 else f"max {times[-1]:.1f}"
            target = (
                TARGETS.get((name.split(maxsplit=1)[0], number), ("–", "–"))
                if warm and plan.device != "cpu"
                else ("–", "–")
            )
            print(
                f"| {name} | {'graphs' if record else 'no graphs'} | {number:,} | {'warm' if warm else 'cold'} |"
                f" {len(times)} | {p50:.1f} | {p95:.1f} | {p99} | {target[0]}/{target[1]} | {found[-1][1].computed:,} |",
                flush=True,
            )


def check(plan: Plan) -> None:
    """Scores on this device beside single precision on the CPU: what is fast must still be right."""
    worst, spread, asks = (
        0.0,
        0.0,
        [Ask(tokens(1, 300), suffixes(40), (1, 2)), Ask(tokens(1, 360), suffixes(3), (1, 2))],
    )
    with tempfile.TemporaryDirectory() as folder:
        here = Plan("cpu", torch.float32, 1, 1, ())
        random_model(TOY, here).model.save_pretrained(folder)
        scorers = [_scorer_of(Path(folder), here), _scorer_of(Path(folder), plan)]
    for ask in asks:
        exact, found = (_scores(s, ask) for s in scorers)
        worst = max(worst, *(abs(a - b) for a, b in zip(exact, found, strict=True)))
        spread = max(spread, max(exact) - min(exact))
    print(
        f"Check: scores differ from single precision on the CPU by {worst:.5f} at most (they span {spread:.3f}).\n",
        flush=True,
    )
    if worst > 0.02:
        sys.exit("the scores on this device are wrong")


def _scorer_of(folder: Path, plan: Plan) -> Scorer:
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=plan.dtype).to(plan.device).eval()
    for weight in model.parameters():
        weight.data.mul_(5)  # answers that are all alike would agree whatever is computed
    return Scorer(Loaded(model, None, "check", 8192), context_tokens=2048, cache_bytes=1 << 24)


def _scores(scorer: Scorer, ask: Ask) -> list[float]:
    found: list[float] = []
    scorer.score([ask], lambda: False, lambda _, scores: found.extend(scores), Batch())
    return found


def beside_vllm(name: str, shape: dict[str, Any], plan: Plan) -> None:
    """One-token scoring on vLLM with the same shape and lengths, its weights random too."""
    os.environ |= {"VLLM_ENABLE_V1_MULTIPROCESSING": "0", "HF_HUB_OFFLINE": "1", "VLLM_LOGGING_LEVEL": "ERROR"}
    import vllm

    with tempfile.TemporaryDirectory() as folder:
        config = transformers.LlamaConfig(**shape, max_position_embeddings=8192, architectures=["LlamaForCausalLM"])
        config.save_pretrained(folder)
        llm = vllm.LLM(
            folder, load_format="dummy", skip_tokenizer_init=True, dtype="bfloat16", max_model_len=4096,
            gpu_memory_utilization=0.5, max_num_seqs=1024,
        )  # fmt: skip
        params = vllm.SamplingParams(max_tokens=1, temperature=0.0, allowed_token_ids=[1, 2], detokenize=False)
        for number in plan.conditions:
            times, deadline = [], time.monotonic() + plan.seconds
            for turn in range(plan.turns):
                talk = tokens(turn, PREFIX + NEW)
                llm.generate({"prompt_token_ids": list(talk[:PREFIX])}, params, use_tqdm=False)
                asked = [{"prompt_token_ids": [*talk, *s]} for s in suffixes(number)]
                begin = time.perf_counter()
                llm.generate(asked, params, use_tqdm=False)
                times.append(1000 * (time.perf_counter() - begin))
                if time.monotonic() > deadline:
                    break
            times.sort()
            p50, p95 = (times[int(q * (len(times) - 1))] for q in (0.5, 0.95))
            print(
                f"| {name} | vLLM | {number:,} | warm | {len(times)} | {p50:.1f} | {p95:.1f} | max {times[-1]:.1f} | | |",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", type=Path, help="a folder with the real 1.5B model")
    parser.add_argument("--dry-run", action="store_true")
    options = parser.parse_args()
    if not options.dry_run and not torch.cuda.is_available():
        sys.exit("no CUDA device here: DRY_RUN=1 runs the same steps on the CPU with toy sizes")
    cuda = not options.dry_run
    plan = (
        Plan("cuda", torch.bfloat16, 200, 15.0, (10, 100, 1000))
        if cuda
        else Plan("cpu", torch.float32, 3, 5.0, (2, 10))
    )
    what = torch.cuda.get_device_name() if cuda else f"{platform.machine()}, toy sizes: the figures mean nothing"
    print(f"{datetime.now(UTC):%Y-%m-%d}, {what}; torch {torch.__version__} transformers {transformers.__version__}\n")
    check(plan)
    print("| model | packed | conditions | prefix | turns | p50, ms | p95, ms | p99, ms | target | tokens a turn |")
    print("|---|---|---:|---|---:|---:|---:|---:|---:|---:|")
    for name, shape in SHAPES.items():
        real = options.model if name.startswith("1.5B") else None
        title = f"{name.split()[0]} (real)" if real else f"{name}, random weights, latency only"
        for record in (True, False):
            loaded = load(real, plan.device, plan.dtype) if real else random_model(shape if cuda else TOY, plan)
            measure(title, loaded, plan if record else replace(plan, turns=20, seconds=5.0), record)
            del loaded
            if cuda:
                torch.cuda.empty_cache()
        if cuda and importlib.util.find_spec("vllm"):
            beside_vllm(name, shape, plan)
    if not importlib.util.find_spec("vllm"):
        print("\nvLLM is not installed in this Python: gpu.sh says how it can be.")


if __name__ == "__main__":
    main()

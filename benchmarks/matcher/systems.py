"""The systems under test, each in a process of its own that takes jobs as lines of JSON and answers in lines of JSON.

    python benchmarks/matcher/systems.py SYSTEM MODEL

A job is {"sessions": [prefix, …], "suffixes": [text, …]} and is done when every session has all its answers;
{"forget": true} empties the caches. Seconds are of this process alone.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ANSWERS = (" yes", " no")
AS_JSON = '\n\nGive the answer that comes next as JSON: {"holds": true} for yes, {"holds": false} for no.'
AS_JSON_EACH = '\n\nGive all answers as JSON: {"c0": true for yes or false for no, "c1": …}.'
"""As the judge says it to a server without probabilities; without these words the 1.5B says false of nearly everything."""
Job = dict[str, Any]
Done = dict[str, Any]
ROOT = Path(__file__).resolve().parents[2]


def packed(model: str, **options: Any) -> Callable[[Job], Done]:
    from jurat.llm.backends.packed import PackedBackend

    backend = PackedBackend(model, cache_bytes=2 << 30, **options)
    loop = asyncio.new_event_loop()

    def run(job: Job) -> Done:
        if job.get("forget"):
            backend.forget()
            return {}
        ends: list[float] = []

        async def ask(prefix: str) -> list[float]:
            found = await backend.score(prefix, job["suffixes"], ANSWERS)
            ends.append(time.perf_counter() - begin)
            return found

        async def all_at_once() -> list[list[float]]:
            return await asyncio.gather(*map(ask, job["sessions"]))

        backend.batches.clear()
        begin = time.perf_counter()
        scores = loop.run_until_complete(all_at_once())
        stages: dict[str, float] = {}
        for batch in backend.batches:
            for name, seconds in batch.seconds.items():
                stages[name] = stages.get(name, 0.0) + seconds
        computed = sum(b.computed for b in backend.batches)
        return {"ends": ends, "computed": computed, "stages": stages, "scores": scores[0]}

    return run


def _vllm(model: str) -> Any:
    os.environ |= {"VLLM_ENABLE_V1_MULTIPROCESSING": "0", "HF_HUB_OFFLINE": "1", "VLLM_LOGGING_LEVEL": "ERROR"}
    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "2")
    os.environ.setdefault("VLLM_CPU_OMP_THREADS_BIND", f"0-{(os.cpu_count() or 1) - 1}")
    import vllm

    return vllm.LLM(
        model, dtype="bfloat16", max_model_len=8192, max_num_seqs=256, enable_prefix_caching=True, block_size=32
    )


def _forgetting(llm: Any, ask: Callable[[Job], Done]) -> Callable[[Job], Done]:
    def run(job: Job) -> Done:
        if not job.get("forget"):
            return ask(job)
        llm.reset_prefix_cache()
        return {}

    return run


def _tokens(outputs: list[Any]) -> int:
    """What vLLM computed: what was not cached of the prompts, and what it wrote but for the last token."""
    return sum(len(o.prompt_token_ids) - (o.num_cached_tokens or 0) + len(o.outputs[0].token_ids) - 1 for o in outputs)


def vllm_token(model: str, *, prefix_first: bool = False) -> Callable[[Job], Done]:
    """One token a condition, of which only the two answers are allowed.

    Requests that start together do not share what none has computed yet; `prefix_first` reads each prefix alone before.
    """
    from vllm import SamplingParams

    llm = _vllm(model)
    tokenizer = llm.get_tokenizer()
    pair = [tokenizer.encode(a, add_special_tokens=False)[0] for a in ANSWERS]
    params = SamplingParams(
        max_tokens=1, temperature=0.0, allowed_token_ids=pair, logprob_token_ids=pair, logprobs=2, detokenize=False
    )

    def ask(job: Job) -> Done:
        begin = time.perf_counter()
        if not job["suffixes"]:
            outputs = llm.generate(job["sessions"], params, use_tqdm=False)
            return {"ends": [time.perf_counter() - begin], "computed": _tokens(outputs), "scores": []}
        prompts = [p + s for p in job["sessions"] for s in job["suffixes"]]
        before = llm.generate(job["sessions"], params, use_tqdm=False) if prefix_first else []
        outputs = llm.generate(prompts, params, use_tqdm=False)
        took = time.perf_counter() - begin
        found = [o.outputs[0].logprobs[0] for o in outputs[: len(job["suffixes"])]]
        scores = [_share(f[pair[0]].logprob, f[pair[1]].logprob) for f in found]
        return {"ends": [took] * len(job["sessions"]), "computed": _tokens([*before, *outputs]), "scores": scores}

    return _forgetting(llm, ask)


def _share(first: float, second: float) -> float:
    import math

    return 1 / (1 + math.exp(min(second - first, 700)))


def _outlines(model: str, build: Callable[[Any, Job], tuple[list[str], Any, int]]) -> Callable[[Job], Done]:
    import outlines
    from vllm import SamplingParams

    llm = _vllm(model)
    front = outlines.from_vllm_offline(llm)
    made: dict[int, Any] = {}
    seen: list[Any] = []

    def watched(asked: Callable[..., Any]) -> Callable[..., Any]:  # Outlines keeps the texts and drops the counts
        def counted(*args: Any, **options: Any) -> Any:
            found = asked(*args, **{**options, "use_tqdm": False})
            seen[:] = found
            return found

        return counted

    # Outlines asks models that have a chat template by `chat`.
    llm.generate, llm.chat = watched(llm.generate), watched(llm.chat)

    def ask(job: Job) -> Done:
        begin = time.perf_counter()
        prompts, kind, most = build(made, job)
        params = SamplingParams(max_tokens=most, temperature=0.0)
        seen.clear()
        texts = front.batch(prompts, kind, sampling_params=params)
        took = time.perf_counter() - begin
        texts = [each if isinstance(each, str) else each[0] for each in texts]  # a list of samples for each prompt
        ends = [took] * len(job["sessions"])
        return {
            "ends": ends,
            "computed": _tokens(seen),
            "scores": [],
            "said": [said for t in texts for said in _said(t)],
        }

    return _forgetting(llm, ask)


def _said(text: str) -> list[bool]:
    """The booleans of an answer, in order; none of one that was cut off."""
    try:
        return [bool(each) for each in json.loads(text).values()]
    except ValueError:
        return []


def vllm_objects(model: str) -> Callable[[Job], Done]:
    """An object {"holds": bool} for each condition, constrained by Outlines."""
    from pydantic import BaseModel, ConfigDict

    class Answer(BaseModel):
        model_config = ConfigDict(extra="forbid")
        holds: bool

    def build(_made: Any, job: Job) -> tuple[list[str], Any, int]:
        return [p + s + AS_JSON for p in job["sessions"] for s in job["suffixes"] or [""]], Answer, 24

    return _outlines(model, build)


def vllm_one_object(model: str) -> Callable[[Job], Done]:
    """One object with a boolean for each condition, constrained by Outlines."""
    from pydantic import ConfigDict, create_model

    def build(made: dict[int, Any], job: Job) -> tuple[list[str], Any, int]:
        number = max(1, len(job["suffixes"]))
        if number not in made:
            fields: dict[str, Any] = {f"c{i}": (bool, ...) for i in range(number)}
            made[number] = create_model("Answers", __config__=ConfigDict(extra="forbid"), **fields)
        listed = "".join(f"\nc{i}:{s.removesuffix(chr(10) + 'Answer:')}" for i, s in enumerate(job["suffixes"]))
        return [f"{p}{listed}{AS_JSON_EACH}" for p in job["sessions"]], made[number], 16 + 9 * number

    return _outlines(model, build)


def embedded(model: str) -> Callable[[Job], Done]:
    """llama.cpp in this process, one condition after the other."""
    from jurat.llm.backends.embedded import EmbeddedBackend

    backend, loop = EmbeddedBackend(model), asyncio.new_event_loop()

    def run(job: Job) -> Done:
        if job.get("forget"):  # its one slot for scores takes another text
            loop.run_until_complete(backend.score("Another text.", [], ANSWERS))
            return {}
        begin, ends, scores = time.perf_counter(), [], []
        for prefix in job["sessions"]:
            scores.append(loop.run_until_complete(backend.score(prefix, job["suffixes"], ANSWERS)))
            ends.append(time.perf_counter() - begin)
        return {"ends": ends, "computed": None, "scores": scores[0]}

    return run


SYSTEMS: dict[str, Callable[[str], Callable[[Job], Done]]] = {
    "packed": packed,
    "packed, nothing shared": lambda model: packed(model, share_beginnings=False),
    "vLLM, one token": vllm_token,
    "vLLM, prefix first": lambda model: vllm_token(model, prefix_first=True),
    "vLLM + Outlines, object each": vllm_objects,
    "vLLM + Outlines, one object": vllm_one_object,
    "embedded": embedded,
}


def main() -> None:
    system, model = sys.argv[1:3]
    # Lines of JSON alone go to where the output went; what libraries print goes to the errors.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    run = SYSTEMS[system](model)
    answers.write(json.dumps({"ready": True}) + "\n")
    for line in sys.stdin:
        used = time.process_time()
        try:
            done = run(json.loads(line))
        except Exception as error:  # noqa: BLE001 - the table says what went wrong
            done = {"error": " ".join(str(error).split())[:200] or type(error).__name__}
        answers.write(json.dumps({**done, "cpu": time.process_time() - used}) + "\n")


if __name__ == "__main__":
    main()

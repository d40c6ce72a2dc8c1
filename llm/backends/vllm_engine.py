"""A model inside this process, run by vLLM on a GPU or on the CPU; a GGUF file is unpacked first.

Conditions are scored with one token each: only the two answers are allowed, and their log-probabilities are asked for by
token, so that nothing depends on what else the vocabulary holds. All suffixes share the cached prefix, and all sessions
share one batch. Typed output comes through Outlines, which is given the engine's loop in the place of a `vllm.LLM`.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jurat.llm.backends.front_end import chat_or_text, json_type
from jurat.llm.backends.loop import EngineLoop, Job
from jurat.llm.backends.resources import digest_of, require_memory
from jurat.llm.calibration import sigmoid
from jurat.llm.errors import BackendError, ContextTooLong, one_line
from jurat.llm.models.adapters import Adapter, adapter_for, peft_folder
from jurat.llm.models.pull import cache_folder
from jurat.llm.models.unpacked import imported, unpacked
from jurat.llm.prompts import messages_of
from jurat.llm.protocol import CutOff, OnText

CONTEXT_TOKENS = 4096
CACHE_BYTES = 1 << 30  # of keys and values: 37,000 tokens of the 1.5B model
BATCH_TOKENS = 2048
CALLS_AT_ONCE = 64
_WORD = " a"
_BLOCK_TOKENS = 32  # the smallest that vLLM takes on a CPU; a cache hit is rounded down to it


class VLLMBackend:
    """The model in a folder of safetensors, or in a GGUF file; loading takes seconds and blocks, `load` does not.

    `context_tokens` bounds a prompt together with its answer, `cache_bytes` what the model remembers of all prompts.
    Scores go through the adapter that is shipped for the model's file, if there is one and `adapted`; on a CPU vLLM takes
    about five times as long with it. Raises `BackendError` where vLLM, the model or the memory is missing.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        context_tokens: int = CONTEXT_TOKENS,
        cache_bytes: int = CACHE_BYTES,
        adapted: bool = True,
    ) -> None:
        _prepare()
        given = Path(path)
        folder = _checked(given)
        weights = f"{_sha256(given)}-vllm" if given.is_file() else digest_of(folder)
        adapter = adapter_for(weights.partition("-")[0]) if adapted else None
        require_memory(folder, cache_bytes)
        self.name = given.stem if given.is_file() else given.name
        self.digest = weights if adapter is None else adapter.on(weights)
        self.calls_at_once = CALLS_AT_ONCE
        self._adapter = adapter and _request(adapter)
        self._context_tokens = context_tokens
        try:
            self._loop = EngineLoop(lambda: _engine(folder, context_tokens, cache_bytes, self._adapter))
        except BackendError:
            raise
        except Exception as error:
            raise BackendError(_why_not_loaded(given, error)) from error
        self._tokenizer: Any = self._loop.engine.get_tokenizer()
        self._outlines = _outlined(self._loop, self._tokenizer)

    @classmethod
    async def load(cls, path: Path | str, **how: Any) -> VLLMBackend:
        """Load without blocking the event loop."""
        return await asyncio.to_thread(cls, path, **how)

    async def score(self, prefix: str, suffixes: Sequence[str], answers: tuple[str, str]) -> list[float]:
        """P(first answer) per suffix; without suffixes the answers are checked and the prefix is read into the cache."""
        ids = [self._single_token(answer) for answer in answers]
        prompts = self._prompts(prefix, suffixes or [""])
        jobs = [Job({"prompt_token_ids": each}, _one_of(ids), adapter=self._adapter) for each in prompts]
        outputs = await self._all(jobs)
        return [_probability(output, ids) for output in outputs] if suffixes else []

    async def generate(
        self,
        prompt: str,
        schema: dict[str, Any] | None = None,
        *,
        max_tokens: int,
        stop: Sequence[str] = (),
        on_text: OnText | None = None,
    ) -> str:
        """The most likely continuation; text is handed to `on_text` as it is written, a typed answer when it is whole."""
        messages = messages_of(prompt)
        self._require_room(self._length(messages), max_tokens)
        if schema is None:
            return await self._write(messages, max_tokens, stop, on_text)
        text = await self._typed(messages, schema, max_tokens)
        if on_text is not None:
            on_text(text)
        return text

    async def close(self) -> None:
        """Fail what is still asked, then free the model."""
        await asyncio.to_thread(self._loop.close)

    def _single_token(self, answer: str) -> int:
        ids = self._tokenizer.encode(answer, add_special_tokens=False)
        if len(ids) != 1:
            raise BackendError(f"the answer `{answer.strip()}` is {len(ids)} tokens for this model, and must be one")
        return int(ids[0])

    def _prompts(self, prefix: str, suffixes: Sequence[str]) -> list[list[int]]:
        """The tokens of each prompt; the prefix is cut into tokens once, where the tokenizer lets texts part between words.

        That is tried with a word of its own: with one of the suffixes, the tokens of all would hang on which comes first.
        """
        encode = self._tokenizer.encode
        head, tail = encode(prefix), encode(_WORD, add_special_tokens=False)
        if head + tail == encode(prefix + _WORD):
            found = [head + encode(each, add_special_tokens=False) for each in suffixes]
        else:
            found = [encode(prefix + each) for each in suffixes]
        self._require_room(max(map(len, found)), 1)
        return found

    def _length(self, messages: list[dict[str, str]]) -> int:
        return len(self._tokenizer.encode(self._rendered(messages), add_special_tokens=False))

    def _rendered(self, messages: list[dict[str, str]]) -> str:
        if getattr(self._tokenizer, "chat_template", None) is None:
            return "\n".join(each["content"] for each in messages)
        text: str = self._tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        return text

    def _require_room(self, tokens: int, answer: int) -> None:
        if tokens + answer > self._context_tokens:
            raise ContextTooLong(tokens, self._context_tokens - answer)

    async def _write(
        self, messages: list[dict[str, str]], max_tokens: int, stop: Sequence[str], on_text: OnText | None
    ) -> str:
        vllm, loop = imported("vllm"), asyncio.get_running_loop()
        kind = imported("vllm.sampling_params").RequestOutputKind.CUMULATIVE
        params = vllm.SamplingParams(max_tokens=max_tokens, temperature=0.0, stop=list(stop), output_kind=kind)
        told = 0

        def tell(output: Any) -> None:
            nonlocal told
            text = output.outputs[0].text
            if on_text is not None and len(text) > told:
                loop.call_soon_threadsafe(on_text, text[told:])
                told = len(text)

        ids = self._tokenizer.encode(self._rendered(messages), add_special_tokens=False)
        output = (await self._all([Job({"prompt_token_ids": ids}, params, tell)]))[0].outputs[0]
        return CutOff(output.text) if output.finish_reason == "length" else str(output.text)

    async def _typed(self, messages: list[dict[str, str]], schema: dict[str, Any], max_tokens: int) -> str:
        ticket = _Ticket()
        kind = json_type(schema, imported)
        has_template = self._outlines.type_adapter.has_chat_template
        asked = chat_or_text(messages, has_template=has_template, load=imported)
        params = imported("vllm").SamplingParams(max_tokens=max_tokens, temperature=0.0)
        try:
            return str(await asyncio.to_thread(self._outlines, asked, kind, sampling_params=params, ticket=ticket))
        except asyncio.CancelledError:
            ticket.give_up(self._loop)
            raise
        except BackendError:
            raise
        except Exception as error:
            raise BackendError(f"the model could not answer with the type asked for: {one_line(error)}") from error

    async def _all(self, jobs: list[Job]) -> list[Any]:
        """The outputs of requests that run together; all are stopped where one fails or the caller gives up."""
        try:
            for job in jobs:
                self._loop.submit(job)
            return list(await asyncio.gather(*(asyncio.wrap_future(job.done) for job in jobs)))
        except BaseException as error:
            for job in jobs:
                self._loop.cancel(job)
            if isinstance(error, BackendError) or not isinstance(error, Exception):
                raise
            raise BackendError(f"the model failed: {one_line(error)}") from error


@dataclass(slots=True)
class _Ticket:
    """A request that a thread makes and another may give up, in whichever order the two come."""

    job: Job | None = None
    given_up: bool = False

    def give_up(self, loop: EngineLoop) -> None:
        self.given_up = True
        if self.job is not None:
            loop.cancel(self.job)


class _AsLLM:
    """What Outlines uses of a `vllm.LLM`, on top of the loop: each call waits in its own thread, and all share a batch."""

    def __init__(self, loop: EngineLoop, tokenizer: Any) -> None:
        self._loop = loop
        self._tokenizer = tokenizer

    def get_tokenizer(self) -> Any:
        return self._tokenizer

    def chat(self, messages: list[dict[str, str]], sampling_params: Any, ticket: _Ticket) -> list[Any]:
        text = self._tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        return self.generate(text, sampling_params, ticket)

    def generate(self, prompts: str, sampling_params: Any, ticket: _Ticket) -> list[Any]:
        ids = self._tokenizer.encode(prompts, add_special_tokens=False)
        ticket.job = job = self._loop.submit(Job({"prompt_token_ids": ids}, sampling_params))
        if ticket.given_up:
            self._loop.cancel(job)
        return [job.done.result()]


def _outlined(loop: EngineLoop, tokenizer: Any) -> Any:
    return imported("outlines").from_vllm_offline(_AsLLM(loop, tokenizer))


def _one_of(ids: list[int]) -> Any:
    return imported("vllm").SamplingParams(
        max_tokens=1, temperature=0.0, allowed_token_ids=ids, logprob_token_ids=ids, detokenize=False
    )


def _probability(output: Any, ids: list[int]) -> float:
    found = output.outputs[0].logprobs[0]
    return sigmoid(found[ids[0]].logprob - found[ids[1]].logprob)


def _checked(path: Path) -> Path:
    """The folder to load: the one given, or the one that a GGUF file is unpacked to."""
    if path.is_file():
        with path.open("rb") as file:
            if file.read(4) != b"GGUF":
                raise BackendError(f"`{path}` is neither a GGUF model nor a folder with one in safetensors")
        return unpacked(path)
    if not path.is_dir():
        raise BackendError(f"cannot read the model `{path}`: there is no such file or folder")
    if not (path / "config.json").is_file() or not list(path.glob("*.safetensors")):
        raise BackendError(f"the folder `{path}` holds no model: it needs a `config.json` and weights in safetensors")
    return path


def _prepare() -> None:
    """Environment variables that torch and vLLM read when they are imported; what the user has set stays.

    By default OpenMP's threads spin while they wait for each other, and where other work wants the same cores each spins
    for the other's turn: a reply of 75 tokens of the 135M model took 108 s under load 10 instead of 1.
    """
    defaults = {
        "HF_HUB_OFFLINE": "1",
        "OMP_WAIT_POLICY": "PASSIVE",
        "TORCH_CPP_LOG_LEVEL": "ERROR",
        "VLLM_CONFIGURE_LOGGING": "0",
        "VLLM_CPU_OMP_THREADS_BIND": _cores(),  # its own choice leaves a core idle
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
        "VLLM_NO_USAGE_STATS": "1",
    }
    for name, value in defaults.items():
        os.environ.setdefault(name, value)
    # Without a handler what vLLM logs as a warning would go to the standard error of a command.
    logging.getLogger("vllm").addHandler(logging.NullHandler())
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"vllm\.")


def _request(adapter: Adapter) -> Any:
    """The adapter as vLLM's requests name it."""
    folder = peft_folder(adapter, cache_folder(None).parent / "adapters" / adapter.served)
    return imported("vllm.lora.request").LoRARequest("judge", 1, str(folder))


def _engine(folder: Path, context_tokens: int, cache_bytes: int, adapter: Any) -> Any:
    """The engine, built in this thread."""
    arguments, engines = imported("vllm.engine.arg_utils"), imported("vllm.v1.engine.llm_engine")
    on_cpu = imported("vllm.platforms").current_platform.is_cpu()
    args = arguments.EngineArgs(
        model=str(folder),
        dtype="bfloat16" if on_cpu else "auto",
        max_model_len=context_tokens,
        max_num_batched_tokens=max(BATCH_TOKENS, context_tokens),
        max_logprobs=20,
        enable_prefix_caching=True,
        enforce_eager=on_cpu,
        disable_log_stats=True,
        use_tqdm_on_load=False,
        structured_outputs_config={"backend": "guidance", "disable_any_whitespace": True},
        **({"enable_lora": True, "max_loras": 1, "max_lora_rank": 8} if adapter else {}),
        **({"kv_cache_memory_bytes": cache_bytes, "block_size": _BLOCK_TOKENS} if on_cpu else {}),
    )
    return engines.LLMEngine.from_engine_args(args)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _cores() -> str:
    """The processors that this process may use, as a list of numbers; `auto` where the system does not say."""
    get: Callable[[int], set[int]] | None = getattr(os, "sched_getaffinity", None)
    return ",".join(map(str, sorted(get(0)))) if get else "auto"


def _why_not_loaded(path: Path, error: Exception) -> str:
    text = one_line(error)
    if isinstance(error, MemoryError) or any(sign in text.casefold() for sign in _MEMORY_SIGNS):
        return f"`{path}` does not fit into memory: {text}"
    return f"`{path}` could not be loaded: {text or type(error).__name__}"


_MEMORY_SIGNS = ("out of memory", "can't allocate memory", "no available memory", "cannot allocate memory")

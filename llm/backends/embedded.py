"""A small GGUF model inside this process, run by llama.cpp through xllamacpp.

One worker thread owns the model, so the event loop never waits and calls are answered in turn. Scoring,
writing and filling in arguments each keep their own prefix cache ("slot"), so that one does not evict
the other's: on two CPU cores a token costs 15 ms to read and 70 ms to write, and a conversation is
read again and again.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib
import math
import os
import secrets
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from jurat.llm.backends.kept import KeptTexts, folder_for_texts
from jurat.llm.errors import BackendError, ContextTooLong, one_line
from jurat.llm.models.adapters import Adapter, adapter_for
from jurat.llm.models.pull import cache_root
from jurat.llm.protocol import CutOff, OnText

T = TypeVar("T")

CONTEXT_TOKENS = 4096
_SCORE_SLOT, _TEXT_SLOT, _SCHEMA_SLOT, _SLOTS = 0, 1, 2, 3
# Lifts the two answers above the whole vocabulary, whose logits differ by some 40 at most.
_ANSWER_BIAS = 100.0


class EmbeddedBackend:
    """The model in the GGUF file at `path`; loading takes seconds and blocks, `load` does not.

    `context_tokens` bounds a prompt together with its answer, `threads` defaults to the cores that this
    process may use. Scores go through the adapter that is shipped for the model, if there is one and `adapted`
    (jurat.llm.models.adapters). Raises `BackendError` where the file is missing or is no model.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        context_tokens: int = CONTEXT_TOKENS,
        threads: int | None = None,
        adapted: bool = True,
    ) -> None:
        file = _checked(Path(path))
        self.name = file.stem
        self.digest = _sha256(file)
        adapter = adapter_for(self.digest) if adapted else None
        if adapter is not None:
            self.digest = adapter.on(self.digest)
        folder, key = folder_for_texts(cache_root()), secrets.token_urlsafe(32)
        self._server: Any = _start(file, context_tokens, threads or _usable_cores(), adapter, folder, key)
        self._scoring: dict[str, Any] = {} if adapter is None else {"lora": [{"id": 0, "scale": 1.0}]}
        self._writing: dict[str, Any] = {} if adapter is None else {"lora": [{"id": 0, "scale": 0.0}]}
        self._kept = KeptTexts(folder, self.digest, self._server.listening_address, key) if folder else None
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="jurat-model")
        self._closing = False

    @classmethod
    async def load(cls, path: Path | str, **how: Any) -> EmbeddedBackend:
        """Load without blocking the event loop; the options are those of the class."""
        return await asyncio.to_thread(cls, path, **how)

    async def score(self, prefix: str, suffixes: Sequence[str], answers: tuple[str, str]) -> list[float]:
        """P(first answer) per suffix; without suffixes the prefix is only read, or taken from an earlier start."""
        return await self._run(lambda stop: self._score(prefix, suffixes, answers, stop))

    async def generate(
        self,
        prompt: str,
        schema: dict[str, Any] | None = None,
        *,
        max_tokens: int,
        stop: Sequence[str] = (),
        on_text: OnText | None = None,
    ) -> str:
        """The most likely continuation, handed to `on_text` on the event loop as it is written."""
        loop = asyncio.get_running_loop()
        request: dict[str, Any] = {"prompt": prompt, "max_tokens": max_tokens, "stop": list(stop), "temperature": 0.0}
        request |= {"id_slot": _TEXT_SLOT} if schema is None else {"id_slot": _SCHEMA_SLOT, "json_schema": schema}
        request |= self._writing

        def emit(text: str) -> None:
            if on_text is not None and text:
                loop.call_soon_threadsafe(on_text, text)

        return await self._run(lambda cancelled: self._stream(request, emit, cancelled))

    async def close(self) -> None:
        """Let the running call end, then free the model; who still waits gets an error."""
        self._closing = True
        await asyncio.to_thread(self._worker.shutdown, cancel_futures=True)
        self._server = None

    async def _run(self, work: Callable[[threading.Event], T]) -> T:
        if self._server is None:
            raise BackendError("the model is closed")
        cancelled = threading.Event()
        try:
            waiting = self._worker.submit(work, cancelled)
        except RuntimeError as error:
            raise BackendError("the model is closed") from error
        try:
            return await asyncio.wrap_future(waiting)
        except asyncio.CancelledError:
            cancelled.set()
            if self._closing and waiting.cancelled():
                raise BackendError("the model is closed") from None
            raise

    def _score(
        self, prefix: str, suffixes: Sequence[str], answers: tuple[str, str], cancelled: threading.Event
    ) -> list[float]:
        if not suffixes:
            self._read(prefix)
            return []
        self._rewind(prefix)
        scores = []
        for suffix in suffixes:
            if cancelled.is_set():
                break
            self._rewind(prefix)
            scores.append(
                _probability(self._ask({**_score_request(prefix + suffix, answers), **self._scoring}), answers)
            )
        return scores

    def _read(self, text: str) -> None:
        """Read a text that is asked for at each start, unless an earlier one has kept what it read."""
        if self._kept is None:
            self._rewind(text)
            return
        self._rewind("\n")  # llama.cpp empties a slot when its adapter is first named
        self._kept.restore(_SCORE_SLOT, text)
        if self._rewind(text) > 1:
            self._rewind(text)  # so that what comes after it sees the same as after a start that found it kept
            self._kept.save(_SCORE_SLOT, text)

    def _rewind(self, prefix: str) -> int:
        """Make the cache end with the prefix, its last token read alone.

        Without this the cache would keep whatever this suffix shares with the one before, and a sum of
        quantised products depends on how tokens were grouped: scores moved by up to 0.06 with the
        order of conditions, and by nothing with this. The price is one token, 70 ms. Returns how many were read.
        """
        answer = self._ask({"prompt": prefix, "max_tokens": 0, "id_slot": _SCORE_SLOT, **self._scoring})
        return int(answer["timings"]["prompt_n"])

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = self._server.handle_completions({**request, "cache_prompt": True})
        except RuntimeError as error:
            raise BackendError(f"the model failed: {one_line(error)}") from error
        _raise_for_error(answer)
        return answer

    def _stream(self, request: dict[str, Any], emit: Callable[[str], None], cancelled: threading.Event) -> str:
        pieces: list[str] = []
        faults: list[dict[str, Any]] = []

        def on_chunk(chunk: dict[str, Any]) -> bool:
            if "error" in chunk:
                faults.append(chunk)
                return True
            choice = chunk["choices"][0]
            pieces.append(CutOff(choice["text"]) if choice.get("finish_reason") == "length" else choice["text"])
            emit(pieces[-1])
            return cancelled.is_set()

        try:
            self._server.handle_completions({**request, "cache_prompt": True, "stream": True}, on_chunk)
        except RuntimeError as error:
            raise BackendError(f"the model failed: {one_line(error)}") from error
        for fault in faults:
            _raise_for_error(fault)
        return CutOff("".join(pieces)) if pieces and isinstance(pieces[-1], CutOff) else "".join(pieces)


def _score_request(prompt: str, answers: tuple[str, str]) -> dict[str, Any]:
    # The bias makes the two answers the two likeliest tokens; the probabilities are taken after it.
    return {
        "prompt": prompt,
        "max_tokens": 1,
        "id_slot": _SCORE_SLOT,
        "logprobs": 2,
        "samplers": ["temperature"],
        "temperature": 1.0,
        "post_sampling_probs": True,
        "logit_bias": [[answer, _ANSWER_BIAS] for answer in answers],
    }


def _probability(answer: dict[str, Any], answers: tuple[str, str]) -> float:
    top = answer["choices"][0]["logprobs"]["content"][0]["top_probs"]
    found = {entry["token"]: float(entry["prob"]) for entry in top}
    if not set(found) <= set(answers):
        wrong = " and ".join(f"`{a.strip()}`" for a in answers)
        raise BackendError(f"the answers {wrong} are not one token each for this model")
    first, second = (found.get(a, 0.0) for a in answers)
    return first / (first + second) if first + second > 0 else math.nan


def _raise_for_error(answer: dict[str, Any]) -> None:
    error = answer.get("error")
    if error is None:
        return
    if error.get("type") == "exceed_context_size_error":
        raise ContextTooLong(error["n_prompt_tokens"], error["n_ctx"])
    raise BackendError(f"the model failed: {one_line(error.get('message', 'no reason given'))}")


def _checked(path: Path) -> Path:
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise BackendError(
            f"cannot read the model `{path}`: {(error.strerror or 'no reason given').lower()}"
        ) from error
    if magic != b"GGUF":
        raise BackendError(f"`{path}` is not a GGUF model")
    return path


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _usable_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _start(  # noqa: PLR0917 - what llama.cpp has to know before it begins
    path: Path, context_tokens: int, threads: int, adapter: Adapter | None, kept: Path | None, key: str
) -> Any:
    try:
        xllamacpp = _imported()
    except ModuleNotFoundError as error:
        raise BackendError("the embedded model needs `pip install jurat[embedded]`") from error
    except ImportError as error:  # llama.cpp's threads come from libgomp, which a slim container may lack
        raise BackendError(f"xllamacpp cannot be loaded: {one_line(error)}") from error
    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.n_ctx, params.n_parallel = context_tokens * _SLOTS, _SLOTS
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    params.verbosity = -1
    params.warmup = False
    params.cache_ram_mib = 0
    if adapter is not None:
        params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(str(adapter.file), 1.0)]
    # llama.cpp's server always listens on a port of the loopback device; nobody gets the key to it.
    params.api_keys = [key]
    if kept is not None:
        params.endpoint_slots, params.slot_save_path = True, f"{kept}{os.sep}"
    params.endpoint_metrics = True
    try:
        server = xllamacpp.Server(params)
    except RuntimeError as error:
        raise BackendError(f"`{path}` could not be loaded: damaged, or too large for this machine's memory") from error
    # A server that is freed before its own thread has begun waits for that thread for ever: the answer says that it has.
    server.handle_metrics()
    return server


def _imported() -> Any:
    """The runtime, with threads that sleep while they wait for each other.

    By default they spin, and where other work wants the same cores each spins for the other's turn: ten
    conditions then took 31 s instead of 19 s. OpenMP reads its environment once, when it is loaded.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    return importlib.import_module("xllamacpp")

"""The packed scorer as a backend: requests that arrive while a batch runs make the next one."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, InvalidStateError, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jurat.llm.errors import BackendError, LLMError

if TYPE_CHECKING:
    from jurat.llm.backends.packed.scorer import Ask, Batch, Scorer

CONTEXT_TOKENS = 4096
CACHE_BYTES = 1 << 30
MOST_REQUESTS = 64
KEPT_BATCHES = 256


@dataclass(eq=False, slots=True)
class _Request:
    ask: Ask
    answer: Future[list[float]] = field(default_factory=Future)


class PackedBackend:
    """Scores conditions with the model at `path`: a folder of transformers, or a GGUF file.

    The prefix is computed once and kept (`cache_bytes` of keys and values, shared between conversations, the least
    recently used out first), and all suffixes of all waiting requests go through the model together. Prefix and suffix
    are split into tokens apart, so a prompt has to part between words. `device` is `cpu` or `cuda`, found out where it
    is None; `dtype` is `bfloat16`, `float16` or `float32`, by default the fastest that keeps the model's range.
    `chunk_rows` bounds the tokens of one pass. `share_beginnings` computes what suffixes have in common once. Where the
    file is that of a model for which an adapter is shipped, it is `adapted`.

    Loading takes seconds and blocks, `load` does not. Raises `BackendError`.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        device: str | None = None,
        dtype: str | None = None,
        context_tokens: int = CONTEXT_TOKENS,
        cache_bytes: int = CACHE_BYTES,
        chunk_rows: int | None = None,
        share_beginnings: bool = True,
        adapted: bool = True,
    ) -> None:
        self.name = Path(path).stem if Path(path).is_file() else Path(path).name
        self._scorer: Scorer | None = _scorer(
            Path(path),
            device,
            dtype,
            adapted,
            context_tokens=context_tokens,
            cache_bytes=cache_bytes,
            chunk_rows=chunk_rows,
            share_beginnings=share_beginnings,
        )
        self.digest = self._scorer.digest
        self.calls_at_once = MOST_REQUESTS
        self.batches: deque[Batch] = deque(maxlen=KEPT_BATCHES)
        """What the latest batches took, the oldest first."""
        self._waiting: deque[_Request] = deque()
        self._lock = threading.Lock()
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="jurat-packed")

    @classmethod
    async def load(cls, path: Path | str, **options: Any) -> PackedBackend:
        """Load without blocking the event loop; the options are those of the class."""
        return await asyncio.to_thread(cls, path, **options)

    async def score(self, prefix: str, suffixes: Sequence[str], answers: tuple[str, str]) -> list[float]:
        """P(first answer) per suffix; without suffixes only the prefix is read, which warms the cache."""
        scorer = self._scorer
        if scorer is None:
            raise BackendError("the model is closed")
        request = _Request(scorer.ask(prefix, suffixes, answers))
        with self._lock:
            self._waiting.append(request)
        try:
            self._worker.submit(self._serve)
        except RuntimeError as error:
            raise BackendError("the model is closed") from error
        return await asyncio.wrap_future(request.answer)

    async def generate(self, *_: object, **__: object) -> str:
        """Refused: this backend scores. Give the voice a backend of its own."""
        raise BackendError("the packed scorer does not write: give the voice another backend")

    async def close(self) -> None:
        """Let the running batch end, then free the model; who still waits gets an error."""
        await asyncio.to_thread(self._worker.shutdown, cancel_futures=True)
        self._scorer = None
        while self._waiting:
            _fail(self._waiting.popleft(), BackendError("the model is closed"))

    def forget(self) -> None:
        """Drop all kept prefixes, between batches; for measurements of a cold start."""
        if self._scorer is not None:
            self._worker.submit(self._scorer.forget).result()

    def _serve(self) -> None:
        """Answer what waits now; runs in the worker."""
        from jurat.llm.backends.packed.scorer import Batch, GivenUp

        batch, requests = Batch(), self._next()
        if not requests or self._scorer is None:
            return

        def answered(number: int, scores: list[float]) -> None:
            with contextlib.suppress(InvalidStateError):  # cancelled meanwhile
                requests[number].answer.set_result(scores)

        self.batches.append(batch)
        try:
            late = self._scorer.score(
                [r.ask for r in requests], lambda: all(r.answer.done() for r in requests), answered, batch
            )
        except GivenUp:
            return
        except Exception as error:  # noqa: BLE001 - whoever waits must hear of it, and the worker must go on
            fault = error if isinstance(error, LLMError) else BackendError(f"the model failed: {_one_line(error)}")
            for request in requests:
                _fail(request, fault)
            return
        if late:
            with self._lock:
                self._waiting.extendleft(requests[number] for number in reversed(late))
            self._worker.submit(self._serve)

    def _next(self) -> list[_Request]:
        taken: list[_Request] = []
        with self._lock:
            while self._waiting and len(taken) < MOST_REQUESTS:
                request = self._waiting.popleft()
                if not request.answer.cancelled():
                    taken.append(request)
        return taken


def _fail(request: _Request, error: Exception) -> None:
    with contextlib.suppress(InvalidStateError):  # answered or cancelled before
        request.answer.set_exception(error)


def _scorer(path: Path, device: str | None, dtype: str | None, adapted: bool, **options: Any) -> Scorer:
    if not path.exists():
        raise BackendError(f"cannot read the model `{path}`: no such file or directory")
    try:
        import torch

        from jurat.llm.backends.packed.loading import best_dtype, load
        from jurat.llm.backends.packed.scorer import Scorer
    except ImportError as error:
        raise BackendError(f"the packed scorer needs `pip install jurat[packed]`: {_one_line(error)}") from error
    found = device or ("cuda" if torch.cuda.is_available() else "cpu")
    kind = getattr(torch, dtype) if dtype else best_dtype(found)
    return Scorer(load(path, found, kind, adapted=adapted), **options)


def _one_line(reason: object) -> str:
    return " ".join(str(reason).split())

"""Two runtimes as one backend: the packed scorer judges, another one writes.

On a CPU llama.cpp writes, from the GGUF file's own 4 bits: a token costs a quarter of what it does from 16 bits. On a GPU, and
for a folder, transformers does, with Outlines for typed output. The writer is loaded when the first text is asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from jurat.llm.backends.packed import PackedBackend
from jurat.llm.errors import BackendError, ContextTooLong
from jurat.llm.models.unpacked import imported, unpacked
from jurat.llm.protocol import OnText

CONTEXT_TOKENS = 4096


class Writer(Protocol):
    """The half of a backend that writes."""

    async def generate(
        self,
        prompt: str,
        schema: dict[str, Any] | None = None,
        *,
        max_tokens: int,
        stop: Sequence[str] = (),
        on_text: OnText | None = None,
    ) -> str: ...
    async def close(self) -> None: ...


class Paired:
    """Scores with a packed scorer and writes with what `writer` makes when it is first needed."""

    def __init__(self, scorer: PackedBackend, writer: Callable[[], Writer]) -> None:
        self.name, self.digest = scorer.name, scorer.digest
        self.calls_at_once = scorer.calls_at_once
        self._scorer, self._make = scorer, writer
        self._loading: asyncio.Task[Writer] | None = None
        self._closed = False

    @classmethod
    async def load(cls, path: Path | str) -> Paired:
        """The model in a GGUF file, or in a folder of safetensors; raises `BackendError`."""
        scorer = await PackedBackend.load(path)
        given = Path(path)
        return cls(scorer, lambda: _embedded(given) if _suits_llama(given) else TransformersBackend(given))

    async def score(self, prefix: str, suffixes: Sequence[str], answers: tuple[str, str]) -> list[float]:
        """As the packed scorer does."""
        return await self._scorer.score(prefix, suffixes, answers)

    async def generate(
        self,
        prompt: str,
        schema: dict[str, Any] | None = None,
        *,
        max_tokens: int,
        stop: Sequence[str] = (),
        on_text: OnText | None = None,
    ) -> str:
        """As the writer does; the first text waits until it is loaded."""
        writer = await self._loaded()
        return await writer.generate(prompt, schema, max_tokens=max_tokens, stop=stop, on_text=on_text)

    async def close(self) -> None:
        """Free both, the writer once it is loaded where that has begun. Idempotent."""
        self._closed = True
        await self._scorer.close()
        if self._loading is not None:
            await asyncio.wait([self._loading])
            if not self._loading.cancelled() and self._loading.exception() is None:
                await self._loading.result().close()

    async def _loaded(self) -> Writer:
        """The writer, loaded once: who gives up waiting leaves the loading to whoever comes next."""
        if self._closed:
            raise BackendError("the model is closed")
        if self._loading is None or (self._loading.done() and self._loading.exception() is not None):
            self._loading = asyncio.create_task(asyncio.to_thread(self._make))
        return await asyncio.shield(self._loading)


class TransformersBackend:
    """Writes with a model that transformers runs in a thread of its own; loading blocks. Raises `BackendError`."""

    def __init__(self, path: Path) -> None:
        from jurat.llm.backends.transformers_writer import TransformersWriter

        torch, transformers = imported("torch"), imported("transformers")
        folder = path if path.is_dir() else unpacked(path)
        where = {"pretrained_model_name_or_path": str(folder), "local_files_only": True}
        self._tokenizer = transformers.AutoTokenizer.from_pretrained(**where)
        device = "cuda" if torch.cuda.is_available() else "cpu"
        model = transformers.AutoModelForCausalLM.from_pretrained(**where, dtype=torch.bfloat16, device_map=device)
        self._writer = TransformersWriter(model.eval(), self._tokenizer)
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="jurat-writer")

    async def generate(
        self,
        prompt: str,
        schema: dict[str, Any] | None = None,
        *,
        max_tokens: int,
        stop: Sequence[str] = (),
        on_text: OnText | None = None,
    ) -> str:
        """The most likely continuation, handed to `on_text` when it is whole."""
        length = len(self._tokenizer(prompt)["input_ids"])
        if length + max_tokens > CONTEXT_TOKENS:
            raise ContextTooLong(length, CONTEXT_TOKENS - max_tokens)

        def write() -> str:
            return self._writer.write(prompt, schema, max_tokens=max_tokens, stop=stop)

        try:
            text = await asyncio.get_running_loop().run_in_executor(self._worker, write)
        except RuntimeError as error:
            raise BackendError("the model is closed") from error
        if on_text is not None and text:
            on_text(text)
        return text

    async def close(self) -> None:
        """Let the running text end, then free the model. Idempotent."""
        await asyncio.to_thread(self._worker.shutdown, cancel_futures=True)


def _suits_llama(path: Path) -> bool:
    return path.is_file() and find_spec("xllamacpp") is not None and not imported("torch").cuda.is_available()


def _embedded(path: Path) -> Writer:
    from jurat.llm.backends.embedded import EmbeddedBackend

    return EmbeddedBackend(path)

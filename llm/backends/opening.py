"""From what a user chose to a backend that may answer, whatever runs the model."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from jurat.llm.backends.cassette import CassetteBackend
from jurat.llm.errors import BackendError
from jurat.llm.protocol import Backend

Kind = Literal["embedded", "packed", "vllm", "server", "cassette"]
KINDS: tuple[Kind, ...] = ("embedded", "packed", "vllm", "server", "cassette")


@dataclass(frozen=True, slots=True)
class Choice:
    """Which model to ask and how. ``model`` is a file or folder, or what a server calls the model.

    ``cassette`` is replayed by the backend of that name, and recorded to by every other.
    """

    kind: Kind = "embedded"
    model: Path | str | None = None
    url: str | None = None
    cassette: Path | None = None


async def opened(choice: Choice) -> Backend:
    """The backend, loaded or connected to. A server's key comes from the environment only (JURAT_SERVER_KEY).

    Raises:
        BackendError: whatever stands in the way, in one line.
    """
    if choice.kind == "cassette":
        if choice.cassette is None:
            raise BackendError("a recording to replay was not named")
        return CassetteBackend.replay(choice.cassette)
    backend = await _live(choice)
    if choice.cassette is None:
        return backend
    try:
        return CassetteBackend.record(choice.cassette, backend)
    except BackendError:
        await backend.close()
        raise


async def _live(choice: Choice) -> Backend:
    if choice.kind == "server":
        from jurat.llm.backends.server import ServerBackend
        from jurat.llm.backends.wire import KEY_VARIABLE

        if choice.url is None:
            raise BackendError("the address of the server was not given")
        model = None if choice.model is None else str(choice.model)
        return await ServerBackend.connect(choice.url, model, key=os.environ.get(KEY_VARIABLE))
    if choice.model is None:
        raise BackendError("no model was named")
    if choice.kind == "vllm":
        from jurat.llm.backends.vllm_engine import VLLMBackend

        return await VLLMBackend.load(choice.model)
    if choice.kind == "packed":
        from jurat.llm.backends.paired import Paired

        return await Paired.load(choice.model)
    from jurat.llm.backends.embedded import EmbeddedBackend

    return await EmbeddedBackend.load(choice.model)

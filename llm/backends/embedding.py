"""An embedding model behind HTTP: any server with OpenAI's `/v1/embeddings`, such as vLLM's or llama.cpp's."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from typing import Any

from jurat.llm.backends.identity import chosen, listed
from jurat.llm.backends.wire import Wire
from jurat.llm.errors import BackendError, RequestRefused
from jurat.llm.protocol import Vector

KEY_VARIABLE = "JURAT_EMBEDDINGS_KEY"
ANSWER_SECONDS = 20.0
TEXTS_A_REQUEST = 32
"""As many as text-embeddings-inference takes unless it is told otherwise; llama.cpp and vLLM take more."""


class ServerEmbedder:
    """A model of a server; made by `connect`. What is not a vector of numbers for each text is a `BackendError`."""

    def __init__(self, wire: Wire, model: str) -> None:
        self.name = model
        self._wire = wire

    @classmethod
    async def connect(cls, url: str, model: str | None = None, *, key: str | None = None) -> ServerEmbedder:
        """Ask the server at `url` what it serves; without `model` it must be just one.

        Raises:
            BackendError: it is down, slow or not such a server, does not know the model or the key, or gives no embeddings.
        """
        wire = Wire(url, key, answer_seconds=ANSWER_SECONDS, key_variable=KEY_VARIABLE)
        try:
            made = cls(wire, await _name(wire, model))
            await made.embed(["hello"])
        except BaseException:
            await wire.client.close()
            raise
        return made

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """A vector of length 1 for each text. Raises `BackendError`."""
        starts = range(0, len(texts), TEXTS_A_REQUEST)
        found = [vector for start in starts for vector in await self._some(texts[start : start + TEXTS_A_REQUEST])]
        if len({len(each) for each in found}) > 1:
            raise self._wire.unreadable()
        return found

    async def close(self) -> None:
        """Close the connections. Idempotent."""
        await self._wire.client.close()

    async def _some(self, texts: Sequence[str]) -> list[Vector]:
        create = self._wire.client.embeddings.create
        answer = await self._wire.ask(
            lambda: create(model=self.name, input=list(texts), encoding_format="float", timeout=ANSWER_SECONDS)
        )
        try:
            ordered = sorted(answer.data, key=lambda each: each.index)
            found = [unit(each.embedding) for each in ordered]
        except (TypeError, ValueError, AttributeError):
            raise self._wire.unreadable() from None
        if len(found) != len(texts):
            raise self._wire.unreadable()
        return found


async def _name(wire: Wire, wanted: str | None) -> str:
    """What the server calls its model; one that lists none, as text-embeddings-inference, is taken at the user's word."""
    try:
        served = await listed(wire)
    except RequestRefused as error:
        if wanted is None:
            raise BackendError(f"{error}; name its model with --embedding-model if it has no list of them") from error
        return wanted
    return chosen(wire, served, (), wanted, "--embedding-model")


def unit(given: Any) -> Vector:
    """A vector, of length 1; raises `ValueError` where it has no direction."""
    numbers = [float(each) for each in given]
    length = math.hypot(*numbers)
    if not 0 < length < math.inf:
        raise ValueError("no direction")
    return array("d", (each / length for each in numbers))

"""A model for Parlant that answers at once, with the least that is asked of it; needs `pip install parlant`.

Of the guidelines that are asked about in one prompt the first applies, and the reply is one sentence. Parlant reads its environment
when it is imported, so whoever imports this sets `PARLANT_HOME` before.
"""

from __future__ import annotations

import asyncio
import re
import types
import typing
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import parlant.sdk as p
from parlant.core.nlp.embedding import Embedder, EmbeddingResult
from parlant.core.nlp.generation import SchematicGenerationResult, SchematicGenerator, T
from parlant.core.nlp.generation_info import GenerationInfo, UsageInfo
from parlant.core.nlp.moderation import NoModeration
from parlant.core.nlp.service import NLPService
from parlant.core.nlp.tokenization import ZeroEstimatingTokenizer

REPLY = "I look into it."
_ID = re.compile(r'"guideline_id":\s*"(\d+)"|^\s*(\d+)\) Condition', re.MULTILINE)


def filled(kind: Any, prompt: str, name: str = "") -> Any:
    """The least value of a type: nothing where nothing is allowed, and one sentence where a reply is."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if hasattr(kind, "model_fields"):
        required = {n: f for n, f in kind.model_fields.items() if f.is_required() or "response" in n or "message" in n}
        return {n: filled(f.annotation, prompt, n) for n, f in required.items()}
    if origin in (typing.Union, types.UnionType):
        wanted = "response" in name or "message" in name
        return filled(next(each for each in inner if each is not type(None)), prompt, name) if wanted else None
    if origin in (list, Sequence):
        return (
            [{**filled(inner[0], prompt), "guideline_id": n, "applies": k == 0} for k, n in enumerate(_ids(prompt))]
            if name == "checks"
            else []
        )
    if origin is typing.Literal:
        return inner[0]
    return {bool: False, int: 0, float: 0.0, dict: {}}.get(
        kind, REPLY if "response" in name or "message" in name else ""
    )


def _ids(prompt: str) -> list[str]:
    return sorted({a or b for a, b in _ID.findall(prompt)}, key=int)


class Generator(SchematicGenerator[T]):
    """Answers at once, with the least that its schema takes."""

    async def generate(self, prompt: Any, hints: Any = None) -> Any:  # noqa: ARG002 - Parlant's signature
        text = prompt if isinstance(prompt, str) else prompt.build()
        info = GenerationInfo(self.schema.__name__, self.id, 0.0, UsageInfo(0, 0))
        return SchematicGenerationResult(self.schema.model_validate(filled(self.schema, text)), info)

    id = property(lambda _: "scripted")
    max_tokens = property(lambda _: 1_000_000)
    tokenizer = property(lambda _: ZeroEstimatingTokenizer())


class Vectors(Embedder):
    """Every text is the same."""

    async def embed(self, texts: list[str], hints: Any = None) -> EmbeddingResult:  # noqa: ARG002 - as above
        return EmbeddingResult([[1.0, 0.0] for _ in texts])

    id = property(lambda _: "vectors")
    max_tokens = property(lambda _: 1_000_000)
    dimensions = property(lambda _: 2)
    tokenizer = property(lambda _: ZeroEstimatingTokenizer())


class Scripted(NLPService):
    """The model."""

    supports_streaming = property(lambda _: False)

    async def get_schematic_generator(self, t: Any, hints: Any = None) -> Any:  # noqa: ARG002 - as above
        return Generator[t]()

    async def get_streaming_text_generator(self, hints: Any = None) -> Any:
        raise NotImplementedError

    async def get_embedder(self, hints: Any = None) -> Embedder:  # noqa: ARG002 - as above
        return Vectors()

    async def get_moderation_service(self) -> NoModeration:
        return NoModeration()


async def serve(given: dict[str, Any], begin: Callable[[p.Server, p.Agent], Awaitable[None]]) -> None:
    """Serve an agent with the ``guidelines`` on the ``port`` until the process is ended; ``begin`` runs beside it."""
    async with p.Server(
        host="127.0.0.1", port=given["port"], tool_service_port=given["port"] + 1, nlp_service=lambda _: Scripted(),
        session_store="local", log_level=p.LogLevel.CRITICAL,
    ) as server:  # fmt: skip
        agent = await server.create_agent(
            name="Agent",
            description="Serves the customers of a shop",
            perceived_performance_policy=p.NullPerceivedPerformancePolicy(),  # else it waits on purpose
        )
        for condition, action in given["guidelines"]:
            await agent.create_guideline(condition=condition, action=action)
        server.task = asyncio.create_task(begin(server, agent))

"""Turns of Parlant's engine with a model that answers at once; needs `pip install parlant`, and nothing of ours.

In, as JSON on standard input: ``{"guidelines": [[condition, action]], "messages": [text], "folder": …}``. Out: ``{"version": …,
"seconds": [a turn], "processor": [a turn], "replies": …}``. Sessions are stored in Parlant's own files (`session_store="local"`). Of the
guidelines that are asked about in one prompt the first applies, and the reply is one sentence.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import time
import types
import typing
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

GIVEN = json.load(sys.stdin)
os.environ["PARLANT_HOME"] = GIVEN["folder"]

import parlant.sdk as p  # noqa: E402 - it reads the environment when it is imported
from parlant.core.agents import AgentId  # noqa: E402
from parlant.core.customers import CustomerStore  # noqa: E402
from parlant.core.emission.event_buffer import EventBuffer  # noqa: E402
from parlant.core.engines.types import Context, Engine  # noqa: E402
from parlant.core.nlp.embedding import Embedder, EmbeddingResult  # noqa: E402
from parlant.core.nlp.generation import SchematicGenerationResult, SchematicGenerator, T  # noqa: E402
from parlant.core.nlp.generation_info import GenerationInfo, UsageInfo  # noqa: E402
from parlant.core.nlp.moderation import NoModeration  # noqa: E402
from parlant.core.nlp.service import NLPService  # noqa: E402
from parlant.core.nlp.tokenization import ZeroEstimatingTokenizer  # noqa: E402
from parlant.core.sessions import EventKind, EventSource, SessionStore  # noqa: E402

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


async def turns(server: Any, agent: Any) -> None:
    """Every message as a turn of its session, two a session; the result to standard output, and the end."""
    await server.ready.wait()
    container = server.container
    engine, sessions = container[Engine], container[SessionStore]
    customer = (await container[CustomerStore].list_customers()).items[0]
    took, used, replies = [], [], 0
    session = None
    for number, message in enumerate(GIVEN["messages"]):
        if number % 2 == 0:
            session = await sessions.create_session(customer.id, AgentId(agent.id))
        data = {"message": message, "participant": {"id": customer.id, "display_name": customer.name}}
        started, processor = time.perf_counter(), time.process_time()
        await sessions.create_event(session.id, EventSource.CUSTOMER, EventKind.MESSAGE, f"t{number}", data)
        buffer = (
            EventBuffer(await server.container[p.AgentStore].read_agent(AgentId(agent.id)))
            if hasattr(p, "AgentStore")
            else None
        )
        await engine.process(Context(session.id, AgentId(agent.id)), buffer)
        for event in buffer.events:
            await sessions.create_event(session.id, event.source, event.kind, event.trace_id, event.data)
        took.append(time.perf_counter() - started)
        used.append(time.process_time() - processor)
        replies += sum(event.kind == EventKind.MESSAGE for event in buffer.events)
    said = {"version": version("parlant"), "seconds": took, "processor": used, "replies": replies}
    sys.__stdout__.write("\n" + json.dumps(said) + "\n")
    sys.__stdout__.flush()
    os._exit(0)


async def main() -> None:
    async with p.Server(
        host="127.0.0.1", port=GIVEN["port"], tool_service_port=GIVEN["port"] + 1, nlp_service=lambda _: Scripted(),
        session_store="local", log_level=p.LogLevel.CRITICAL,
    ) as server:  # fmt: skip
        agent = await server.create_agent(
            name="Agent",
            description="Serves the customers of a shop",
            perceived_performance_policy=p.NullPerceivedPerformancePolicy(),  # else it waits on purpose
        )
        for condition, action in GIVEN["guidelines"]:
            await agent.create_guideline(condition=condition, action=action)
        server.task = asyncio.create_task(turns(server, agent))


if __name__ == "__main__":
    asyncio.run(main())

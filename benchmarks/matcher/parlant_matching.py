"""Parlant's guideline matching on one conversation, given as JSON on standard input; needs `pip install parlant`, and nothing
of ours.

In: ``{"url": …, "generate": bool, "messages": [[role, text]], "guidelines": [[condition, action]]}``, the address being that of
a llama.cpp server. Out: ``{"version": …, "calls": …, "prompt_tokens": …, "written_tokens": …, "broken": …, "failed": …,
"matched": [[condition]], "seconds": …}``. ``broken`` are answers that are not of Parlant's schema, ``failed`` the batches
given up after its retries. Without ``generate`` every prompt is only counted, and every guideline taken to apply.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from parlant.core.agents import Agent, AgentId
from parlant.core.common import Criticality
from parlant.core.customers import Customer, CustomerId
from parlant.core.engines.alpha.guideline_matching.generic.guideline_actionable_batch import (
    GenericActionableGuidelineMatchesSchema,
    GenericActionableGuidelineMatchingBatch,
)
from parlant.core.engines.alpha.guideline_matching.guideline_matcher import GuidelineMatchingBatchError
from parlant.core.engines.alpha.guideline_matching.guideline_matching_context import GuidelineMatchingContext
from parlant.core.engines.alpha.optimization_policy import BasicOptimizationPolicy
from parlant.core.guidelines import Guideline, GuidelineContent, GuidelineId
from parlant.core.loggers import LogLevel, StdoutLogger
from parlant.core.meter import LocalMeter
from parlant.core.nlp.generation import SchematicGenerationResult, SchematicGenerator
from parlant.core.nlp.generation_info import GenerationInfo, UsageInfo
from parlant.core.nlp.tokenization import ZeroEstimatingTokenizer
from parlant.core.sessions import Event, EventId, EventKind, EventSource, Session, SessionId
from parlant.core.tracer import LocalTracer

NOW = datetime.now(UTC)
MOST_WRITTEN = 2000
"""Tokens of one answer."""

SECONDS = 3600
"""That one answer may take on a slow machine."""


@dataclass
class Tally:
    """What the batches of a turn asked of the model."""

    calls: int = 0
    prompt_tokens: int = 0
    written_tokens: int = 0
    broken: int = 0


class Generator(SchematicGenerator[GenericActionableGuidelineMatchesSchema]):
    """Sends a prompt to the server, or only counts it, for a batch of so many guidelines."""

    def __init__(self, url: str, tally: Tally, size: int, *, generate: bool) -> None:
        self.url, self.tally, self.size, self.really = url, tally, size, generate

    async def generate(self, prompt: Any, hints: Any = None) -> Any:
        text = prompt if isinstance(prompt, str) else prompt.build()
        self.tally.calls += 1
        content = await asyncio.to_thread(self._answered if self.really else self._counted, text, hints or {})
        usage = UsageInfo(self.tally.prompt_tokens, self.tally.written_tokens)
        return SchematicGenerationResult(content, GenerationInfo("checks", self.id, 0.0, usage))

    def _counted(self, text: str, _: Any) -> GenericActionableGuidelineMatchesSchema:
        tokens = len(posted(self.url, "/tokenize", {"content": text})["tokens"])
        self.tally.prompt_tokens += tokens  # after the answer came: several threads wait for one at the same time
        checks = [
            {"guideline_id": str(n), "condition": "", "rationale": "", "applies": True} for n in range(1, self.size + 1)
        ]
        return GenericActionableGuidelineMatchesSchema.model_validate({"checks": checks})

    def _answered(self, text: str, hints: Any) -> GenericActionableGuidelineMatchesSchema:
        request = {
            "messages": [{"role": "user", "content": text}],
            "response_format": {"type": "json_object"},
            "temperature": hints.get("temperature", 0.0),
            "max_tokens": MOST_WRITTEN,
        }
        answer = posted(self.url, "/v1/chat/completions", request)
        self.tally.prompt_tokens += answer["usage"]["prompt_tokens"]
        self.tally.written_tokens += answer["usage"]["completion_tokens"]
        try:
            content = json.loads(answer["choices"][0]["message"]["content"])
            return GenericActionableGuidelineMatchesSchema.model_validate(content)
        except ValueError:
            self.tally.broken += 1
            raise

    @property
    def id(self) -> str:
        return "llama.cpp"

    @property
    def max_tokens(self) -> int:
        return 32_768

    @property
    def tokenizer(self) -> ZeroEstimatingTokenizer:
        return ZeroEstimatingTokenizer()


def posted(url: str, path: str, body: dict[str, Any]) -> Any:
    """What the server answers."""
    body_ = json.dumps(body).encode()
    request = urllib.request.Request(url + path, body_, {"Content-Type": "application/json"})  # noqa: S310 - loopback
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310 - loopback
        return json.load(answer)


def context_of(messages: list[tuple[str, str]]) -> GuidelineMatchingContext:
    """A conversation between a customer and an agent about whom nothing else is known."""
    agent = Agent(AgentId("agent"), "Agent", "Serves the customers of a shop", NOW, 3, [])
    customer = Customer(CustomerId("guest"), NOW, "Guest", {}, [])
    session = Session(SessionId("session"), NOW, customer.id, agent.id, "auto", None, {}, [], {})
    history = [_event(place, role, text) for place, (role, text) in enumerate(messages)]
    return GuidelineMatchingContext(agent, session, customer, [], history, [], [], [], [], {})


def _event(place: int, role: str, text: str) -> Event:
    source = EventSource.CUSTOMER if role == "customer" else EventSource.AI_AGENT
    data = {"message": text, "participant": {"display_name": role.capitalize()}}
    return Event(EventId(f"e{place}"), source, EventKind.MESSAGE, NOW, place, "trace", data, {}, False)


async def matched(given: dict[str, Any]) -> dict[str, Any]:
    """All batches of one turn, side by side as Parlant runs them."""
    every = [
        Guideline(GuidelineId(f"g{n}"), NOW, GuidelineContent(*each), True, [], {}, Criticality.MEDIUM)
        for n, each in enumerate(given["guidelines"])
    ]
    policy, tally, context = BasicOptimizationPolicy(), Tally(), context_of(given["messages"])
    size = policy.get_guideline_matching_batch_size(len(every), {"type": GenericActionableGuidelineMatchingBatch})
    tracer = LocalTracer()
    logger = StdoutLogger(tracer, LogLevel.CRITICAL)
    meter = LocalMeter(logger)
    batches = []
    for start in range(0, len(every), size):
        few = every[start : start + size]
        generator = Generator(given["url"], tally, len(few), generate=given["generate"])
        batches.append(GenericActionableGuidelineMatchingBatch(logger, meter, policy, generator, few, [], context))
    started = time.perf_counter()
    results = await asyncio.gather(*(_processed(batch) for batch in batches))
    return {
        "version": version("parlant"),
        "batches": len(batches),
        "calls": tally.calls,
        "prompt_tokens": tally.prompt_tokens,
        "written_tokens": tally.written_tokens,
        "broken": tally.broken,
        "failed": results.count(None),
        "matched": sorted(condition for result in results for condition in result or []),
        "seconds": time.perf_counter() - started,
    }


async def _processed(batch: GenericActionableGuidelineMatchingBatch) -> list[str] | None:
    try:
        result = await batch.process()
    except GuidelineMatchingBatchError:
        return None
    finally:
        sys.stderr.write("a batch of Parlant's is done\n")
    return [match.guideline.content.condition for match in result.matches]


if __name__ == "__main__":
    print(json.dumps(asyncio.run(matched(json.load(sys.stdin)))))

"""What a server answers to a request for one token: read as strictly as a judgement has to be."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from jurat.llm.backends.wire import Wire
from jurat.llm.errors import RequestRefused


@dataclass(frozen=True, slots=True)
class Completed:
    """One token, and the log-probabilities of the likeliest at its place, by token; nan where one is no log-probability."""

    text: str
    top: Mapping[str, float]


async def completed(wire: Wire, model: str, prompts: Sequence[str], *, logprobs: int, **wanted: Any) -> list[Completed]:
    """The next token of each prompt. Raises `BackendError`; `RequestRefused` where the answer is none."""
    body = {"model": model, "prompt": list(prompts), "max_tokens": 1, "temperature": 0.0, "logprobs": logprobs}
    if len(prompts) == 1:
        body["prompt"] = prompts[0]  # which every server takes
    return _read(wire, await wire.post("/v1/completions", body | wanted), len(prompts))


async def chatted(wire: Wire, model: str, messages: Sequence[Mapping[str, str]], *, logprobs: int) -> Completed:
    """The first token of what comes next in a chat; raises as `completed` does."""
    body = {"model": model, "messages": list(messages), "temperature": 0.0}
    body |= {"logprobs": True, "top_logprobs": logprobs}
    told = await wire.limited(1, lambda limit: wire.post("/v1/chat/completions", body | limit))
    return _read(wire, told, 1)[0]


def _read(wire: Wire, told: Any, number: int) -> list[Completed]:
    try:
        choices = sorted(_Completion.model_validate(told).choices, key=lambda each: each.index)
    except (ValidationError, RecursionError):
        raise wire.unreadable() from None
    if len(choices) != number:
        raise RequestRefused(f"{wire.at} gave {len(choices)} answers of {number}")
    if len(choices) > 1 and [each.index for each in choices] != list(range(len(choices))):
        raise RequestRefused(f"{wire.at} does not say which answer is of which question")
    return [Completed(each.text, each.top()) for each in choices]


class _Read(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Token(_Read):
    token: str
    logprob: float | None = None


class _Place(_Read):
    top_logprobs: list[_Token] = Field(default_factory=list)


class _Logprobs(_Read):
    """As completions have them, or as chats do, which llama.cpp's server gives for completions too."""

    top_logprobs: list[dict[str, float | None] | None] | None = None
    content: list[_Place] | None = None

    def top(self) -> Mapping[str, float | None]:
        if self.top_logprobs:
            return self.top_logprobs[0] or {}
        return {each.token: each.logprob for place in (self.content or ())[:1] for each in place.top_logprobs}


class _Choice(_Read):
    index: int = 0
    text: str = ""
    logprobs: _Logprobs | None = None

    def top(self) -> Mapping[str, float]:
        found = self.logprobs.top() if self.logprobs else {}
        return {token: _valid(value) for token, value in found.items()}


class _Completion(_Read):
    choices: list[_Choice]


def _valid(value: float | None) -> float:
    """A log-probability, a rounding error above nothing at most; nan otherwise."""
    return min(value, 0.0) if value is not None and value < 1e-3 else math.nan

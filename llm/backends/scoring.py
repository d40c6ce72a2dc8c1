"""Four ways to ask a server for a score, best first; each can prove that the server does what it needs."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from jurat.llm.backends.completions import Completed, chatted, completed
from jurat.llm.backends.wire import Wire
from jurat.llm.calibration import sigmoid
from jurat.llm.errors import BackendError, RequestRefused
from jurat.llm.layouts import turns

PROMPTS_A_REQUEST = 64
REQUESTS_AT_ONCE = 8
TOP_TOKENS = 5  # the most that OpenAI's own API gives for a completion
CHAT_TOP_TOKENS = (20, 10, 5)
"""How many likeliest tokens a chat is asked for: the most that OpenAI's own API gives, and fewer where that is refused."""
_PROBE_PROMPT = "One, two, three, four, five,"  # whose next word is neither of the answers
_PROBE_QUESTION = (
    "Is fire cold?\nAnswer: no\nIs water wet?\nAnswer: yes\nIs snow cold?\nAnswer: yes\nIs ice hot?\nAnswer:"
)
_PROBE_ANSWERS = (" yes", " no")
_ANSWER_TOKENS = 20
_SPACES = " \t\r\n\u0120\u2581\u010a"
"""White space, and what stands for it in the vocabularies that some servers name tokens from."""


class Scorer(Protocol):
    @property
    def mark(self) -> str:
        """What stands at the end of the model's digest: scores of different ways are never taken for each other."""

    @property
    def note(self) -> str:
        """What there is to say at the start; empty where nothing is missing."""

    @property
    def ungraded(self) -> str:
        """Why the scores are answers instead of probabilities; empty where they are probabilities."""

    async def works(self) -> bool:
        """Whether the server does what this way needs; raises `BackendError` where it refuses."""

    async def score(self, prefix: str, suffixes: Sequence[str], answers: tuple[str, str]) -> list[float]: ...


class ByToken:
    """vLLM: one token out of two, with the log-probability of both."""

    mark = note = ungraded = ""

    def __init__(self, wire: Wire, model: str) -> None:
        self._wire = wire
        self._model = model
        self._ids: dict[str, int] = {}

    async def works(self) -> bool:
        """The answer to the probe would be another word if the constraint were ignored."""
        ids = [await self._id(answer) for answer in _PROBE_ANSWERS]
        (choice,) = await self._asked([_PROBE_PROMPT], ids)
        return choice.text in _PROBE_ANSWERS and set(choice.top) >= {_named(each) for each in ids}

    async def score(self, prefix: str, suffixes: Sequence[str], answers: tuple[str, str]) -> list[float]:
        ids = [await self._id(answer) for answer in answers]
        prompts = [prefix + each for each in suffixes]
        batches = [prompts[i : i + PROMPTS_A_REQUEST] for i in range(0, len(prompts), PROMPTS_A_REQUEST)]
        found = [await self._asked(batch, ids) for batch in batches]
        return [self._probability(choice, ids) for batch in found for choice in batch]

    def _probability(self, choice: Completed, ids: list[int]) -> float:
        try:
            return sigmoid(choice.top[_named(ids[0])] - choice.top[_named(ids[1])])
        except KeyError:
            raise BackendError(f"{self._wire.at} left out the probability of an answer") from None

    async def _asked(self, prompts: list[str], ids: list[int]) -> list[Completed]:
        wanted = {"allowed_token_ids": ids, "logprob_token_ids": ids, "return_tokens_as_token_ids": True}
        return await completed(self._wire, self._model, prompts, logprobs=2, **wanted)

    async def _id(self, answer: str) -> int:
        """The answer's one token, asked for once."""
        if answer not in self._ids:
            body = {"model": self._model, "prompt": answer, "add_special_tokens": False}
            told = await self._wire.post("/tokenize", body)
            ids = told.get("tokens") if isinstance(told, dict) else None
            if not isinstance(ids, list) or not ids or not all(type(each) is int for each in ids):
                raise RequestRefused(f"{self._wire.at} does not say which tokens a text has")
            if len(ids) > 1:
                raise BackendError(
                    f"the answer `{answer.strip()}` is {len(ids)} tokens for `{self._model}`, and must be one"
                )
            self._ids[answer] = ids[0]
        return self._ids[answer]


class ByTopTokens:
    """The likeliest tokens with their probabilities, the two answers among them.

    Of an answer that is not among them no more is known than that it is less likely than all of those, which is what it
    is taken for; where neither is, there is no score.
    """

    mark = note = ungraded = ""

    def __init__(self, wire: Wire, model: str) -> None:
        self._wire = wire
        self._model = model
        self._places = asyncio.Semaphore(REQUESTS_AT_ONCE)

    async def works(self) -> bool:
        """Whether an answer is found among the tokens of a question that has one; they may be named in another way."""
        return not math.isnan(weighed((await self._asked(_PROBE_QUESTION)).top, _PROBE_ANSWERS))

    async def score(self, prefix: str, suffixes: Sequence[str], answers: tuple[str, str]) -> list[float]:
        found = await _together([self._asked(prefix + each) for each in suffixes])
        return [weighed(each.top, answers) for each in found]

    async def _asked(self, prompt: str) -> Completed:
        async with self._places:
            return (await completed(self._wire, self._model, [prompt], logprobs=TOP_TOKENS))[0]


class ByChat:
    """As :class:`ByTopTokens`, of a server that gives log-probabilities in chats only: the first token of its answer.

    The examples are turns of the chat, without a message of the system, which some servers refuse; the conversation stays
    before the statement, for servers that keep what they have read. Another form of it needs another mark.
    """

    mark, ungraded = "-chat", ""
    note = "the server gives no probabilities for completions, so each condition is a chat of one token"

    def __init__(self, wire: Wire, model: str) -> None:
        self._wire = wire
        self._model = model
        self._top = CHAT_TOP_TOKENS[0]
        self._places = asyncio.Semaphore(REQUESTS_AT_ONCE)

    async def works(self) -> bool:
        """Whether an answer is found as for :class:`ByTopTokens`, of as many tokens as the server gives."""
        for self._top in CHAT_TOP_TOKENS:
            with contextlib.suppress(RequestRefused):
                return not math.isnan((await self.score("", [_PROBE_QUESTION], _PROBE_ANSWERS))[0])
        return False

    async def score(self, prefix: str, suffixes: Sequence[str], answers: tuple[str, str]) -> list[float]:
        found = await _together([self._asked(prefix + each, answers) for each in suffixes])
        return [weighed(each.top, answers) for each in found]

    async def _asked(self, text: str, answers: tuple[str, str]) -> Completed:
        async with self._places:
            return await chatted(self._wire, self._model, turns(text, answers), logprobs=self._top)


class Answer(BaseModel):
    """What is decoded where there are no probabilities; `extra` is forbidden, or a model may invent keys."""

    model_config = ConfigDict(extra="forbid")

    answer: bool


class ByBoolean:
    """An object with one boolean, decoded under its JSON schema; 1 for the first answer, 0 for the second.

    One request a condition, so that no answer depends on the others. An answer that was cut off is none.
    """

    mark = ""
    note = "the server gives no probabilities, so each condition is a plain yes or no"
    ungraded = "the server gives no probabilities, so this is a plain yes or no"

    def __init__(self, generate: Callable[..., Awaitable[str]]) -> None:
        self._generate = generate
        self._places = asyncio.Semaphore(REQUESTS_AT_ONCE)

    async def works(self) -> bool:
        return True

    async def score(self, prefix: str, suffixes: Sequence[str], answers: tuple[str, str]) -> list[float]:
        return await _together([self._answer(prefix + each, answers) for each in suffixes])

    async def _answer(self, text: str, answers: tuple[str, str]) -> float:
        yes, no = (each.strip() for each in answers)
        prompt = f'{text}\n\nGive the answer that comes next as JSON: {{"answer": true}} for {yes}, {{"answer": false}} for {no}.'
        async with self._places:
            told = await self._generate(prompt, Answer.model_json_schema(), max_tokens=_ANSWER_TOKENS)
        try:
            return float(Answer.model_validate_json(told, strict=True).answer)
        except ValidationError:
            return math.nan


async def _together(asked: list[Any]) -> list[Any]:
    """The answers to requests that run side by side; where one fails the others are stopped."""
    tasks = [asyncio.ensure_future(each) for each in asked]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


def weighed(top: Mapping[str, float], answers: tuple[str, str]) -> float:
    """P(first answer), of the log-probabilities of the likeliest tokens; neither white space around one nor capitals count.

    nan where neither answer is among them, or where what is said of one is no log-probability.
    """
    masses = [
        sum(math.exp(p) for t, p in top.items() if t.strip(_SPACES).lower() == a.strip().lower()) for a in answers
    ]
    if not any(masses):
        return math.nan
    least = math.exp(min((p for p in top.values() if not math.isnan(p)), default=0.0))
    first, second = (mass or least for mass in masses)
    return first / (first + second)


def _named(token: int) -> str:
    return f"token_id:{token}"

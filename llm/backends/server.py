"""A model behind HTTP: vLLM's server, or any other that speaks OpenAI's API.

What a server can do is found out when it is connected to, never assumed, because a server that ignores a request's
constraint says so nowhere. In order of what is preferred:

1. vLLM: one token, only the two answers allowed, their log-probabilities asked for by token. Exact.
2. log-probabilities of the likeliest tokens: the two answers among them, weighed against each other.
3. the same of the first token of a chat's answer, where there are no completions, or none with log-probabilities.
4. none of these: an object with one boolean a condition, constrained by its JSON schema. The judge then has answers without
   probabilities, and says so in its evidence.

A server that does not keep to a JSON schema is refused: tool arguments would be whatever it writes.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from typing import Any

from jurat.llm.backends.front_end import chat_or_text, json_type
from jurat.llm.backends.identity import Served, found
from jurat.llm.backends.scoring import ByBoolean, ByChat, ByToken, ByTopTokens, Scorer
from jurat.llm.backends.wire import ANSWER_SECONDS, Wire, require
from jurat.llm.backends.writing import written
from jurat.llm.errors import BackendError, ConstraintIgnored, RequestRefused
from jurat.llm.prompts import messages_of
from jurat.llm.protocol import CutOff, OnText

_PROBE: dict[str, Any] = {
    "type": "object",
    "properties": {"word": {"enum": ["k7qz", "x9wv"]}},
    "required": ["word"],
    "additionalProperties": False,
}
CALLS_AT_ONCE = 16  # of scoring; each is one request, or some
_PROBE_PROMPT = "Say hello in one word."
_PROBE_TOKENS = 40


class ServerBackend:
    """A model of a server; made by `connect`. `note` says what it lacks, `ungraded` why its scores are mere answers."""

    def __init__(self, wire: Wire, model: str, digest: str, typed: Any, scorer: Scorer | None) -> None:
        self.name = model
        self.calls_at_once = CALLS_AT_ONCE
        self._wire = wire
        self._served = Served(wire, model, digest)
        self._typed = typed
        self._scorer = scorer or ByBoolean(self.generate)
        self.digest = digest + self._scorer.mark

    @classmethod
    async def connect(
        cls, url: str, model: str | None = None, *, key: str | None = None, answer_seconds: float = ANSWER_SECONDS
    ) -> ServerBackend:
        """Find out what the server at `url` can do; without `model` it must serve just one.

        Where the server has the judge's adapter (`jurat models adapter`), scores are asked of that.
        Raises `BackendError`: it is down, slow or not such a server, does not know the model or the key, or does not
        keep to a JSON schema.
        """
        wire = Wire(url, key, answer_seconds=answer_seconds)
        try:
            name, digest, judge = await found(wire, model)
            typed = await _that_obeys(wire, (name, digest))
            return cls(wire, name, digest, typed, await _best_scorer(wire, judge))
        except BaseException:
            await wire.client.close()
            raise

    @property
    def note(self) -> str:
        """What there is to say of the way of scoring at the start, or nothing."""
        return self._scorer.note

    @property
    def ungraded(self) -> str:
        """Why the scores are 1 for yes and 0 for no, instead of probabilities."""
        return self._scorer.ungraded

    async def score(self, prefix: str, suffixes: Sequence[str], answers: tuple[str, str]) -> list[float]:
        """P(first answer) per suffix, or 1 and 0 where `ungraded`; nan where it is neither. Without suffixes the prefix is read."""
        await self._served.require_same()
        if not suffixes:  # a server whose context is too small for it says so now
            await self._scorer.score(prefix, [""] if prefix else [], answers)
            return []
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
        """The most likely continuation; text is handed to `on_text` as it arrives, a typed answer when it is whole."""
        await self._served.require_same()
        messages = messages_of(prompt)
        if schema is None:
            return await self._write(messages, max_tokens, stop, on_text)
        text = await self._constrained(messages, schema, max_tokens)
        if on_text is not None:
            on_text(text)
        return text

    async def close(self) -> None:
        """Close the connections. Idempotent."""
        await self._wire.client.close()

    async def _write(
        self, messages: list[dict[str, str]], max_tokens: int, stop: Sequence[str], on_text: OnText | None
    ) -> str:
        """Begun again only while nothing has been handed out."""
        request: dict[str, Any] = {"model": self.name, "messages": messages, "temperature": 0.0, "stream": True}
        request |= {"stop": list(stop)[:4]} if stop else {}
        create = self._wire.client.chat.completions.create
        stream = await self._wire.limited(max_tokens, lambda limit: self._wire.ask(lambda: create(**request, **limit)))
        pieces: list[str] = []
        async with contextlib.aclosing(written(self._wire, stream, max_tokens)) as texts:
            async for piece in texts:
                pieces.append(piece)
                if on_text is not None:
                    on_text(piece)
        return CutOff("".join(pieces)) if pieces and isinstance(pieces[-1], CutOff) else "".join(pieces)

    async def _constrained(self, messages: list[dict[str, str]], schema: dict[str, Any], max_tokens: int) -> str:
        chat, kind = chat_or_text(messages, has_template=True, load=require), json_type(schema, require)
        text = await self._wire.limited(
            max_tokens, lambda limit: self._wire.ask(lambda: self._typed(chat, kind, temperature=0.0, **limit))
        )
        fault = _fault(str(text or ""), schema)
        if fault:
            raise ConstraintIgnored(f"{self._wire.at} does not keep to a JSON schema: {fault}")
        return str(text or "")


def _fault(text: str, schema: dict[str, Any]) -> str:
    """What is wrong with an answer; nothing where it was merely cut off, which is for the caller to see."""
    jsonschema = require("jsonschema")
    try:
        found = json.loads(text)
    except ValueError:
        return "" if text.lstrip()[:1] in ("{", "[", "") else f"it wrote {text[:60]!r}"
    except RecursionError:
        return "it is nested too deep"
    try:
        jsonschema.validate(found, schema)
    except jsonschema.ValidationError as error:
        return f"{error.message[:120]}"
    return ""


async def _that_obeys(wire: Wire, model: tuple[str, str]) -> Any:
    """The one of Outlines' two ways of asking a server that this one keeps to."""
    outlines = require("outlines")
    fault: BackendError | None = None
    for front_end in (outlines.from_vllm, outlines.from_openai):
        typed = front_end(wire.client, model[0])
        backend = ServerBackend(wire, *model, typed, None)
        try:
            json.loads(await backend.generate(_PROBE_PROMPT, _PROBE, max_tokens=_PROBE_TOKENS))
        except ValueError:
            fault = ConstraintIgnored("its answer has no end")
        except (ConstraintIgnored, RequestRefused) as error:
            fault = error
        else:
            return typed
    raise ConstraintIgnored(
        f"{wire.at} ignores the JSON schema of a request ({fault}); tool arguments and answers need a "
        "server that keeps to it, such as vLLM's or llama.cpp's"
    )


async def _best_scorer(wire: Wire, model: str) -> Scorer | None:
    """The first way of scoring that the server proves to be able to do; None where it gives no probabilities."""
    for scorer in (ByToken(wire, model), ByTopTokens(wire, model), ByChat(wire, model)):
        with contextlib.suppress(RequestRefused):
            if await scorer.works():
                return scorer
    return None

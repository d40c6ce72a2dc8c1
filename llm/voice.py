"""The voice: phrases a reply under the instructions in force, and reads tool arguments out of what was said.

The prompts are in ChatML, which the registered models speak; a backend whose model has a chat template of its own takes
them apart (`prompts.messages_of`). What changes least comes first, so that
from one turn to the next only the new messages are read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import takewhile
from typing import Any

from jurat.llm.arguments import grounded, nullable
from jurat.llm.conversation import asked_of_what_fits, latest_customer_text
from jurat.llm.errors import BackendError, ContextTooLong
from jurat.llm.prompts import chat, one_line, rendered
from jurat.llm.protocol import Arguments, Backend, CutOff, Message, OnText, ReplyRequest
from jurat.llm.sentences import complete, once

REPLY_TOKENS = 100
ARGUMENT_TOKENS = 200
FIELD_CHARACTERS = 200
_SHOWN = 20
_TOKENS_A_NAME = 20
_MOST_QUOTED_TOKENS = 1000
_STOP = ("<|im_end|>", "<|im_start|>", "\nCustomer:")
_NAMES = ("Agent:", "Agent：", "**Agent:**", "Assistant:", "**Assistant:**")
_LINE = r"(?:^|[\n\r\x85\u2028\u2029])[ \t]*"
_MARK = re.compile(
    r"<\|[^|\s>]{1,40}\|>|</?s>|<(?:start_of_turn|end_of_turn|eos)>|" + _LINE + r"(?:Customer|Agent|Tool|System)[:：]"
)
"""Where a reply has an end that no server saw: marks of chat templates, and another message of the conversation."""

_THOUGHT = re.compile(r"<think>|<(?:t(?:h(?:i(?:nk?)?)?)?)?$")
_MARK_BEGUN = re.compile(r"(?:<(?:[|/a-z][^\s>]{0,41})?|" + _LINE + r"[A-Z]?[a-z]{0,7})$")


def _without_name(text: str, names: Sequence[str]) -> str:
    """What a model wrote without what it may write first: its thoughts, the speaker's name, what was said a moment ago."""
    text = text.lstrip()
    if _THOUGHT.match(text):
        text = text.partition("</think>")[2].lstrip()
    while named := next((name for name in names if text.startswith(name)), ""):
        text = text.removeprefix(named).lstrip()
    return text


def _said_now(conversation: Sequence[Message]) -> list[str]:
    """What the agent has said since the customer spoke, a preamble say, which a reply is apt to begin with again."""
    now = takewhile(lambda each: each.role != "customer", reversed(conversation))
    return [text for each in now if each.role == "agent" and (text := each.text.strip())]


def _to_its_end(text: str) -> str:
    mark = _MARK.search(text)
    return once(text[: mark.start()] if mark else text)


class _Fresh:
    """Hands pieces on once it is clear that they are neither the speaker's name, which a model may write first, nor
    what the agent has said before, word for word; and none of what comes after the reply's end.
    """

    def __init__(self, on_text: OnText | None, said: Collection[str], names: Sequence[str]) -> None:
        self._on_text = on_text
        self._said = said
        self._names = names
        self._text = ""
        self._told = 0

    def take(self, piece: str) -> None:
        """The next piece."""
        self._text += piece
        text = _MARK_BEGUN.sub("", _to_its_end(_without_name(self._text, self._names)))
        said = text.rstrip()
        if self._told or (
            said
            and not any(name.startswith(said) for name in self._names)
            and not any(each.startswith(said) for each in self._said)
        ):
            self._hand_on(text)

    def end(self, reply: str) -> None:
        """There is no further piece, and this is the reply."""
        self._hand_on(reply)

    def _hand_on(self, text: str) -> None:
        if self._on_text is not None and len(text) > self._told:
            self._on_text(text[self._told :])
        self._told = max(self._told, len(text))


class ModelVoice:
    """Lets a model write. Drafts are not to be trusted: the engine checks them before they are sent."""

    def __init__(self, backend: Backend, *, reply_tokens: int = REPLY_TOKENS) -> None:
        self.name = backend.name
        self._backend = backend
        self._reply_tokens = reply_tokens

    async def reply(self, request: ReplyRequest, on_text: OnText | None = None) -> str:
        """A draft of one or two sentences; `on_text` receives its pieces. Raises `LLMError`.

        A small model is apt to say again, word for word, what the agent said a message before. Then it writes once more,
        with nothing before it that it could repeat: what the agent said is left out.
        """
        said = frozenset(each.text.strip() for each in request.conversation if each.role == "agent")
        text, pieces = await self._written(request, on_text, said)
        if text in said or (not text and _said_now(request.conversation)):
            others = tuple(each for each in request.conversation if each.role != "agent")
            text, pieces = await self._written(replace(request, conversation=others), on_text, ())
        pieces.end(text)
        return text

    async def _written(
        self, request: ReplyRequest, on_text: OnText | None, said: Collection[str]
    ) -> tuple[str, _Fresh]:
        """A text, and who has heard it as far as it is new."""
        names = (*_NAMES, f"{one_line(request.agent_name)}:", *_said_now(request.conversation))
        pieces = _Fresh(on_text, said, names)

        async def ask(kept: Sequence[Message]) -> str:
            prompt = _reply_prompt(request, kept, len(request.conversation) - len(kept))
            return await self._backend.generate(
                prompt, max_tokens=self._reply_tokens, stop=_STOP, on_text=pieces.take if on_text else None
            )

        text = await self._asked(request, ask)
        whole = _without_name(text, names)
        spoken = _to_its_end(whole)
        cut = isinstance(text, CutOff) and spoken == whole
        return self._complete(spoken) if cut else spoken.strip(), pieces

    @staticmethod
    async def _asked(request: ReplyRequest, ask: Callable[[Sequence[Message]], Awaitable[str]]) -> str:
        """The answer to as much of the conversation as fits: first what tools said in this turn goes, which stands among
        the results too, so that what the customer said is the last to go.
        """
        with suppress(ContextTooLong):
            return await ask(request.conversation)
        results = set(request.tool_results)
        spoken = tuple(each for each in request.conversation if each.role != "tool" or each.text not in results)
        return (await asked_of_what_fits(spoken, ask))[0]

    def _complete(self, text: str) -> str:
        """The sentences that have an end, of a text that ran out of tokens."""
        if found := complete(text):
            return found
        raise BackendError(f"the reply broke off in its first sentence; {self._reply_tokens} tokens may be written")

    async def fields(self, request: ReplyRequest, template: str, names: Sequence[str]) -> dict[str, str]:
        """A short text for each field of a canned reply, in JSON that the backend keeps to. Raises `LLMError`."""
        texts = {name: {"type": "string", "maxLength": FIELD_CHARACTERS} for name in names}
        schema = {"type": "object", "properties": texts, "required": list(names), "additionalProperties": False}

        async def ask(kept: Sequence[Message]) -> str:
            prompt = _fields_prompt(request, kept, template, names)
            return await self._backend.generate(prompt, schema, max_tokens=ARGUMENT_TOKENS * len(names))

        text, _ = await asked_of_what_fits(request.conversation, ask)
        found = _object(text)
        return {name: _to_its_end(each).rstrip() for name in texts if isinstance(each := found.get(name), str)}

    async def arguments(
        self,
        conversation: Sequence[Message],
        tool_name: str,
        tool_description: str,
        schema: Mapping[str, Any],
    ) -> Arguments:
        """What the customer gave, checked against the conversation word for word. Raises `LLMError`.

        An answer that the token limit cut off counts as nothing given: asking again is always safe.
        """
        if not schema.get("properties"):
            return Arguments()

        async def ask(kept: Sequence[Message]) -> str:
            prompt = _arguments_prompt(kept, tool_name, tool_description, schema)
            return await self._backend.generate(prompt, nullable(schema), max_tokens=_room(schema, conversation))

        text, _ = await asked_of_what_fits(conversation, ask)
        return grounded(_object(text), schema, conversation)


def _fields_prompt(request: ReplyRequest, conversation: Sequence[Message], template: str, names: Sequence[str]) -> str:
    return chat(
        "You fill the gaps of a prepared answer to a customer, each with a few words. You never invent numbers, dates, "
        "names or promises.",
        f"Conversation:\n{rendered(conversation)}\n{_task(request)}\nThe answer, with its gaps in double braces:\n"
        f"{one_line(template)}\nFill in as JSON: {', '.join(names)}.",
    )


def _task(request: ReplyRequest) -> str:
    sections = (
        ("What our systems say, and the only facts you have:", request.tool_results),
        ("In this message you must:", request.instructions),
        ("What must not be true of this message:", request.prohibitions),
        ("Your last draft was refused. Avoid this:", (request.complaint,) if request.complaint else ()),
    )
    return "".join(f"\n{title}\n" + "".join(f"- {one_line(t)}\n" for t in texts) for title, texts in sections if texts)


def _reply_prompt(request: ReplyRequest, conversation: Sequence[Message], left_out: int) -> str:
    without = f" ({left_out} messages are left out)" if left_out else ""
    return chat(
        f"You are {one_line(request.agent_name)}: {one_line(request.agent_description)}. You answer customers in one "
        "or two short, friendly sentences. You never invent numbers, dates, names or promises.",
        f"Conversation{without}:\n{rendered(conversation)}{_task(request)}\nWrite the agent's next message to the customer.",
    )


def _arguments_prompt(
    conversation: Sequence[Message], tool_name: str, tool_description: str, schema: Mapping[str, Any]
) -> str:
    kinds = "".join(f"- {name}: {_kind(name, kind)}\n" for name, kind in schema["properties"].items())
    return chat(
        "You copy the arguments of a tool out of a conversation. An argument that the customer did not give is null.",
        f"Conversation:\n{rendered(conversation)}\nTool: {tool_name}. {one_line(tool_description)}\n"
        f"Arguments:\n{kinds}\nGive the arguments as JSON.",
    )


def _kind(name: str, kind: Mapping[str, Any]) -> str:
    """What an argument means, which values there are, and what they may look like."""
    parts = [str(kind.get("description") or kind.get("title") or name.replace("_", " "))]
    for key, word in (("enum", "one of"), ("examples", "for example")):
        if isinstance(shown := kind.get(key), list) and shown:
            parts.append(f"{word} {json.dumps(shown[:_SHOWN], ensure_ascii=False, default=str)[1:-1]}")
    return one_line("; ".join(parts))


def _room(schema: Mapping[str, Any], conversation: Sequence[Message]) -> int:
    """The tokens of an answer that names every argument and quotes the whole of what the customer said last."""
    quoted = len(latest_customer_text(conversation).encode())  # a token a byte, as small models have it for Korean
    return max(ARGUMENT_TOKENS, _TOKENS_A_NAME * len(schema["properties"]) + min(quoted, _MOST_QUOTED_TOKENS))


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}

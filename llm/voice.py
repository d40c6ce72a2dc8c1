"""The voice: phrases a reply under the instructions in force, and reads tool arguments out of what was said.

The prompts are in ChatML, which the registered models speak; a backend whose model has a chat template of its own takes
them apart (`prompts.messages_of`). What changes least comes first, so that
from one turn to the next only the new messages are read.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from jurat.llm.arguments import grounded, nullable
from jurat.llm.conversation import asked_of_what_fits
from jurat.llm.prompts import chat, one_line, rendered
from jurat.llm.protocol import Arguments, Backend, Message, OnText, ReplyRequest

REPLY_TOKENS = 100
ARGUMENT_TOKENS = 200
FIELD_CHARACTERS = 200
_END = "<|im_end|>"
_NAME = "Agent:"
_STOP = (_END, "<|im_start|>", "\nCustomer:")


class _Fresh:
    """Hands pieces on once it is clear that they are neither the speaker's name, which a model may write first, nor
    what the agent has said before, word for word.
    """

    def __init__(self, on_text: OnText | None, said: Collection[str]) -> None:
        self._on_text = on_text
        self._said = said
        self._held: str | None = ""

    def take(self, piece: str) -> None:
        """The next piece."""
        if self._held is None:
            self._hand_on(piece)
            return
        self._held = (self._held + piece).lstrip()
        text = self._held.removeprefix(_NAME).lstrip()
        if text and not _NAME.startswith(self._held) and not any(each.startswith(text.rstrip()) for each in self._said):
            self._held = None
            self._hand_on(text)

    def end(self) -> None:
        """There is no further piece, and what there was is the reply."""
        if self._held and (text := self._held.removeprefix(_NAME).lstrip()):
            self._hand_on(text)
        self._held = None

    def _hand_on(self, text: str) -> None:
        if self._on_text is not None:
            self._on_text(text)


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
        if text in said:
            others = tuple(each for each in request.conversation if each.role != "agent")
            text, pieces = await self._written(replace(request, conversation=others), on_text, ())
        pieces.end()
        return text

    async def _written(
        self, request: ReplyRequest, on_text: OnText | None, said: Collection[str]
    ) -> tuple[str, _Fresh]:
        """A text, and who has heard it as far as it is new."""
        pieces = _Fresh(on_text, said)

        async def ask(kept: Sequence[Message]) -> str:
            prompt = _reply_prompt(request, kept)
            return await self._backend.generate(
                prompt, max_tokens=self._reply_tokens, stop=_STOP, on_text=pieces.take if on_text else None
            )

        text, _ = await asked_of_what_fits(request.conversation, ask)
        return text.strip().removeprefix(_NAME).strip(), pieces

    async def fields(self, request: ReplyRequest, template: str, names: Sequence[str]) -> dict[str, str]:
        """A short text for each field of a canned reply, in JSON that the backend keeps to. Raises `LLMError`."""
        texts = {name: {"type": "string", "maxLength": FIELD_CHARACTERS} for name in names}
        schema = {"type": "object", "properties": texts, "required": list(names), "additionalProperties": False}

        async def ask(kept: Sequence[Message]) -> str:
            prompt = _fields_prompt(request, kept, template, names)
            return await self._backend.generate(prompt, schema, max_tokens=ARGUMENT_TOKENS)

        text, _ = await asked_of_what_fits(request.conversation, ask)
        return {name: str(each) for name, each in _object(text).items() if name in texts}

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
            return await self._backend.generate(prompt, nullable(schema), max_tokens=ARGUMENT_TOKENS)

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


def _reply_prompt(request: ReplyRequest, conversation: Sequence[Message]) -> str:
    return chat(
        f"You are {one_line(request.agent_name)}: {one_line(request.agent_description)}. You answer customers in one "
        "or two short, friendly sentences. You never invent numbers, dates, names or promises.",
        f"Conversation:\n{rendered(conversation)}{_task(request)}\nWrite the agent's next message to the customer.",
    )


def _arguments_prompt(
    conversation: Sequence[Message], tool_name: str, tool_description: str, schema: Mapping[str, Any]
) -> str:
    kinds = "".join(
        f"- {name}: {one_line(str(kind.get('description') or kind.get('title') or name.replace('_', ' ')))}\n"
        for name, kind in schema["properties"].items()
    )
    return chat(
        "You copy the arguments of a tool out of a conversation. An argument that the customer did not give is null.",
        f"Conversation:\n{rendered(conversation)}\nTool: {tool_name}. {one_line(tool_description)}\n"
        f"Arguments:\n{kinds}\nGive the arguments as JSON.",
    )


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}

"""The turns of a conversation with what a program declares, and what the judge and the voice were given in them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any

import jurat.sdk as p
from jurat.engine.turn import Turn
from jurat.llm import Message, ReplyRequest
from jurat.testing import ScriptedJudge, ScriptedVoice

Declare = Callable[[p.Server, p.Agent], Awaitable[None]]


NO_RULES: Mapping[str, bool] = MappingProxyType({})


class Heard:
    """What the judge and the voice were given."""

    def __init__(self) -> None:
        self.judged: list[tuple[Message, ...]] = []
        self.asked: list[ReplyRequest] = []

    def rule(self, said: Any) -> bool:
        self.judged.append(tuple(said))
        return True

    def reply(self, request: ReplyRequest) -> str:
        self.asked.append(request)
        return "Certainly."


def turns(
    declare: Declare,
    heard: Heard,
    *messages: str,
    customer: str | None = None,
    rules: Mapping[str, bool] = NO_RULES,
) -> list[Turn]:
    """The turns of one conversation with what was declared."""

    async def scenario() -> list[Turn]:
        judge = ScriptedJudge({"Asked": heard.rule, **rules}, default=False)
        server = p.Server(judge=judge, voice=ScriptedVoice(heard.reply))
        agent = await server.create_agent("Bot", id="bot")
        await agent.create_guideline("Asked", "Answer", id="answer")
        await declare(server, agent)
        opened = await server.build()
        session = opened.engine.start_session({}, await opened.customer_of(customer))
        return [await opened.engine.turn(session, message) for message in messages]

    return asyncio.run(scenario())

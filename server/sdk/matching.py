"""Conditions that the program's own functions decide, beside those that the model does."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from jurat.engine.containing import contained, said_by
from jurat.engine.wellformed import whole
from jurat.llm import Condition, Judge, Judgement, Message
from jurat.llm.sensor import Sensor
from jurat.server.sdk.moments import CURRENT, GuidelineMatch

if TYPE_CHECKING:
    from jurat.server.sdk.server import Server

LOG = logging.getLogger("jurat.sdk")


class Matching:
    """Puts the matchers of a server before its judge."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def judge(self, inner: Judge) -> Judge:
        """The judge itself where no guideline has a matcher."""
        return MatcherJudge(inner, self._server) if self._server.document.matchers else inner


class MatcherJudge:
    """Asks a matcher where there is one and the judge for the rest.

    It states no identity: what a matcher says depends on more than the conversation. What the judge says is remembered
    all the same.
    """

    def __init__(self, inner: Judge, server: Server) -> None:
        self.name = inner.name
        self._server = server
        limits = server.limits
        self._inner = Sensor(inner, seconds=limits.judge_seconds, kept=limits.answers_kept)

    async def judge(self, conversation: Sequence[Message], conditions: Sequence[Condition]) -> list[Judgement]:
        """One judgement per condition, in the order asked. Raises `LLMError`."""
        matchers = self._server.document.matchers
        rest = [each for each in conditions if each.key not in matchers]
        asked = iter(await self._inner.judge(conversation, rest) if rest else [])
        return [await self._matched(each) if each.key in matchers else next(asked) for each in conditions]

    @property
    def chooses(self) -> bool:
        """As the judge does."""
        return self._inner.chooses

    async def choose(self, conversation: Sequence[Message], options: Sequence[Condition]) -> list[Judgement]:
        """As the judge does; where a matcher decides one of the options, each is asked by itself. Raises `LLMError`."""
        if any(each.key in self._server.document.matchers for each in options):
            return await self.judge(conversation, options)
        return await self._inner.choose(conversation, options)

    async def _matched(self, condition: Condition) -> Judgement:
        """What a matcher says. Of one that fails its own condition is unknown and no other, which the trace says."""
        matcher, id_ = self._server.document.matchers[condition.key]
        now, limit = CURRENT.get(), asyncio.timeout(self._server.limits.tool_timeout_seconds)
        try:
            async with limit:
                truth, why = _answer(await called(matcher, now, self._server.guideline(id_)))
        except Exception as reason:  # noqa: BLE001 - the program's code may raise anything; the turn goes on without it
            text = whole(
                f"the matcher of `{id_}` failed: {'it did not answer in time' if limit.expired() else said_by(reason)}"
            )
            LOG.warning("%s", text)
            if now is not None:
                now.notes.append(text)
            return Judgement(condition.key, None, None, "the matcher failed")
        return Judgement(condition.key, truth, None if truth is None else float(truth), why)


def _answer(found: Any) -> tuple[bool | None, str]:
    """Whether it holds, and why.

    Raises:
        TypeError: a matcher gave no answer.
    """
    truth, why = (found.matched, found.rationale) if isinstance(found, GuidelineMatch) else (found, "")
    if truth is not None and not isinstance(truth, bool):
        raise TypeError("it gave neither a `p.GuidelineMatch` nor True, False or None")
    return truth, whole(str(why or "matcher"))


async def called(function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function gives, whether it is async or not. Raises whatever it raises."""
    with contained():
        found = function(*arguments)
        return await found if inspect.isawaitable(found) else found

"""A judge as the engine uses it: with a memory, a time limit, and a check that its answers are answers.

What was asked before is not asked again: an answer is kept under the observation as it is worded, the conversation it
is about, and the judge's identity (its model, prompt and calibration), so that no policy is given another's answer. A
judge that states no identity is not remembered. A failure is never kept. Whatever goes wrong is a `BackendError`, of
which the engine makes *unknown*, never false.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Sequence
from dataclasses import replace
from typing import Any

from jurat.llm.errors import BackendError, LLMError
from jurat.llm.protocol import Chooser, Condition, Judge, Judgement, Message

LOG = logging.getLogger("jurat.llm")
_Key = tuple[bytes, bytes, str, str, bool]


class Sensor:
    """Asks `judge`, for at most `seconds` a batch, and remembers the last `kept` answers; 0 remembers nothing."""

    def __init__(self, judge: Judge, *, seconds: float, kept: int) -> None:
        self.name = judge.name
        self._judge = judge
        self._seconds = seconds
        self._kept = kept
        self._answers: OrderedDict[_Key, Judgement] = OrderedDict()

    async def judge(self, conversation: Sequence[Message], conditions: Sequence[Condition]) -> list[Judgement]:
        """One judgement per condition, in the order asked; `recalled` where it was remembered. Raises `LLMError`."""
        keys = self._keys(conversation, conditions)
        known = [self._recalled(key) for key in keys]
        missing = [n for n, each in enumerate(known) if each is None]
        asked = await self._asked(conversation, [conditions[n] for n in missing]) if missing else []
        fresh = dict(zip(missing, asked, strict=True))
        for n, judgement in fresh.items():
            self._keep(keys[n], judgement)
        return [each if each is not None else fresh[n] for n, each in enumerate(known)]

    @property
    def chooses(self) -> bool:
        """Whether the judge takes one of several statements in one answer."""
        return isinstance(self._judge, Chooser) and self._judge.chooses

    async def choose(self, conversation: Sequence[Message], options: Sequence[Condition]) -> list[Judgement]:
        """As :class:`jurat.llm.protocol.Chooser` says, remembered like what is judged: the same options about the same
        conversation are not offered twice. Raises `LLMError`.
        """
        offered = " | ".join(f"{each.key}={each.text}" for each in options)
        asked_as = [Condition(f"choice:{each.key}", f"{each.text} of {offered}") for each in options]
        keys = self._keys(conversation, asked_as)
        known = [each for each in map(self._recalled, keys) if each is not None]
        if len(known) == len(options) or any(each.truth for each in known):
            return known
        found = await self._chosen(conversation, options)
        by_option = {option.key: key for option, key in zip(options, keys, strict=True)}
        for judgement in found:
            self._keep(by_option[judgement.observation], judgement)
        return found

    async def _chosen(self, conversation: Sequence[Message], options: Sequence[Condition]) -> list[Judgement]:
        if not isinstance(self._judge, Chooser):
            raise BackendError("the judge does not choose")
        found = await self._in_time(self._judge.choose(conversation, options))
        said = {getattr(each, "observation", None) for each in found or ()}
        return _checked(found, [each for each in options if each.key in said] or options)

    def _keys(self, conversation: Sequence[Message], conditions: Sequence[Condition]) -> list[_Key | None]:
        identity = getattr(self._judge, "identity", None)  # read at each turn: a judge may be recalibrated
        if not isinstance(identity, str) or not self._kept:
            return [None] * len(conditions)
        window, judge = window_digest(conversation), hashlib.sha256(identity.encode("utf-8", "surrogatepass")).digest()
        return [(judge, window, each.key, each.text, each.critical) for each in conditions]

    def _recalled(self, key: _Key | None) -> Judgement | None:
        if key is None or key not in self._answers:
            return None
        self._answers.move_to_end(key)
        return replace(self._answers[key], recalled=True)

    def _keep(self, key: _Key | None, judgement: Judgement) -> None:
        if key is None:
            return
        self._answers[key] = judgement
        while len(self._answers) > self._kept:
            self._answers.popitem(last=False)

    async def _asked(self, conversation: Sequence[Message], conditions: list[Condition]) -> list[Judgement]:
        return _checked(await self._in_time(self._judge.judge(conversation, conditions)), conditions)

    async def _in_time(self, answer: Awaitable[list[Judgement]]) -> list[Judgement]:
        """The judge's answer; whatever goes wrong is a `BackendError`."""
        limit = asyncio.timeout(self._seconds)
        try:
            async with limit:
                return await answer
        except LLMError:
            raise
        except Exception as reason:
            if limit.expired():
                raise BackendError(f"it did not answer within {self._seconds:g} s") from reason
            LOG.exception("the judge `%s` failed", self.name)
            raise BackendError(f"it ended with an error ({type(reason).__name__})") from reason


def window_digest(conversation: Sequence[Message]) -> bytes:
    """Of what the judge is given to read; no two conversations share it (SHA-256, lengths written before texts)."""
    digest = hashlib.sha256()
    for each in conversation:
        text = each.text.encode("utf-8", "surrogatepass")
        digest.update(f"{each.role} {len(text)} ".encode() + text)
    return digest.digest()


def _checked(found: Any, conditions: Sequence[Condition]) -> list[Judgement]:
    if not isinstance(found, Sequence) or not all(isinstance(each, Judgement) for each in found):
        raise BackendError("it gave no judgements")
    if [each.observation for each in found] != [each.key for each in conditions]:
        raise BackendError(f"it was asked {len(conditions)} conditions, and answered others")
    for each in found:
        if not _is_truth(each.truth) or not _is_probability(each.probability):
            raise BackendError(f"what it says of `{each.observation}` is no answer")
    return list(found)


def _is_truth(value: object) -> bool:
    return value is None or isinstance(value, bool)


def _is_probability(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and 0 <= value <= 1)

"""What the program looks up before a reply, for the reply to rest on."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any
from uuid import UUID

from pydantic import BaseModel

from jurat.engine.containing import contained, told
from jurat.engine.threads import called_aside
from jurat.engine.tools import plain
from jurat.engine.trace import Retrieved, Trace
from jurat.engine.wellformed import clean, whole
from jurat.policies.diagnostics import near_miss
from jurat.server.sdk import given
from jurat.server.sdk.errors import NotSupported, SDKError
from jurat.server.sdk.failures import failure, name_of

if TYPE_CHECKING:
    from jurat.server.sdk.moments import TurnContext

LOG = logging.getLogger("jurat.sdk")
NOTHING: tuple[Any, ...] = (None, "", [], {})
_PLAIN = (BaseModel, Enum, Mapping, tuple, set, frozenset, date, timedelta, Decimal, UUID)


@dataclass(frozen=True, slots=True, init=False)
class RetrieverResult:
    """What a retriever found, for one reply.

    Args:
        data: a text, or anything that JSON can say; the reply may rest on it.
        metadata: kept in the trace, and shown to no model.
        canned_responses: texts, or templates with ``{{ fields }}``, of which one may be the reply where it fits.
        canned_response_fields: what templates may speak of in this reply, by name.

    Raises:
        SDKError: what cannot be.
    """

    data: Any
    metadata: Mapping[str, Any] = field(default_factory=dict)
    canned_responses: tuple[str, ...] = ()
    canned_response_fields: Mapping[str, Any] = field(default_factory=dict)

    def __init__(
        self,
        data: Any,
        metadata: Mapping[str, Any] | None = None,
        canned_responses: Sequence[str] = (),
        canned_response_fields: Mapping[str, Any] | None = None,
        **others: Any,
    ) -> None:
        _refuse(others)
        listed = given.sequence(canned_responses, "`canned_responses`")
        values = (
            data,
            given.mapping(metadata or {}, "`metadata`"),
            tuple(given.text(each, "a canned response") for each in listed),
            given.mapping(canned_response_fields or {}, "`canned_response_fields`"),
        )
        for each, value in zip(dataclasses.fields(self), values, strict=True):
            object.__setattr__(self, each.name, value)


def _refuse(others: Mapping[str, Any]) -> None:
    names = ("data", "metadata", "canned_responses", "canned_response_fields")
    for name in others:
        if name != "guidelines":
            close = near_miss(name, names)
            raise SDKError(f"`RetrieverResult` has no parameter `{name}`" + (f"; {close}" if close else ""))
        if others[name]:
            raise NotSupported(
                "`RetrieverResult`: `guidelines` is not supported; declare a guideline, whose condition says when it applies"
            )


@dataclass(frozen=True, slots=True)
class Retriever:
    """A function that looks something up for the replies of an agent, of all where ``agent_id`` is None."""

    function: Callable[..., Any]
    agent_id: str | None
    name: str

    @classmethod
    def of(cls, function: object, agent_id: str | None, id_: object) -> Retriever:
        """A retriever as a program attaches it.

        Raises:
            SDKError: it is no function of one argument, or the id is no text.
        """
        checked = given.function(function, "a retriever", takes=1)
        return cls(checked, agent_id, given.optional_text(id_, "`id`") or name_of(checked))


def attached(known: Mapping[str, Sequence[Callable[..., Any]]], now: TurnContext) -> list[Retriever]:
    """The retrievers of the guidelines, journeys and states that are in force."""
    return [Retriever(each, None, name_of(each)) for id_ in now.in_force for each in known.get(id_, ())]


Begun = list[tuple[Retriever, Any]]
"""What retrievers gave when the turn began: what they found, or a function to ask once it is known what is in force."""


async def begun(retrievers: Iterable[Retriever], now: TurnContext, trace: Trace, seconds: float) -> Begun:
    """Ask all of them at once. One that fails is missed, which the trace and the log say."""
    mine = [each for each in retrievers if each.agent_id in (None, now.agent.id)]
    found = await asyncio.gather(*(_asked(each, each.function, now, trace, seconds) for each in mine))
    return list(zip(mine, found, strict=True))


async def retrieved(first: Begun, now: TurnContext, trace: Trace, seconds: float) -> list[Retrieved]:
    """What was found, now that it is known what is in force: what was put off until then is asked now."""

    async def last(each: Retriever, found: Any) -> Retrieved | None:
        if callable(found):
            found = await _asked(each, found, now, trace, seconds)
        try:
            return _shown(each.name, found)
        except Exception as reason:  # noqa: BLE001 - what the program gave may do anything when it is read
            _missed(each, each.function, reason, trace)
            return None

    return [each for each in await asyncio.gather(*(last(*each) for each in first)) if each is not None]


async def _asked(each: Retriever, function: Callable[..., Any], now: TurnContext, trace: Trace, seconds: float) -> Any:
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            with contained():
                return await called_aside(function, now)
    except Exception as reason:  # noqa: BLE001 - the program's code may raise anything; the turn goes on without it
        late = TimeoutError("it did not answer in time")
        _missed(each, function, late if limit.expired() else reason, trace)
        return None


def _missed(each: Retriever, function: Callable[..., Any], reason: Exception, trace: Trace) -> None:
    text = told(reason)
    trace.notes.append(whole(f"`{each.name}` found nothing: {text}"))
    LOG.warning("the retriever `%s` failed: %s", each.name, failure(function, reason))


def _shown(name: str, found: Any) -> Retrieved | None:
    """What was found, as the trace has it; None where that is nothing.

    Raises:
        TypeError, ValueError: it is not JSON.
    """
    result = found if isinstance(found, RetrieverResult) else RetrieverResult(found)
    empty = any(result.data is each or result.data == each for each in NOTHING)
    text = "" if empty else whole(result.data if isinstance(result.data, str) else _json(result.data))
    fields, metadata = (json.loads(_json(each)) for each in (result.canned_response_fields, result.metadata))
    if not (text or metadata or fields or result.canned_responses):
        return None
    return Retrieved(name, text, metadata, result.canned_responses, fields)


def _json(value: Any) -> str:
    try:
        return json.dumps(clean(value), default=_plainer, ensure_ascii=False, allow_nan=False)
    except ValueError:
        raise ValueError(
            "it gave what JSON has no word for: a number that is not finite, or a list within itself"
        ) from None


def _plainer(value: Any) -> Any:
    """What JSON has no word for and everybody writes in the same way."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, _PLAIN):
        return plain(value) if not isinstance(value, tuple | set | frozenset) else list(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
    raise TypeError(f"it gave something of the type `{type(value).__name__}`, which is neither a text nor JSON")

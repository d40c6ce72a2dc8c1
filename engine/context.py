"""What a tool is told of the conversation it serves, and what it can tell the customer while it runs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping
from concurrent.futures import CancelledError
from dataclasses import dataclass, field
from typing import Any, Literal

from jurat.llm import Message
from jurat.policies.types import Value

EmissionKind = Literal["message", "status", "custom"]


@dataclass(frozen=True, slots=True)
class Emission:
    """Something that a tool sends while it runs. ``data`` of a message is its text."""

    kind: EmissionKind
    data: Any
    tool: str = ""


Sink = Callable[[Emission], Coroutine[Any, Any, bool]]
"""Sends an emission on; whether it was sent."""


class Sent:
    """Whether an emission was sent: true or false, and awaitable for those who await it."""

    def __init__(self, sent: bool) -> None:
        self._sent = sent

    def __bool__(self) -> bool:
        return self._sent

    def __await__(self) -> Generator[Any, None, bool]:
        yield from ()
        return self._sent


class Emitter:
    """Takes what one call emits to where it goes, in order, from async code and from a tool's thread alike.

    Made on the event loop that runs the turn. After :meth:`close` nothing is sent any more, so that a thread which
    outlasts its call cannot speak into a later turn.
    """

    def __init__(self, sink: Sink, tool: str) -> None:
        self._sink = sink
        self._tool = tool
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._order = asyncio.Lock()
        self._pending: set[asyncio.Task[bool]] = set()
        self._closed = False

    def emit(self, kind: EmissionKind, data: Any) -> Awaitable[bool]:
        """Send; in a thread it has been sent (or not) when this returns."""
        emission = Emission(kind, data, self._tool)
        if self._closed:
            return Sent(False)
        if threading.get_ident() == self._thread:
            return self._begun(emission)
        try:
            return Sent(asyncio.run_coroutine_threadsafe(self._waited_for(emission), self._loop).result())
        except (CancelledError, RuntimeError):  # the turn has ended meanwhile
            return Sent(False)

    def _begun(self, emission: Emission) -> asyncio.Task[bool]:
        task = self._loop.create_task(self._in_order(emission))
        self._pending.add(task)
        task.add_done_callback(self._pending.discard)
        return task

    async def _waited_for(self, emission: Emission) -> bool:
        return False if self._closed else await self._begun(emission)

    async def _in_order(self, emission: Emission) -> bool:
        async with self._order:
            return await self._sink(emission)

    async def settle(self) -> None:
        """Wait for what was sent without being awaited."""
        while self._pending:
            await asyncio.gather(*self._pending, return_exceptions=True)

    def close(self) -> None:
        """Send nothing any more."""
        self._closed = True
        for task in self._pending:
            task.cancel()


@dataclass(frozen=True, slots=True)
class ToolContext:
    """Who is being served, and by which agent.

    Args:
        agent_id: the agent that answers now.
        session_id: the conversation.
        conversation_history: everything said so far, tool results among it.
        user_data: what the application gave as the session's customer.
        facts: what is known, by path.
        customer_id: the customer's ``id`` in ``user_data``; empty where there is none.
        plugin_data: what the application gave the engine for its tools, such as a pool of connections.
        idempotency_key: names this call, and is the same when it is made again because its outcome was lost: a service
            that is given it can tell that it has done this already.
    """

    agent_id: str
    session_id: str
    conversation_history: tuple[Message, ...] = ()
    user_data: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Value] = field(default_factory=dict)
    customer_id: str = ""
    plugin_data: Mapping[str, Any] = field(default_factory=dict)
    idempotency_key: str = ""
    emitter: Emitter | None = field(default=None, repr=False, compare=False)

    def emit_message(self, message: str) -> Awaitable[bool]:
        """Say something to the customer before the reply; whether it was said.

        It is held to what the policy forbids, as a reply is, and is not said where it breaks that. To be awaited in an
        async function; in a plain one it has been said when this returns.

        Raises:
            TypeError: it is no text, whose representation in Python is nothing to tell a customer.
        """
        if not isinstance(message, str):
            raise TypeError("what `emit_message` says is a text")
        return self._emit("message", message)

    def emit_status(self, status: str, data: Any = None) -> Awaitable[bool]:
        """Tell the application how far the tool is."""
        return self._emit("status", {"status": status, "data": data})

    def emit_custom(self, data: Any) -> Awaitable[bool]:
        """Give the application data of the tool's own kind."""
        return self._emit("custom", data)

    def _emit(self, kind: EmissionKind, data: Any) -> Awaitable[bool]:
        return Sent(False) if self.emitter is None else self.emitter.emit(kind, data)

"""What hooks and retrievers can tell the application while a turn runs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from jurat.engine.context import Emission
from jurat.server.sdk.errors import NotSupported

LOG = logging.getLogger("jurat.sdk")


class Logger(logging.LoggerAdapter[logging.Logger]):
    """The logger `jurat.sdk`, with the level below DEBUG that programs for `parlant.sdk` use."""

    def trace(self, message: str) -> None:
        """As `debug`."""
        self.debug("%s", message)


LOGGER = Logger(LOG)


@dataclass(frozen=True, slots=True)
class Tracer:
    """``trace_id`` is what `GET /traces/ID` calls the trace of the turn that runs."""

    trace_id: str

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        raise NotSupported(
            f"`tracer.{name}` is not supported; the trace of a turn is at `GET /traces/<tracer.trace_id>`"
        )


@dataclass(frozen=True, slots=True)
class EventEmitter:
    """Sends what a tool sends with `emit_status` and `emit_custom`; ``trace_id`` is the turn's, whatever is given."""

    send: Callable[[Emission], None] = field(repr=False)

    async def emit_status_event(
        self, trace_id: str | None = None, data: Mapping[str, Any] | str = "", metadata: object = None  # noqa: ARG002
    ) -> None:  # fmt: skip
        """Tell the application how far it is; ``data`` has a ``status``, and its own ``data``."""
        said = {"status": data} if isinstance(data, str) else data
        self.send(Emission("status", {"status": said.get("status", ""), "data": said.get("data")}))

    async def emit_custom_event(self, trace_id: str | None = None, data: Any = None, metadata: Any = None) -> None:  # noqa: ARG002
        """Give the application data of one's own kind."""
        self.send(Emission("custom", data))

    async def emit_message_event(self, *_: Any, **__: Any) -> NoReturn:
        """Refused: nothing is said to a customer that is not held to the policy."""
        raise NotSupported(
            "`emit_message_event` is not supported, for nothing is said to a customer that is not held to the policy; declare a "
            "guideline with a `matcher` and a `reply`, or have a tool say it with `context.emit_message`"
        )

    async def emit_tool_event(self, *_: Any, **__: Any) -> NoReturn:
        """Refused: tools are called by the server alone."""
        raise NotSupported(
            "`emit_tool_event` is not supported, for tools are called by the server alone; attach a retriever for what a reply may "
            "rest on"
        )

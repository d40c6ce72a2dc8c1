"""What functions of the program are told of the turn that they are called in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from jurat.engine.context import Emission
from jurat.engine.session import Session
from jurat.engine.trace import CallRecord
from jurat.policies.types import Value
from jurat.server.sdk.emitters import LOGGER, EventEmitter, Logger, Tracer
from jurat.server.sdk.errors import Instead, SDKError
from jurat.server.sdk.interaction import Interaction
from jurat.server.sdk.results import ToolResult

if TYPE_CHECKING:
    from jurat.server.sdk.agents import Agent
    from jurat.server.sdk.customers import Customer
    from jurat.server.sdk.performance import Container
    from jurat.server.sdk.server import Server


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that was made in the turn."""

    tool_id: str
    arguments: Mapping[str, Any]
    result: ToolResult


def _result(call: CallRecord) -> ToolResult:
    return ToolResult(
        call.message, call.data, call.status == "failed", metadata=call.metadata, control=call.control,
        canned_responses=call.replies, canned_response_fields=call.fields,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class TurnContext(Instead):
    """A turn as matchers, retrievers and hooks see it. ``reply`` is there once it has passed its check, and
    ``in_force``, the ids of guidelines, journeys and states, once all calls were made.

    ``wishes``: what is to become of the session when the turn ends; ``notes``: what its trace remarks; ``noted``: what
    clients and the program have noted of the conversation, its title, metadata and labels; ``trace_id``: what
    `GET /traces/ID` calls that trace; ``send``: what takes what is told to the application while the turn runs.
    """

    server: Server
    session: Session
    agent: Agent
    customer: Customer
    interaction: Interaction
    facts: Mapping[str, Value] = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=dict)
    reply: str | None = None
    in_force: tuple[str, ...] = ()
    wishes: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    noted: dict[str, Any] = field(default_factory=dict)
    calls: list[CallRecord] = field(default_factory=list, repr=False)
    trace_id: str = ""
    send: Callable[[Emission], None] = field(default=lambda _: None, repr=False)

    instead: ClassVar[Mapping[str, str]] = {
        "staged_events": "`staged_tool_calls` has the calls of the turn, and `interaction` what was said",
        "state": "`staged_tool_calls`, `variables` and `facts` have what is known in the turn",
    }

    @property
    def staged_tool_calls(self) -> list[ToolCall]:
        """The calls of the turn that were made by now, the first one first."""
        made = (each for each in self.calls if each.status in ("succeeded", "failed"))
        return [ToolCall(each.tool, each.arguments, _result(each)) for each in made]

    @property
    def logger(self) -> Logger:
        """The logger `jurat.sdk`."""
        return LOGGER

    @property
    def tracer(self) -> Tracer:
        """Knows the id of the turn's trace."""
        return Tracer(self.trace_id)

    @property
    def container(self) -> Container:
        """What the program has put in the place of parts of the server."""
        return self.server.container

    @property
    def session_event_emitter(self) -> EventEmitter:
        """Tells the application how far the turn is."""
        return EventEmitter(self.send)

    response_event_emitter = session_event_emitter


CURRENT: ContextVar[TurnContext | None] = ContextVar("jurat_turn", default=None)
"""The turn that runs; each turn has a task of its own."""


Found = TypeVar("Found")


class Current(Generic[Found]):
    """What `Customer.current` and its like are: a part of the turn that runs, looked up where it is asked for."""

    def __init__(self, what: str, of: Callable[[TurnContext], Found]) -> None:
        self._what, self._of = what, of

    def __get__(self, instance: object, owner: type) -> Found:
        """The part.

        Raises:
            SDKError: no turn runs.
        """
        now = CURRENT.get()
        if now is None:
            raise SDKError(f"there is a current {self._what} only while a turn runs")
        return self._of(now)


@dataclass(frozen=True, slots=True)
class GuidelineMatch:
    """What a matcher says of a guideline."""

    id: str
    matched: bool
    rationale: str = ""

"""What was said in a conversation, as functions of the program are told of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from jurat.engine.session import Moment
from jurat.llm import Message


class EventSource(StrEnum):
    """Whose words a message has."""

    CUSTOMER = "customer"
    AI_AGENT = "ai_agent"


_SPEAKERS = {"customer": (EventSource.CUSTOMER, "message.received"), "agent": (EventSource.AI_AGENT, "reply")}
"""The roles of those who speak: the source, and the event that is in the history when they do."""


@dataclass(frozen=True, slots=True)
class InteractionMessage:
    """Something that the customer or the agent said.

    ``participant`` has an ``id`` and a ``display_name``. ``creation_utc`` is None where it is not known when it was said: in
    a conversation that was begun with a history, had a human answer, or had a turn run again.
    """

    source: EventSource
    participant: Mapping[str, str]
    content: str
    creation_utc: datetime | None = None

    def __str__(self) -> str:
        return f"{self.participant['display_name']} ({self.source}): {self.content}"


@dataclass(frozen=True, slots=True)
class Interaction:
    """What was said so far, oldest first. ``conversation`` has what tools and the application said besides."""

    conversation: tuple[Message, ...] = ()
    moments: Sequence[Moment] = field(default=(), repr=False)
    customer: Mapping[str, str] = field(default_factory=dict, repr=False)
    agent: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def messages(self) -> tuple[InteractionMessage, ...]:
        """What customer and agent said."""
        said = [each for each in self.conversation if each.role in _SPEAKERS]
        times = {role: iter(self._times(role, [each for each in said if each.role == role])) for role in _SPEAKERS}
        return tuple(self._message(each, next(times[each.role])) for each in said)

    @property
    def last_customer_message(self) -> InteractionMessage | None:
        """What the customer said last; None if nothing yet."""
        return next((each for each in reversed(self.messages) if each.source is EventSource.CUSTOMER), None)

    def _message(self, said: Message, at: datetime | None) -> InteractionMessage:
        who = self.customer if said.role == "customer" else self.agent
        return InteractionMessage(_SPEAKERS[said.role][0], who, said.text, at)

    def _times(self, role: str, said: Sequence[Message]) -> Iterable[datetime | None]:
        """When each of these was said: the history has no more than that somebody spoke, so that it must have as many."""
        event = _SPEAKERS[role][1]
        known = [datetime.fromtimestamp(each.at, UTC) for each in self.moments if event in each.events]
        return known if len(known) == len(said) else [None] * len(said)

"""What the policy decides, without a reply: for applications that act themselves, and for tests of a policy."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import Field
from pydantic_core import to_json

from jurat.llm import Message
from jurat.policies import RefusedTurn, ValuationError
from jurat.policies.diagnostics import near_miss
from jurat.server.api.auth import Caller, requires
from jurat.server.api.dependencies import Body, Served, Shown, Text, check_agent, no_longer_than
from jurat.server.api.errors import errors
from jurat.server.deciding import ENOUGH
from jurat.server.refusals import Refusal
from jurat.server.service import Service

ROUTER = APIRouter(prefix="/v1", tags=["decide"])
MESSAGES = 200
"""Of a conversation, at most."""

Deciding = Annotated[Caller, requires("decide")]
ROLES: dict[str, Literal["customer", "agent"]] = {
    "customer": "customer", "user": "customer", "agent": "agent", "assistant": "agent",
}  # fmt: skip


class Line(Body):
    """A line of a conversation, in our words for who speaks or in OpenAI's."""

    role: Literal["customer", "user", "agent", "assistant"]
    content: Text


class Question(Body):
    """A situation, values by name, or a conversation with the facts that the application knows.

    An observation that is left out of a situation is unknown, a fact absent. ``about`` asks of guidelines, journeys or states why
    they are not triggered.
    """

    situation: dict[str, Any] | None = None
    messages: Annotated[list[Line], Field(min_length=1, max_length=MESSAGES)] | None = None
    facts: dict[str, Any] = Field(default_factory=dict)
    agent: Text | None = None
    about: list[Text] = Field(default_factory=list, max_length=ENOUGH)


class KnownShown(Shown):
    """What was known of one atom and from where; a null value is unknown or absent."""

    key: str
    value: Any
    source: Literal["given", "judged", "axiom", "fact", "event", "history", "journey"]
    probability: float | None


class HeldShown(Shown):
    """What is in force and why: what made its condition true, or what entails it."""

    id: str
    kind: str
    condition: str
    known: list[KnownShown]
    entailed_by: list[str]


class OpenShown(Shown):
    """What may be in force, and the unknowns in its condition that leave it open."""

    id: str
    condition: str
    unknown: list[str]


class DroppedShown(Shown):
    """What was triggered and is not in force, and what stands in its way."""

    id: str
    reason: Literal["requirement-not-met", "overridden", "ambiguous", "outranked", "undefined"]
    by: list[str]


class NotTriggered(Shown):
    """What was asked about and is not triggered: what makes its condition false."""

    id: str
    condition: str
    known: list[KnownShown]


class ActionShown(Shown):
    """What is to be done or left, by whose demand, and under which bound it acts."""

    guideline: str
    kind: str
    text: str
    because: Literal["certain", "possible", "outranked"]


class Asking(Shown):
    """What the customer is to be asked, for it is open and its guideline says so."""

    id: str
    text: str


class Clarifying(Shown):
    """Which of several the customer means is to be asked."""

    by: str
    targets: list[str]


class Judged(Shown):
    """What the judge said of an observation; null is unknown."""

    truth: bool | None
    probability: float | None


class Decided(Shown):
    """What the policy decides, and why."""

    policy: str
    proved: bool
    in_force: list[HeldShown]
    possible: list[OpenShown]
    dropped: list[DroppedShown]
    not_triggered: list[NotTriggered]
    actions: list[ActionShown]
    decisions: dict[str, Any]
    reply: str | None
    hand_off: str | None
    ask: list[Asking]
    clarifications: list[Clarifying]
    conflicts: list[str]
    unknown: list[str]
    judgements: dict[str, Judged]
    withdrawn: list[str]
    notes: list[str]


@ROUTER.post("/decide", response_model=Decided, responses=errors(409))
async def decide(given: Question, service: Served, caller: Deciding) -> Decided:
    """What the policy decides of a situation or a conversation, why, why not, and what is unknown. Nothing is generated."""
    return Decided.model_validate_json(await answered(given, service, caller))


async def answered(given: Question, service: Service, caller: Caller) -> bytes:
    """The answer, a :class:`Decided` in JSON.

    Raises:
        Refusal: the question is none, or of an agent that is not the caller's to deal with.
        FactRefused, TurnRefused, LLMError: as :meth:`jurat.server.deciding.Decider.conversation`.
    """
    if (given.situation is None) is (given.messages is None):
        raise Refusal(422, "malformed", "give one of `situation`, values by name, and `messages`, a conversation")
    if given.facts and given.situation is not None:
        raise Refusal(422, "malformed", "a situation has its facts in itself; `facts` go with `messages`")
    _check_agent(service, caller, given.agent)
    if wrong := service.decider.unknown_names(given.about):
        raise Refusal(422, "unknown-name", f"`about`: the policy has no guideline, journey or state `{wrong[0][:60]}`")
    try:
        if given.situation is not None:
            return service.decider.situation(given.situation, given.about)
        return to_json(await _conversation(given, service))
    except ValuationError as error:
        raise Refusal(422, "refused", str(error)) from None
    except RefusedTurn as error:
        raise Refusal(422, "contradiction", str(error)) from None


def _check_agent(service: Service, caller: Caller, agent: str | None) -> None:
    check_agent(service, caller, agent)
    if agent is not None and agent not in service.agent.engine.agents:
        close = near_miss(agent[:60], service.agent.engine.agents)
        raise Refusal(422, "refused", f"the policy has no agent `{agent[:60]}`" + (f"; {close}" if close else ""))


async def _conversation(given: Question, service: Service) -> dict[str, Any]:
    assert given.messages is not None
    if given.messages[-1].role not in ("customer", "user"):
        raise Refusal(422, "malformed", "`messages` ends with what the customer said")
    longest = service.agent.engine.limits.message_characters
    lines = [Message(ROLES[each.role], no_longer_than(each.content, longest, "content")) for each in given.messages]
    told: dict[str, Any] = await service.asking(
        lambda: service.decider.conversation(lines, given.facts, given.agent, given.about)
    )
    return told

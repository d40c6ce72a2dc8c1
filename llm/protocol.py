"""The seams of this room: a backend runs a model, a judge senses with it, a voice phrases with it.

Nothing here imports a model runtime, so that the engine and its tests depend on protocols only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

from jurat.llm.errors import BackendError

Role = Literal["customer", "agent", "tool", "system"]
OnText = Callable[[str], None]
"""Receives each piece of text as it is written; the pieces joined are the whole text."""
Vector = Sequence[float]


class CutOff(str):
    """A text that ended before the model had ended it: with its tokens, say."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Message:
    """One entry of a conversation, oldest first; a tool's text is its name and result in one line."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class Condition:
    """A question for the judge: the key of an observation and the statement to be judged.

    One that is not `critical` may be taken for false by a shortcut, where nothing in the conversation resembles it.
    """

    key: str
    text: str
    critical: bool = True


@dataclass(frozen=True, slots=True)
class Judgement:
    """An answer of the judge. A `truth` of None is *unknown*, which is never false.

    `probability` is P(true) in [0, 1], calibrated where the judge is; None where the judge has none.
    `recalled`: the answer was given before, to the same question about the same conversation.
    """

    observation: str
    truth: bool | None
    probability: float | None
    evidence: str = ""
    recalled: bool = False


@dataclass(frozen=True, slots=True)
class ReplyRequest:
    """Everything a reply may rest on.

    `instructions` must be followed, `prohibitions` are statements that must not come true of the reply,
    `tool_results` are lines of what tools returned in this turn. `attempt` counts from 1; from the
    second on, `complaint` says what was wrong with the draft before.
    """

    agent_name: str
    agent_description: str
    conversation: tuple[Message, ...]
    instructions: tuple[str, ...] = ()
    prohibitions: tuple[str, ...] = ()
    tool_results: tuple[str, ...] = ()
    attempt: int = 1
    complaint: str | None = None


@dataclass(frozen=True, slots=True)
class Arguments:
    """Arguments of one tool call: what the customer said, and the required names that nobody gave."""

    values: Mapping[str, Any] = field(default_factory=dict)
    missing: tuple[str, ...] = ()


@runtime_checkable
class Backend(Protocol):
    """Runs one model. Its methods may be called concurrently and never block the event loop.

    All raise `BackendError`.
    """

    @property
    def name(self) -> str:
        """What a trace calls the model."""

    @property
    def digest(self) -> str:
        """Identifies the weights: equal digests answer alike."""

    async def score(self, prefix: str, suffixes: Sequence[str], answers: tuple[str, str]) -> list[float]:
        """P(first answer) after prefix + suffix, of the two answers only; one number per suffix, nan where it is neither.

        Each answer must be a single token. One forward pass a suffix, nothing is generated.
        """

    async def generate(
        self,
        prompt: str,
        schema: dict[str, Any] | None = None,
        *,
        max_tokens: int,
        stop: Sequence[str] = (),
        on_text: OnText | None = None,
    ) -> str:
        """The model's continuation of the prompt, a `CutOff` where it has no end; with a JSON schema, the text conforms to it."""

    async def close(self) -> None:
        """Free the model. Idempotent."""


@dataclass(frozen=True, slots=True)
class Scoring:
    """One conversation's part of a batch: a prefix and the suffixes to score after it."""

    prefix: str
    suffixes: tuple[str, ...]


@runtime_checkable
class BatchBackend(Backend, Protocol):
    """A backend that scores several conversations in one pass; optional."""

    async def score_many(
        self, requests: Sequence[Scoring], answers: tuple[str, str]
    ) -> Sequence[Sequence[float] | BackendError]:
        """For each request what :meth:`score` returns, or the error that it would raise: one does not fail the others."""


@runtime_checkable
class Embedder(Protocol):
    """Turns texts into vectors whose directions are close where the texts are alike."""

    @property
    def name(self) -> str:
        """What the model is called."""

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """A vector of length 1 for each text, in their order. Raises `BackendError`."""

    async def close(self) -> None:
        """Free what it holds. Idempotent."""


@runtime_checkable
class Concurrent(Protocol):
    """A backend that makes batches of the calls that are under way; optional."""

    @property
    def calls_at_once(self) -> int:
        """How many calls are worth having under way."""


@runtime_checkable
class Ungraded(Protocol):
    """A backend that may have answers without probabilities: scores of 1 for yes and 0 for no."""

    @property
    def ungraded(self) -> str:
        """Why there are no probabilities, for a judgement's evidence; empty where there are."""


@runtime_checkable
class Noted(Protocol):
    """A backend of which there may be something to say when it is opened; optional."""

    @property
    def note(self) -> str:
        """What it lacks, in a line; empty where it lacks nothing."""


@runtime_checkable
class Judge(Protocol):
    """Says which conditions hold of the customer's latest message, in the context of the conversation.

    One that also has a text `identity`, which is equal only where all answers are, has its answers remembered.
    """

    @property
    def name(self) -> str:
        """What a trace calls the judge."""

    async def judge(self, conversation: Sequence[Message], conditions: Sequence[Condition]) -> list[Judgement]:
        """One judgement per condition, in the order asked; an answer does not depend on the others."""


@runtime_checkable
class FieldVoice(Protocol):
    """A voice that also fills in the parts of a canned reply that its author left to it; optional."""

    async def fields(self, request: ReplyRequest, template: str, names: Sequence[str]) -> Mapping[str, str]:
        """A short text for each of the template's `generative` fields; the engine checks what becomes of them."""


@runtime_checkable
class Chooser(Protocol):
    """A judge that takes one out of several statements in a single answer where that is better than asking each; optional."""

    @property
    def chooses(self) -> bool:
        """Whether it is better: where there are no probabilities."""

    async def choose(self, conversation: Sequence[Message], options: Sequence[Condition]) -> list[Judgement]:
        """What the answer says of some options, in their order, each at most once.

        True of what was chosen and nothing of the others, which may hold too; false of all where none was chosen; unknown
        where the answer is not to be trusted.
        """


@runtime_checkable
class Voice(Protocol):
    """Phrases replies and reads tool arguments out of a conversation."""

    @property
    def name(self) -> str:
        """What a trace calls the voice."""

    async def reply(self, request: ReplyRequest, on_text: OnText | None = None) -> str:
        """A draft of the agent's next message; the engine checks it before it is sent."""

    async def arguments(
        self,
        conversation: Sequence[Message],
        tool_name: str,
        tool_description: str,
        schema: Mapping[str, Any],
    ) -> Arguments:
        """The call's arguments that the customer gave; `schema` is a JSON schema of an object.

        What the customer did not say is left out, and listed in `missing` where the schema requires it.
        """

"""The judge: one token per condition, after a prefix that all conditions share.

The conversation comes first and is read once; each condition is a short suffix, answered by the
probability of one of two tokens. Nothing is generated. The prompt's wording and the calibration were
chosen on the cases marked `choice` and measured on those marked `report`; docs/models.md has the figures.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

from jurat.llm.conversation import asked_of_what_fits, decided
from jurat.llm.prompts import one_line, rendered
from jurat.llm.protocol import Backend, Condition, Judge, Judgement, Message, Ungraded

_Example = tuple[str, tuple[tuple[str, bool], ...]]

_EXAMPLES: tuple[_Example, ...] = (
    (
        "Customer: Hello, I ordered a chair two weeks ago. When does it come?\n",
        (
            ("The customer asks about a delivery", True),
            ("The customer is angry or insults the agent", False),
            ("The customer wants to return something", False),
        ),
    ),
    (
        (
            "Customer: Do you deliver to Spain?\n"
            "Agent: Yes, within a week. May I have your name?\n"
            "Customer: Sure, it's Ana. And what does it cost?\n"
        ),
        (
            ("The customer asks about delivery countries", False),
            ("The customer asks about a price", True),
            ("The customer wants to speak to a person", False),
        ),
    ),
    (
        "Customer: My parcel is late again!\nAgent: I am sorry, that is annoying. It arrives tomorrow.\n",
        (
            ("The agent apologises", True),
            ("The agent offers money", False),
            ("The agent says when the parcel arrives", True),
            ("The agent asks for the name of the customer", False),
        ),
    ),
    (
        "Customer: You people are useless, close my account right now!\n",
        (
            ("The customer asks a question", False),
            ("The customer is dissatisfied or insults the agent", True),
            ("The customer wants to change a password", False),
        ),
    ),
    (
        "Customer: Thank you, that is all.\n",
        (("The customer thanks the agent", True), ("The customer asks for help or gives a name", False)),
    ),
)
_INTRODUCTION = (
    "Each conversation between a customer and an agent is followed by statements about its last message. "
    "A statement is true only if the last message says so.\n\n"
)
_OPENING = "Conversation:\n"
_STATEMENT = "Statement:"  # belongs to the shared prefix: what is in the suffix is read once a condition
ANSWERS = (" yes", " no")
_ANSWERED = {1.0: True, 0.0: False}  # of a backend without probabilities; anything else is unknown


@dataclass(frozen=True, slots=True)
class Calibration:
    """Turns a score into a probability, sigmoid(slope * logit(score) + intercept) (Platt scaling), and
    a probability into an answer: unknown strictly between `low` and `high`.
    """

    slope: float
    intercept: float
    low: float
    high: float

    def probability(self, score: float) -> float:
        """The calibrated P(true) of a score; both in [0, 1]."""
        return sigmoid(self.slope * logit(score) + self.intercept)

    def truth(self, probability: float) -> bool | None:
        """True, false, or None for unknown."""
        return decided(probability, (self.low, self.high))


# Fitted by `python -m jurat.llm.calibration` for the default model.
CALIBRATION = Calibration(slope=0.88, intercept=-0.47, low=0.2, high=0.7)


class ScoringJudge:
    """Judges the last message of a conversation in the context of those before it.

    Where the conversation ends with the customer's message and what tools have returned since, the
    message is what is judged and the tools are its context. Where it ends with the agent's message,
    that one is judged, which is how a draft is checked. Messages that do not fit the model's context
    are left out, oldest first, and the evidence says how many.
    """

    def __init__(self, backend: Backend, *, calibration: Calibration = CALIBRATION) -> None:
        self.name = backend.name
        self._backend = backend
        self._calibration = calibration

    @property
    def identity(self) -> str:
        """All that an answer depends on beside the question: the weights, the instructions, the calibration."""
        prompt = hashlib.sha256((_header() + _OPENING + _STATEMENT).encode()).hexdigest()
        return f"{self._backend.digest} {prompt} {self._calibration}"

    async def warm_up(self) -> None:
        """Read the instructions, some seconds on a slow machine, before the first customer waits for it."""
        await self._backend.score(_header(), [], ANSWERS)

    async def judge(self, conversation: Sequence[Message], conditions: Sequence[Condition]) -> list[Judgement]:
        """One judgement per condition, in the order asked; raises `LLMError`."""
        if not conditions:
            return []
        scores, left_out = await self.scores(conversation, [c.text for c in conditions])
        ungraded = self._backend.ungraded if isinstance(self._backend, Ungraded) else ""
        notes = (ungraded, f"without the oldest {left_out} messages" if left_out else "")
        evidence = "; ".join(note for note in notes if note)
        pairs = zip(conditions, scores, strict=True)
        if ungraded:
            return [Judgement(c.key, _ANSWERED.get(score), None, evidence) for c, score in pairs]
        return [self._calibrated(c, score, evidence) for c, score in pairs]

    def _calibrated(self, condition: Condition, score: float, evidence: str) -> Judgement:
        probability = self._calibration.probability(score)
        return Judgement(condition.key, self._calibration.truth(probability), probability, evidence)

    async def scores(self, conversation: Sequence[Message], statements: Sequence[str]) -> tuple[list[float], int]:
        """The uncalibrated scores, and how many of the oldest messages had to be left out."""
        suffixes = [f" {one_line(s)}\nAnswer:" for s in statements]

        async def ask(kept: Sequence[Message]) -> list[float]:
            return await self._backend.score(_header() + _OPENING + rendered(kept) + _STATEMENT, suffixes, ANSWERS)

        return await asked_of_what_fits(last_message_last(conversation), ask)


def last_message_last(conversation: Sequence[Message]) -> list[Message]:
    """The conversation with its last spoken message at the end; results of tools since then come before it."""
    spoken = (i for i in reversed(range(len(conversation))) if conversation[i].role in ("customer", "agent"))
    last = next(spoken, None)
    if last is None:
        return list(conversation)
    return [*conversation[:last], *conversation[last + 1 :], conversation[last]]


async def check_reply(
    judge: Judge, conversation: Sequence[Message], draft: str, statements: Sequence[Condition]
) -> list[Judgement]:
    """Which statements hold of a draft of the agent's next message; an unknown one is no pass."""
    return await judge.judge([*conversation, Message("agent", draft)], statements)


def logit(probability: float) -> float:
    """Log-odds, finite for 0 and 1 too."""
    bounded = min(max(probability, 1e-9), 1 - 1e-9)
    return math.log(bounded / (1 - bounded))


def sigmoid(log_odds: float) -> float:
    """The probability of log-odds."""
    return 1 / (1 + math.exp(-log_odds)) if log_odds > 0 else 1 - 1 / (1 + math.exp(log_odds))


def _header() -> str:
    shown = (
        _OPENING + talk + "".join(f"{_STATEMENT} {s}\nAnswer:{ANSWERS[0 if true else 1]}\n" for s, true in statements)
        for talk, statements in _EXAMPLES
    )
    return _INTRODUCTION + "\n".join(shown) + "\n"

"""The judge: one token per condition, after a prefix that all conditions share.

The conversation comes first and is read once; each condition is a short suffix, answered by the
probability of one of two tokens. Nothing is generated. The prompt's wording and the calibration were
chosen on the cases marked `choice` and measured on those marked `report`; docs/models.md has the figures.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from jurat.llm.calibration import UNCALIBRATED, Calibration, Calibrations, stored
from jurat.llm.choosing import chosen
from jurat.llm.conversation import last_message_last
from jurat.llm.injection import CONTROLS, Limits, without_suspects
from jurat.llm.layouts import Layout
from jurat.llm.models import DEFAULT_MODEL, find_model
from jurat.llm.protocol import Backend, Condition, Judge, Judgement, Message, Ungraded
from jurat.llm.windows import Reading, readings
from jurat.llm.wording import LAYOUT

ANSWERS = LAYOUT.answers
_ANSWERED = {1.0: True, 0.0: False}
"""Of a backend without probabilities; anything else is unknown."""

_MODEL, _ADAPTER = find_model(DEFAULT_MODEL).sha256, "ab2ff89d29cd32fc"
_IN_16_BITS = Calibrations(
    Calibration(slope=0.88, intercept=-0.4, low=0.2, high=0.8), limits=Limits(false_high=0.054, true_low=0.62)
)
SHIPPED: Mapping[str, Calibrations] = {
    _MODEL: Calibrations(
        Calibration(slope=0.91, intercept=-0.42, low=0.2, high=0.85), limits=Limits(false_high=0.09, true_low=0.6)
    ),
    f"{_MODEL}+{_ADAPTER}": _IN_16_BITS,
    f"{_MODEL}-bfloat16+{_ADAPTER}": _IN_16_BITS,
    f"{_MODEL}-vllm+{_ADAPTER}": _IN_16_BITS,
}
"""By the digest of a model: fitted to the labelled set of benchmarks/matcher, as `jurat calibrate` does."""


class ScoringJudge:
    """Judges the last message of a conversation in the context of those before it.

    Where the conversation ends with the customer's message and what tools have returned since, the
    message is what is judged and the tools are its context. Where it ends with the agent's message,
    that one is judged, which is how a draft is checked. Messages that do not fit the model's context
    are left out, oldest first, and the evidence says how many.

    What looks like an instruction to the judge is left out for a second look, and only what both looks agree on is
    answered; where the controls say that the model is swayed all the same, everything is unknown (jurat.llm.injection).

    Without `calibration` the one stored for the model is used, or the one shipped for the default model; a model
    that has neither is judged with a wide band of unknown, and the evidence says so. Raises `CalibrationError`
    where the stored one is damaged.
    """

    def __init__(
        self,
        backend: Backend,
        *,
        calibration: Calibration | Calibrations | None = None,
        layout: Layout = LAYOUT,
        defended: bool = True,
    ) -> None:
        self.name = backend.name
        self._backend = backend
        self._layout = layout
        found = calibrations_of(backend.digest, layout) if calibration is None else calibration
        self.calibrated = found is not None
        self.calibrations = Calibrations(found) if isinstance(found, Calibration) else found or UNCALIBRATED
        self._defended = defended

    @property
    def identity(self) -> str:
        """All that an answer depends on beside the question: the weights, the instructions, the calibration."""
        return f"{self._backend.digest} {self._layout.digest} {self.calibrations} {self._defended}"

    def band(self, statement: str) -> tuple[float, float]:
        """Between which probabilities a statement counts as unknown."""
        calibration = self.calibrations.of(statement)
        return calibration.low, calibration.high

    async def warm_up(self) -> None:
        """Read the instructions, some seconds on a slow machine, before the first customer waits for it."""
        await self._backend.score(self._layout.header, [], self._layout.answers)

    async def judge(self, conversation: Sequence[Message], conditions: Sequence[Condition]) -> list[Judgement]:
        """One judgement per condition, in the order asked; raises `LLMError`."""
        if not conditions:
            return []
        first = await self._look(conversation, conditions)
        if not self._defended:
            return first.judgements
        cleaned = without_suspects(conversation)
        looks = [first] if cleaned == list(conversation) else [first, await self._look(cleaned, conditions)]
        if looks[-1].swayed:
            return [_unknown(each, "something in the conversation sways the model") for each in first.judgements]
        return first.judgements if len(looks) == 1 else _agreed(*(each.judgements for each in looks))

    @property
    def chooses(self) -> bool:
        """Whether one statement out of several is better asked for in one answer: the model gives no probabilities."""
        return bool(isinstance(self._backend, Ungraded) and self._backend.ungraded)

    async def choose(self, conversation: Sequence[Message], options: Sequence[Condition]) -> list[Judgement]:
        """As :class:`jurat.llm.protocol.Chooser` says; raises `LLMError`."""
        return await chosen(self._backend, conversation, options, defended=self._defended)

    async def _look(self, conversation: Sequence[Message], conditions: Sequence[Condition]) -> _Look:
        controls = [text for text, _ in CONTROLS] if self._defended else []
        read = await self.readings(conversation, [each.text for each in conditions], controls)
        found = [self._judged(each, read.get(each.text)) for each in conditions]
        return _Look(found, self._defended and self.calibrations.limits.swayed([read[each].score for each in controls]))

    def _judged(self, condition: Condition, read: Reading | None) -> Judgement:
        if read is None:
            return Judgement(condition.key, None, None, "the condition does not fit into the model's context")
        ungraded = self._backend.ungraded if isinstance(self._backend, Ungraded) else ""
        notes = [] if self.calibrated and not ungraded else [ungraded or "the model is not calibrated"]
        notes += [f"without the oldest {read.left_out} messages"] if read.left_out else []
        return (self._ungraded if ungraded else self._judgement)(condition, read.score, "; ".join(notes))

    def _ungraded(self, condition: Condition, score: float, evidence: str) -> Judgement:
        return Judgement(condition.key, _ANSWERED.get(score), None, evidence)

    def _judgement(self, condition: Condition, score: float, evidence: str) -> Judgement:
        if not 0 <= score <= 1:  # nan too; a calibration would make some probability of whatever stood for it
            return _unknown(Judgement(condition.key, None, None, evidence), "the model gave neither answer")
        calibration = self.calibrations.of(condition.text)
        probability = calibration.probability(score)
        return Judgement(condition.key, calibration.truth(probability), probability, evidence)

    async def scores(self, conversation: Sequence[Message], statements: Sequence[str]) -> tuple[list[float], int]:
        """The uncalibrated scores, nan where there is none, and how many of the oldest messages were left out at most."""
        read = await self.readings(conversation, statements)
        left_out = max((each.left_out for each in read.values()), default=0)
        return [read[each].score if each in read else math.nan for each in statements], left_out

    async def readings(
        self, conversation: Sequence[Message], statements: Sequence[str], first: Sequence[str] = ()
    ) -> dict[str, Reading]:
        """As :func:`jurat.llm.windows.readings` says, uncalibrated; raises `LLMError`."""

        async def ask(kept: Sequence[Message], some: Sequence[str]) -> list[float]:
            suffixes = [self._layout.suffix(each) for each in some]
            return await self._backend.score(self._layout.prefix(kept), suffixes, self._layout.answers)

        return await readings(last_message_last(conversation), statements, ask, first)


@dataclass(frozen=True, slots=True)
class _Look:
    """What one reading of the conversation said, and whether the controls were wrong."""

    judgements: list[Judgement]
    swayed: bool


def _agreed(given: Sequence[Judgement], cleaned: Sequence[Judgement]) -> list[Judgement]:
    """What the conversation says with and without the suspect sentences; where the two differ, unknown."""
    why = "the conversation has what looks like an instruction to the judge, and the answer hangs on it"
    return [
        second if first.truth is second.truth else _unknown(second, why)
        for first, second in zip(given, cleaned, strict=True)
    ]


def _unknown(judgement: Judgement, why: str) -> Judgement:
    evidence = f"{judgement.evidence}; {why}" if judgement.evidence else why
    return replace(judgement, truth=None, probability=None, evidence=evidence)


def calibrations_of(digest: str, layout: Layout = LAYOUT) -> Calibrations | None:
    """The calibration stored for the model with this digest and the layout, else the one shipped for them, else None.

    Raises:
        CalibrationError: the stored one is damaged.
    """
    shipped = SHIPPED.get(digest) if layout == LAYOUT else None
    return stored(digest, layout.digest) or shipped


async def check_reply(
    judge: Judge, conversation: Sequence[Message], draft: str, statements: Sequence[Condition]
) -> list[Judgement]:
    """Which statements hold of a draft of the agent's next message; an unknown one is no pass."""
    return await judge.judge([*conversation, Message("agent", draft)], statements)

"""A shortcut for very large policies: statements that nothing in the conversation resembles are false, and are not asked.

What resembles is for an embedding model to say: a statement is asked where the cosine between it and the last message, or
the conversation, reaches a threshold. The threshold is fitted on labelled conversations, so that a chosen share of the
statements that hold is asked (`jurat calibrate --embeddings`), and no shortcut is taken without one. Whether a statement is
asked hangs on it and the conversation alone, not on what else is asked; a critical one always is (jurat.engine.shortcuts).
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from operator import mul

from jurat.llm.errors import BackendError
from jurat.llm.protocol import Chooser, Condition, Embedder, Judge, Judgement, Message, Vector

LOG = logging.getLogger("jurat.llm")
PIECE = 250
"""Characters of a piece that is embedded by itself: what is said in a long text is not drowned in it."""
MOST_PIECES = 20
_TALK = 1200
"""Characters at the end of a conversation that are looked at besides the last message."""
_KEPT = 20_000


@dataclass(frozen=True, slots=True)
class Threshold:
    """From which similarity on a statement is asked, a cosine in [-1, 1], and for how many of those that hold it did so."""

    similarity: float
    recall: float
    probe: Vector
    """The vector of `PROBE`, by which the model it was fitted for is known again."""


PROBE = "The customer asks where the parcel is."
_SAME = 0.99


class Resemblance:
    """How much statements resemble a conversation. The vectors of the last statements are kept."""

    def __init__(self, embedder: Embedder) -> None:
        self.embedder = embedder
        self._known: OrderedDict[str, Vector] = OrderedDict()

    async def of(self, conversation: Sequence[Message], statements: Sequence[str]) -> list[float] | None:
        """The greatest cosine of each statement with a piece of the conversation; None where there is too much of it.

        Raises:
            BackendError: the model does not answer.
        """
        pieces = list(pieces_of(conversation))
        if not 0 < len(pieces) <= MOST_PIECES:
            return None
        missing = [text for text in dict.fromkeys(statements) if text not in self._known]
        found = await self.embedder.embed([*pieces, *missing])
        self._known.update(zip(missing, found[len(pieces) :], strict=True))
        vectors = [self._known[text] for text in statements]
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return [max(cosine(each, piece) for piece in found[: len(pieces)]) for each in vectors]


class Prefilter:
    """A judge that takes statements without any resemblance to the conversation for false, and asks `judge` the others.

    Whether the threshold was fitted for the embedding model is for `checked` to find out, before.
    """

    def __init__(self, judge: Judge, embedder: Embedder, threshold: Threshold) -> None:
        self.name = judge.name
        self._judge = judge
        self._resemblance = Resemblance(embedder)
        self._threshold = threshold

    @property
    def identity(self) -> str | None:
        """The judge's, with the embedding model and the threshold; None where the judge has none."""
        identity = getattr(self._judge, "identity", None)
        mark = f"{self._resemblance.embedder.name} {self._threshold.similarity}"
        return f"{identity} {mark}" if isinstance(identity, str) else None

    @property
    def chooses(self) -> bool:
        """As the judge does."""
        return isinstance(self._judge, Chooser) and self._judge.chooses

    async def choose(self, conversation: Sequence[Message], options: Sequence[Condition]) -> list[Judgement]:
        """As the judge does, without a shortcut. Raises `LLMError`."""
        if not isinstance(self._judge, Chooser):
            raise BackendError("the judge does not choose")
        return await self._judge.choose(conversation, options)

    async def judge(self, conversation: Sequence[Message], conditions: Sequence[Condition]) -> list[Judgement]:
        """One judgement per condition, in the order asked. Raises `LLMError`; where the embedding model fails, all are asked."""
        try:
            skipped = await self._skipped(conversation, [each for each in conditions if not each.critical])
        except BackendError as reason:
            LOG.warning("no shortcut is taken, for the embedding model failed: %s", reason)
            return [_noted(each) for each in await self._judge.judge(conversation, conditions)]
        asked = [each for each in conditions if each not in skipped]
        found = await self._judge.judge(conversation, asked) if asked else []
        known = {**skipped, **dict(zip(asked, found, strict=True))}
        return [known[each] for each in conditions]

    async def _skipped(
        self, conversation: Sequence[Message], conditions: Sequence[Condition]
    ) -> dict[Condition, Judgement]:
        """Those that nothing resembles, taken for false."""
        if not conditions:
            return {}
        likeness = await self._resemblance.of(conversation, [each.text for each in conditions])
        pairs = zip(conditions, likeness, strict=True) if likeness is not None else ()
        return {
            each: _false(each, value, self._threshold) for each, value in pairs if value < self._threshold.similarity
        }


def _false(condition: Condition, likeness: float, threshold: Threshold) -> Judgement:
    least = threshold.similarity
    why = f"not asked: nothing in the conversation resembles it ({likeness:.3f}, asked from {least:.3f} on)"
    return Judgement(condition.key, False, None, why)


def _noted(judgement: Judgement) -> Judgement:
    note = "no shortcut, for the embedding model failed"
    return replace(judgement, evidence=f"{judgement.evidence}; {note}" if judgement.evidence else note)


def pieces_of(conversation: Sequence[Message]) -> Iterator[str]:
    """The texts of which one has to resemble a statement: the last message in pieces, and the end of the conversation."""
    spoken = [each for each in conversation if each.role in ("customer", "agent")]
    if not spoken:
        return
    last = spoken[-1].text
    yield from (last[start : start + PIECE] for start in range(0, len(last), PIECE))
    talk = "\n".join(f"{each.role}: {each.text}" for each in conversation)
    yield talk[-_TALK:]


def cosine(one: Vector, other: Vector) -> float:
    """Of two vectors of length 1."""
    return float(sum(map(mul, one, other)))


async def checked(embedder: Embedder, threshold: Threshold) -> None:
    """Find out whether a threshold was fitted for the model that answers now.

    Raises:
        BackendError: it was fitted for another one, or the model does not answer.
    """
    [found] = await embedder.embed([PROBE])
    if len(found) != len(threshold.probe) or cosine(found, threshold.probe) < _SAME:
        raise BackendError(
            f"`{embedder.name}` is not the embedding model that the shortcut was fitted for; run `jurat calibrate --embeddings` anew"
        )

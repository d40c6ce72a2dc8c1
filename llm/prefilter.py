"""A shortcut for very large policies: statements that nothing in the conversation resembles are false, and are not asked.

What resembles is for an embedding model to say: a statement is asked where the cosine between it and the last message, or
the conversation, reaches a threshold. The threshold is fitted on labelled conversations, so that a chosen share of the
statements that hold is asked (`jurat calibrate --embeddings`), and no shortcut is taken without one. Whether a statement is
asked hangs on it and the conversation alone, not on what else is asked; a critical one always is (jurat.engine.shortcuts).

With every request a sentence is sent whose vector is known, so that another model in the same place, at whatever time, is
noticed before anything is compared with it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import mul

from jurat.llm.errors import BackendError, ContextTooLong, RequestRefused
from jurat.llm.protocol import Chooser, Condition, Embedder, Judge, Judgement, Message, Vector

LOG = logging.getLogger("jurat.llm")
PIECE = 250
"""Characters of a piece that is embedded by itself: what is said in a long text is not drowned in it."""
MOST_PIECES = 20
_TALK = 1200
"""Characters at the end of a conversation that are looked at besides the last message."""
_KEPT = 20_000
_AT_ONCE = 31
"""Statements of a request: with the sentence that is known, as many as every server takes by default."""
_SECONDS = 10.0
"""A judge waits for the shortcut; where that takes longer, asking is."""
_REST_SECONDS = 30.0
"""For how long no shortcut is tried where one failed: each try could take as long as the last."""


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
    """How much statements resemble a conversation. The vectors of the last statements are kept.

    `probe` is the vector of `PROBE` that the model has to give each time; without one, that of its first answer.
    """

    def __init__(self, embedder: Embedder, probe: Vector | None = None) -> None:
        self.embedder = embedder
        self.probe = probe
        self._known: OrderedDict[str, Vector] = OrderedDict()

    async def of(self, conversation: Sequence[Message], statements: Sequence[str]) -> list[float] | None:
        """The greatest cosine of each statement with a piece of the conversation; None where there is too much of it.

        Raises:
            BackendError: the model does not answer, or is another one now.
        """
        pieces = list(pieces_of(conversation))
        if not 0 < len(pieces) <= MOST_PIECES:
            return None
        said = await self._embedded(pieces)
        vectors = await self.learn(statements)
        found = await asyncio.to_thread(_greatest, vectors, said)
        return [found[text] for text in statements]

    async def check(self) -> None:
        """Raises `BackendError` where another model answers, or none."""
        await self._embedded(())

    async def learn(self, statements: Iterable[str]) -> dict[str, Vector]:
        """The vectors of statements. What was found stays where the model fails then. Raises as :meth:`of`."""
        found = {text: self._known.get(text) for text in statements}
        missing = [text for text, vector in found.items() if vector is None]
        for start in range(0, len(missing), _AT_ONCE):
            some = missing[start : start + _AT_ONCE]
            new = dict(zip(some, await self._embedded(some), strict=True))
            self._known |= new
            found |= new
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return {text: vector for text, vector in found.items() if vector is not None}

    async def _embedded(self, texts: Sequence[str]) -> Sequence[Vector]:
        mark, *found = await self.embedder.embed([PROBE, *texts])
        if self.probe is None:
            self.probe = mark
        if len(mark) != len(self.probe) or cosine(mark, self.probe) < _SAME:
            raise BackendError(
                f"`{self.embedder.name}` is not the embedding model that the shortcut was fitted for; run `jurat calibrate --embeddings` anew"
            )
        return found


def _greatest(vectors: Mapping[str, Vector], said: Sequence[Vector]) -> dict[str, float]:
    return {text: max(cosine(vector, each) for each in said) for text, vector in vectors.items()}


class Prefilter:
    """A judge that takes statements without any resemblance to the conversation for false, and asks `judge` the others."""

    def __init__(self, judge: Judge, embedder: Embedder, threshold: Threshold) -> None:
        self.name = judge.name
        self._judge = judge
        self._resemblance = Resemblance(embedder, threshold.probe)
        self._threshold = threshold
        self._rests_until = 0.0

    @property
    def identity(self) -> str | None:
        """The judge's, with the embedding model and the threshold; None where the judge has none."""
        identity = getattr(self._judge, "identity", None)
        mark = f"{self._resemblance.embedder.name} {self._threshold.similarity}"
        return f"{identity} {mark}" if isinstance(identity, str) else None

    @property
    def band(self) -> Callable[[str], tuple[float, float]] | None:
        """The judge's, for the statements that it is asked; None where it has none."""
        return getattr(self._judge, "band", None)

    async def prepare(self, statements: Iterable[str]) -> None:
        """Learn statements before they are to be judged, which for many takes longer than a turn may.

        Raises:
            BackendError: the model does not answer, or the threshold was fitted for another one.
        """
        await self._resemblance.check()
        await self._resemblance.learn(statements)

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
        plain = [each for each in conditions if not each.critical]
        if not plain:
            return await self._judge.judge(conversation, conditions)
        try:
            skipped = await self._in_time(conversation, plain)
        except BackendError as reason:
            LOG.warning("no shortcut is taken, for the embedding model failed: %s", reason)
            if not isinstance(reason, ContextTooLong | RequestRefused):  # what is refused is so at once, and by itself
                self._rests_until = time.monotonic() + _REST_SECONDS
            skipped = None
        if skipped is None:
            return [_noted(each) for each in await self._judge.judge(conversation, conditions)]
        asked = [each for each in conditions if each not in skipped]
        found = await self._judge.judge(conversation, asked) if asked else []
        known = {**skipped, **dict(zip(asked, found, strict=True))}
        return [known[each] for each in conditions]

    async def _in_time(
        self, conversation: Sequence[Message], conditions: Sequence[Condition]
    ) -> dict[Condition, Judgement] | None:
        """What the shortcut answers; None while none is tried. Raises `BackendError`."""
        if time.monotonic() < self._rests_until:
            return None
        try:
            async with asyncio.timeout(_SECONDS):
                return await self._skipped(conversation, conditions)
        except TimeoutError:
            raise BackendError(f"it did not answer within {_SECONDS:g} s") from None

    async def _skipped(
        self, conversation: Sequence[Message], conditions: Sequence[Condition]
    ) -> dict[Condition, Judgement]:
        """Those that nothing resembles, taken for false."""
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
    """Of two vectors of length 1, of the same model."""
    return float(sum(map(mul, one, other)))

"""From questions to logits: what is cached, what is computed, and how long each part takes. One thread at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch

from jurat.llm.backends.packed.attention import grouped, varlen
from jurat.llm.backends.packed.decoder import Decoder
from jurat.llm.backends.packed.graphs import Graphs
from jurat.llm.backends.packed.layout import layout
from jurat.llm.backends.packed.linear import CHUNK_ROWS
from jurat.llm.backends.packed.loading import Loaded
from jurat.llm.backends.packed.plan import Chunk, Question, chunks
from jurat.llm.backends.packed.prefixes import Entry, Prefixes, shared
from jurat.llm.errors import BackendError, ContextTooLong

_CUDA_CHUNK_ROWS = 8192
_WORTH_WAITING = 32
"""Tokens in common with a prefix of the same batch from which on it is cheaper to let that one be computed first."""
_KEPT_TEXTS = 20_000


Answered = Callable[[int, list[float]], None]


@dataclass(frozen=True, slots=True)
class Ask:
    """One request: token ids of the prefix, the suffixes and the two answers."""

    prefix: tuple[int, ...]
    suffixes: tuple[tuple[int, ...], ...]
    answers: tuple[int, int]


@dataclass(slots=True)
class Batch:
    """What one batch took. `asked` tokens would be read by one pass a suffix without any cache, `cached` were kept
    from earlier batches, `computed` had to be; seconds by stage.
    """

    requests: int = 0
    suffixes: int = 0
    asked: int = 0
    cached: int = 0
    computed: int = 0
    passes: int = 0
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        begin = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - begin


class Scorer:
    """Scores with a loaded model and `cache_bytes` for keys and values; see `PackedBackend` for the rest.

    `record` uses CUDA graphs where the device has them.
    """

    def __init__(
        self,
        loaded: Loaded,
        *,
        context_tokens: int,
        cache_bytes: int,
        chunk_rows: int | None = None,
        share_beginnings: bool = True,
        record: bool = True,
    ) -> None:
        self.context = min(context_tokens, loaded.positions)
        weight = loaded.model.lm_head.weight
        cuda, kind = weight.device.type == "cuda", weight.dtype
        with torch.inference_mode():
            attention = varlen if cuda and kind.itemsize == 2 and _has_varlen() else grouped
            self._decoder = Decoder(loaded.model, self.context, attention)
            slots = max(cache_bytes // self._decoder.slot_bytes, 2 * self.context)
            self._pool = self._decoder.pool(slots)
        self._prefixes = Prefixes(slots)
        self._tokenizer = loaded.tokenizer
        self._run: Callable[[Any], Any] = lambda at: self._decoder.run(at, self._pool)
        if attention is varlen and record:
            self._run = Graphs(self._decoder, self._pool).run
        self._rows = chunk_rows or (_CUDA_CHUNK_ROWS if cuda else CHUNK_ROWS)
        self._share = share_beginnings
        self._texts: dict[str, tuple[int, ...]] = {}
        self.digest = loaded.digest

    def ask(self, prefix: str, suffixes: Sequence[str], answers: tuple[str, str]) -> Ask:
        """Texts as tokens; raises `ContextTooLong`, and `BackendError` where an answer is not one token."""
        head = tuple(self._tokenizer(prefix)["input_ids"])
        tails = tuple(self._tokens(s) for s in suffixes)
        if not all(tails):  # the answer follows the prefix itself, whose last token has to be read with it
            head, tails = head[:-1], tuple((*head[-1:], *t) for t in tails)
        if not all(tails) or (not head and not tails):
            raise BackendError("there is no text to score")
        longest = len(head) + max(map(len, tails), default=0)
        if longest > self.context:
            raise ContextTooLong(longest, self.context)
        return Ask(head, tails, self._answers(answers))

    def score(self, asks: Sequence[Ask], given_up: Callable[[], bool], answered: Answered, batch: Batch) -> list[int]:
        """Calls `answered(request, P(first answer) per suffix)` for each request, as soon as its suffixes are through.

        Returns the numbers of those that have to wait for the next batch, never the first. `given_up` is asked
        between passes; raises `GivenUp` when it is true.
        """
        entries = self._admitted(asks)
        fresh = [e for e in {id(e): e for e in entries if e}.values() if not e.ready]
        try:
            with torch.inference_mode():
                self._score(asks, entries, given_up, answered, batch)
        except BaseException as error:
            for entry in fresh:  # its slots may hold nothing
                self._prefixes.drop(entry)
            if isinstance(error, torch.OutOfMemoryError | MemoryError):
                raise BackendError("the machine's memory does not hold this batch") from error
            raise
        return [number for number, entry in enumerate(entries) if entry is None]

    def _score(
        self,
        asks: Sequence[Ask],
        entries: Sequence[Entry | None],
        given_up: Callable[[], bool],
        answered: Answered,
        batch: Batch,
    ) -> None:
        questions, owners = _questions(asks, entries)
        _count(batch, asks, questions)
        found = _Found(asks, entries, owners)
        for chunk in chunks(questions, self._rows, share=self._share):
            if given_up():
                raise GivenUp
            for answer, score in self._pass(chunk, asks, owners, batch):
                found.add(answer, score, answered)
        for question in questions:
            self._prefixes.publish(question.entry)
        for number in found.without_suffixes:
            answered(number, [])

    def _pass(self, chunk: Chunk, asks: Sequence[Ask], owners: Sequence[int], batch: Batch) -> list[tuple[int, float]]:
        scores: list[tuple[int, float]] = []
        with batch.stage("layout"):
            at = layout(chunk, self._prefixes.capacity, self._decoder.device)
        with batch.stage("model"):
            hidden = self._run(at)
        with batch.stage("answers"):
            pairs = [asks[owners[answer]].answers for answer in chunk.answers]
            for pair in set(pairs):
                own = [i for i, p in enumerate(pairs) if p == pair]
                tokens = torch.tensor(pair, device=hidden.device)
                logits = self._decoder.logits(hidden[own], tokens).double()
                chances = torch.sigmoid(logits[:, 0] - logits[:, 1]).tolist()
                scores += zip((chunk.answers[i] for i in own), chances, strict=True)
        batch.computed += len(chunk.tokens)
        batch.passes += 1
        return scores

    def forget(self) -> None:
        """Drop all prefixes."""
        self._prefixes = Prefixes(self._prefixes.capacity)

    def _admitted(self, asks: Sequence[Ask]) -> list[Entry | None]:
        entries: list[Entry | None] = []
        for ask in asks:
            held = [e for e in entries if e is not None]
            entries.append(self._admit(ask.prefix, held))
        if entries[0] is None:
            raise BackendError("the cache for prefixes is too small for this one")
        return entries

    def _admit(self, prefix: tuple[int, ...], held: Sequence[Entry]) -> Entry | None:
        same = next((e for e in held if e.tokens == prefix), None)
        if same is not None:
            return same
        coming = max((shared(prefix, e.tokens) for e in held if not e.ready), default=0)
        if coming - self._prefixes.common(prefix) >= _WORTH_WAITING:
            return None
        return self._prefixes.acquire(prefix, held)

    def _tokens(self, text: str) -> tuple[int, ...]:
        found = self._texts.get(text)
        if found is None:
            found = tuple(self._tokenizer(text, add_special_tokens=False)["input_ids"])
            if len(self._texts) >= _KEPT_TEXTS:
                self._texts.clear()
            self._texts[text] = found
        return found

    def _answers(self, answers: tuple[str, str]) -> tuple[int, int]:
        first, second = (self._tokens(a) for a in answers)
        if len(first) != 1 or len(second) != 1 or first == second:
            wrong = " and ".join(f"`{a.strip()}`" for a in answers)
            raise BackendError(f"the answers {wrong} are not one token each for this model")
        return first[0], second[0]


class GivenUp(Exception):
    """Nobody waits for this batch any more."""


def _questions(asks: Sequence[Ask], entries: Sequence[Entry | None]) -> tuple[list[Question], list[int]]:
    """The admitted requests by prefix, and of each suffix in the batch the request that it belongs to."""
    owners: list[int] = []
    questions: dict[int, Question] = {}
    for number, (ask, entry) in enumerate(zip(asks, entries, strict=True)):
        if entry is None:
            continue
        question = questions.setdefault(id(entry), Question(entry, [], []))
        question.suffixes.extend(ask.suffixes)
        question.answers.extend(range(len(owners), len(owners) + len(ask.suffixes)))
        owners += [number] * len(ask.suffixes)
    return list(questions.values()), owners


def _count(batch: Batch, asks: Sequence[Ask], questions: Sequence[Question]) -> None:
    batch.requests += len(asks)
    for question in questions:
        batch.suffixes += len(question.suffixes)
        batch.cached += question.entry.known
        batch.asked += sum(len(question.entry.tokens) + len(s) for s in question.suffixes)


class _Found:
    """Scores as they come in, until those of a request are complete."""

    def __init__(self, asks: Sequence[Ask], entries: Sequence[Entry | None], owners: Sequence[int]) -> None:
        self._owners = owners
        self._first: dict[int, int] = {}
        for answer, owner in enumerate(owners):
            self._first.setdefault(owner, answer)
        self._scores = {owner: [0.0] * len(asks[owner].suffixes) for owner in self._first}
        self._open = {owner: len(scores) for owner, scores in self._scores.items()}
        self.without_suffixes = [n for n, e in enumerate(entries) if e is not None and n not in self._first]

    def add(self, answer: int, score: float, answered: Answered) -> None:
        owner = self._owners[answer]
        self._scores[owner][answer - self._first[owner]] = score
        self._open[owner] -= 1
        if not self._open[owner]:
            answered(owner, self._scores[owner])


def _has_varlen() -> bool:
    try:
        from torch.nn.attention.varlen import varlen_attn
    except ImportError:
        return False
    return callable(varlen_attn) and torch.cuda.get_device_capability()[0] >= 8

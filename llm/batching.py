"""One model, many conversations: the requests that wait are handed to it together, or in turns.

A component in front of a backend, itself a backend. While the model works on one batch, what arrives waits; the next
batch takes from everybody who waits (continuous batching; Yu et al., Orca, OSDI 2022, without its splitting of
iterations: scoring has only one). A backend that scores several conversations at once (`score_many`) gets them in one
call. One that batches what is under way by itself (`calls_at_once`) gets many calls. Another one gets pieces of a few
conditions, of each conversation in turn, so that nobody waits behind a long one.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from jurat.llm.errors import BackendError
from jurat.llm.protocol import Backend, BatchBackend, Concurrent, OnText, Scoring, Ungraded

PIECE = 8
"""Conditions of one conversation that a backend without `score_many` gets at once: changing over may cost it its cache."""
BATCH = 1024
"""Conditions in one call of `score_many`."""
WAITING = 256
"""Requests that may wait; one more fails at once, and the turn that made it falls back as its policy says."""


@dataclass(slots=True, eq=False)
class _Request:
    """What one caller waits for. `taken`: conditions handed to the model; `left`: those without a score."""

    scoring: Scoring
    answers: tuple[str, str]
    done: asyncio.Future[list[float]]
    scores: list[float]
    left: int
    taken: int = 0

    def take(self, most: int) -> _Piece:
        start = self.taken
        self.taken = min(len(self.scoring.suffixes), start + most)
        return _Piece(self, start, self.taken)


@dataclass(frozen=True, slots=True)
class _Piece:
    """Some conditions of one request."""

    request: _Request
    start: int
    stop: int

    @property
    def scoring(self) -> Scoring:
        return Scoring(self.request.scoring.prefix, self.request.scoring.suffixes[self.start : self.stop])

    def settle(self, found: Sequence[float] | BaseException) -> None:
        """Write the scores down, or let the whole request fail, if its caller still waits."""
        request = self.request
        if request.done.done():
            return
        if not isinstance(found, BaseException) and len(found) != self.stop - self.start:
            found = BackendError(f"the model was asked {self.stop - self.start} conditions and scored {len(found)}")
        if isinstance(found, BaseException):
            request.done.set_exception(found)
            return
        request.scores[self.start : self.stop] = found
        request.left -= self.stop - self.start
        if request.left == 0:
            request.done.set_result(request.scores)


@dataclass(slots=True, eq=False)
class _Batch:
    pieces: list[_Piece]
    task: asyncio.Task[None] | None = field(default=None)

    @property
    def wanted(self) -> bool:
        """Whether anybody still waits for a part of it."""
        return any(not piece.request.done.done() for piece in self.pieces)


class Batching:
    """A backend through which many sessions share another one.

    Args:
        backend: the model. Where it has `score_many`, a call takes up to `batch` conditions of any conversations;
            else `score` takes up to `piece` of one.
        lanes: calls that may be under way at once; by default as many as a backend that batches by itself wants, else one.
        waiting: requests that may wait.
    """

    def __init__(
        self,
        backend: Backend,
        *,
        lanes: int | None = None,
        piece: int | None = None,
        batch: int = BATCH,
        waiting: int = WAITING,
    ) -> None:
        self.name, self.digest = backend.name, backend.digest
        self._backend = backend
        self._many = backend if isinstance(backend, BatchBackend) else None
        own = backend.calls_at_once if isinstance(backend, Concurrent) else 1
        self._lanes, self._most, self._waiting = lanes or own, batch, waiting
        self._piece = piece or (PIECE if own == 1 else batch)
        self._queue: deque[_Request] = deque()
        self._running: set[_Batch] = set()
        self._closed = False

    @property
    def ungraded(self) -> str:
        """Why the backend's answers have no probabilities; empty where they have."""
        return self._backend.ungraded if isinstance(self._backend, Ungraded) else ""

    async def score(self, prefix: str, suffixes: Sequence[str], answers: tuple[str, str]) -> list[float]:
        """As the backend's own; what becomes of other requests does not matter to this one. Raises `BackendError`."""
        if self._closed:
            raise BackendError("the model is closed")
        if len(self._queue) >= self._waiting:
            raise BackendError(f"{len(self._queue)} requests wait for the model already")
        loop = asyncio.get_running_loop()
        number = len(suffixes)
        request = _Request(Scoring(prefix, tuple(suffixes)), answers, loop.create_future(), [0.0] * number, number)
        self._queue.append(request)
        loop.call_soon(self._pump)  # so that those who ask in the same moment are taken together
        try:
            return await request.done
        finally:
            self._forget(request)

    async def generate(
        self,
        prompt: str,
        schema: dict[str, Any] | None = None,
        *,
        max_tokens: int,
        stop: Sequence[str] = (),
        on_text: OnText | None = None,
    ) -> str:
        """The backend's own; between two pieces it gets its turn as they do."""
        return await self._backend.generate(prompt, schema, max_tokens=max_tokens, stop=stop, on_text=on_text)

    async def close(self) -> None:
        """Let those who wait fail, and free the model."""
        self._closed = True
        for request in [*self._queue, *(piece.request for each in self._running for piece in each.pieces)]:
            if not request.done.done():
                request.done.set_exception(BackendError("the model is closed"))
        self._queue.clear()
        tasks = [each.task for each in self._running if each.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._backend.close()

    def _forget(self, request: _Request) -> None:
        """Nobody waits for it any more: take it out of the queue, and stop a call that was made for it alone."""
        request.done.cancel()
        if request in self._queue:
            self._queue.remove(request)
        for batch in self._running:
            if batch.task is not None and not batch.wanted and not batch.task.cancelling():
                batch.task.cancel()

    def _pump(self) -> None:
        """Start calls while there is something to ask and a lane is free."""
        while self._queue and len(self._running) < self._lanes:
            batch = _Batch(self._taken())
            self._running.add(batch)
            batch.task = asyncio.create_task(self._scored(batch.pieces))
            batch.task.add_done_callback(partial(self._ended, batch))

    def _ended(self, batch: _Batch, task: asyncio.Task[None]) -> None:
        """Free the lane, whatever ended the call, a cancellation before its first step included; nobody waits on in vain."""
        self._running.discard(batch)
        fault = BackendError("the model was stopped") if task.cancelled() else task.exception()
        if fault is not None:
            for piece in batch.pieces:
                piece.settle(fault)
        self._pump()

    def _taken(self) -> list[_Piece]:
        """The next pieces, one request after the other; what is left of a request goes to the end of the queue."""
        many = self._many is not None
        room = self._most if many else self._piece
        share = max(self._piece, room // len(self._queue)) if many else room
        answers, pieces, later = self._queue[0].answers, list[_Piece](), deque[_Request]()
        while self._queue and room > 0 and (many or not pieces):
            request = self._queue.popleft()
            if request.answers != answers:
                later.append(request)
                continue
            pieces.append(request.take(min(share, room)))
            room -= pieces[-1].stop - pieces[-1].start
            if request.taken < len(request.scoring.suffixes):
                later.append(request)
        self._queue += later
        return pieces

    async def _scored(self, pieces: list[_Piece]) -> None:
        """Have the pieces scored; where a call for several fails, each by itself, so that only the faulty one does."""
        if self._many is not None and len(pieces) > 1:
            try:
                found = await self._many.score_many([each.scoring for each in pieces], pieces[0].request.answers)
            except BackendError:
                found = []
            if len(found) == len(pieces):
                for piece, each in zip(pieces, found, strict=True):
                    piece.settle(each)
                return
        for piece in pieces:
            await self._alone(piece)

    async def _alone(self, piece: _Piece) -> None:
        if piece.request.done.done():
            return
        try:
            scoring = piece.scoring
            piece.settle(await self._backend.score(scoring.prefix, scoring.suffixes, piece.request.answers))
        except Exception as reason:  # noqa: BLE001 - handed to the one who waits
            piece.settle(reason)

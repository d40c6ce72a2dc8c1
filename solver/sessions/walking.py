"""Sessions of the engine that walk a journey: what they reach, and which of its moves they make.

A move is looked for from where an earlier session came to its state, first as its formulas suggest, then by asking the
solver for a few positions more. The solver is given only the moves that a round can make from there, and the session so far
as values, so that the questions stay small however long the journey and the session are. Whatever is found is played
through the reference semantics on all of the policy, and only what that shows counts.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import z3

from jurat.policies.errors import InternalError
from jurat.policies.expr import JourneyActive
from jurat.policies.model import Journey
from jurat.solver.build import all_of
from jurat.solver.prover import Prover
from jurat.solver.sessions.excluding import Moves, Refusal, excluded, judged, makes
from jurat.solver.sessions.faithful import faithful
from jurat.solver.sessions.hearing import judged_without_message
from jurat.solver.sessions.moves import START, Move, moves_from, passing
from jurat.solver.sessions.moving import POSITION
from jurat.solver.sessions.parts import Parts
from jurat.solver.sessions.rehearsal import Differs, Rehearsal
from jurat.solver.sessions.resuming import resumed
from jurat.solver.sessions.slice import slice_of
from jurat.solver.sessions.system import Session
from jurat.solver.sessions.trace import Position, read
from jurat.solver.sessions.trying import Trying
from jurat.solver.sessions.unrolling import Unrolling

STRIDE = 6
"""Positions that one move may take: the end of a call, a reply, a message, a call, its end, and a call of the next."""

FAR = 12
"""The same for a move that is not made in fewer."""

MOST_STATES = 8
"""States of a journey about whose moves more is asked."""

FEW = 30
"""States of a journey that longer sessions are looked through from their beginning."""


@dataclass(slots=True)
class Stop:
    """A session that has come to a state: how it went on from an earlier stop, and where it stands."""

    rehearsal: Rehearsal
    before: Stop | None = None
    further: tuple[Position, ...] = ()

    @property
    def last(self) -> Position | None:
        """The last position; None before the first."""
        return self.further[-1] if self.further else self.before.last if self.before else None

    @property
    def positions(self) -> tuple[Position, ...]:
        """The session from its beginning."""
        found: list[tuple[Position, ...]] = []
        stop: Stop | None = self
        while stop is not None:
            found.append(stop.further)
            stop = stop.before
        return tuple(position for each in reversed(found) for position in each)


@dataclass(slots=True)
class Walk:
    """What sessions of the engine were seen to do: the moves they made, each at the end of one that made it."""

    made: dict[Move, Stop] = field(default_factory=dict)
    stops: dict[str, Stop] = field(default_factory=dict)
    """A session for each state that some position leaves the journey in."""

    reached: set[str] = field(default_factory=lambda: {START})
    """The states that were come to, be it only to be passed."""
    left: set[str] = field(default_factory=set)
    """The states that were left for another one."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A journey, its possible moves, and the sessions that walk it."""

    journey: Journey
    moves: Moves
    walk: Walk


class Walker:
    """Walks one journey of a policy."""

    def __init__(self, prover: Prover, parts: Parts, journey: Journey) -> None:
        self.prover = prover
        self.journey = journey
        self.trying = Trying(prover.graph, parts, journey)
        self.moves = Moves()
        self.asked: set[Move] = set()
        self.new: deque[str] = deque([START])
        heard = judged_without_message(prover.graph, prover.cones)
        self.found = Walk(stops={START: Stop(Rehearsal(prover.graph, heard, parts=parts))})

    def walk(self) -> Chart:
        """Make every move that some session is found to make, and refuse those that none makes."""
        self._go()
        self._go_far()
        self._judge_all()
        return Chart(self.journey, self.moves, self.found)

    def _go(self) -> None:
        """Leave the states that were come to for the first time, as long as there are any."""
        while self.new:
            self._leave(self.new.popleft())

    def _leave(self, source: str) -> None:
        """Make the moves of a state and of the forks behind it, each from where a session stopped in the state."""
        stop, ways = self.found.stops[source], passing(self.journey, source)
        for state, way in ways.items():
            for move in self._open(state):
                self._try(stop, (*way, move))
        for state in ways:
            self._judge(state)
        self._seek(_Seeking(self.prover, self.journey, stop, ways), ways, STRIDE)

    def _open(self, state: str) -> list[Move]:
        """The moves to another state that no session has made yet, and that nothing excludes."""
        made, refused = self.found.made, self.moves.refused
        moves = moves_from(self.journey, state)
        return [each for each in moves if each.target != state and each not in made and each not in refused]

    def _judge(self, state: str) -> None:
        """Ask of each move that was not made whether any situation admits it."""
        open_ = [each for each in self._open(state) if each not in self.asked]
        self.asked.update(open_)
        for move, answer in judged(self.prover, self.journey, state, open_):
            if isinstance(answer, Refusal):
                self.moves.refused[move] = answer
            else:
                (self.moves.possible if answer else self.moves.undecided).append(move)

    def _judge_all(self) -> None:
        """The same for the moves of every state that is not excluded."""
        todo = [START]
        seen = set(todo)
        for state in todo:
            self._judge(state)
            targets = [each.target for each in moves_from(self.journey, state) if each not in self.moves.refused]
            todo += [target for target in dict.fromkeys(targets) if target not in seen]
            seen.update(targets)

    def _try(self, stop: Stop, moves: Sequence[Move]) -> None:
        for positions in self.trying.sessions(stop.rehearsal, stop.last, moves):
            if moves[-1] in self.found.made:
                return
            self._play(stop, positions)

    def _seek(self, seeking: _Seeking, states: Iterable[str], most: int) -> None:
        """Look for the open moves of these states in up to so many positions more."""
        names = list(states)
        for _ in range(most):
            open_ = [move for state in names for move in self._open(state) if self._is_new(move)]
            if not open_:
                return
            seeking.extend()
            for move in open_:
                if self._is_new(move) and (positions := seeking.session(move)):
                    self._play(seeking.stop, positions)

    def _go_far(self) -> None:
        """Ask more about moves that were not made though their state was come to: for longer sessions, and for proofs."""
        tried: set[str] = set()
        while len(tried) < MOST_STATES and (sources := self._unfinished() - tried):
            source = min(sources, key=[START, *self.journey.states].index)
            tried.add(source)
            self._look_further(source)
            self._go()

    def _unfinished(self) -> set[str]:
        """The states that were come to and never left, or from which a move leads to where no session came to."""
        return {state for state in self.found.reached if any(map(self._is_new, self._open(state)))}

    def _is_new(self, move: Move) -> bool:
        """It leaves a state that was never left, or leads to one that was never come to."""
        return move.source not in self.found.left or move.target not in self.found.reached

    def _look_further(self, source: str) -> None:
        for start in self._starts(source):
            self._seek(start, [source], FAR)
        for move in filter(self._is_new, self._open(source)):
            if (refusal := excluded(self.prover, self.journey, move)) is not None:
                self._drop(move)
                self.moves.refused[move] = refusal

    def _starts(self, source: str) -> Iterator[_Seeking]:
        """Where longer sessions go on from: a stop from which a round can come to the state, and the beginning."""
        for name, stop in self.found.stops.items():
            if source in (ways := passing(self.journey, name)):
                yield _Seeking(self.prover, self.journey, stop, ways)
                break
        if len(self.journey.states) <= FEW:
            yield _Seeking(self.prover, self.journey, self.found.stops[START], None)

    def _drop(self, move: Move) -> None:
        for each in (self.moves.possible, self.moves.undecided):
            if move in each:
                each.remove(move)

    def _play(self, stop: Stop, positions: Sequence[Position]) -> None:
        """Go on from a stop, as far as the engine does, and keep what is seen on the way."""
        rehearsal = stop.rehearsal.copy()
        for length, position in enumerate(positions, start=1):
            try:
                rehearsal.play([position])
            except Differs:
                return
            self._seen(Stop(rehearsal, stop, tuple(positions[:length])))

    def _seen(self, stop: Stop) -> None:
        """Keep the moves that were made and the state that was come to; the rehearsal goes on, so a copy is kept.

        What the turn is about to take back was not made.
        """
        here = stop.rehearsal.journeys.get(self.journey.id, START)
        moved = [move for journey, move in stop.rehearsal.moved if journey == self.journey.id]
        if stop.rehearsal.goes_back(self.journey.id):
            return
        new = [move for move in moved if move not in self.found.made]
        if new or here not in self.found.stops:
            stop = replace(stop, rehearsal=stop.rehearsal.copy())
            for move in dict.fromkeys(new):
                self._made(move, stop)
            if here not in self.found.stops:
                self.found.stops[here] = stop
                self.new.append(here)

    def _made(self, move: Move, stop: Stop) -> None:
        """A move that some session makes is possible, and nothing can have excluded it."""
        if move in self.moves.refused:
            raise InternalError(f"a session makes a move of {self.journey.id} that was proved impossible: {move}")
        self.found.made[move] = stop
        self.found.reached.add(move.target)
        if move.target != move.source:
            self.found.left.add(move.source)
        if move in self.asked:
            self._drop(move)
        self.moves.possible.append(move)


class _Seeking:
    """Asks the solver how a session may go on from a stop until a journey makes a move.

    ``states``: the only ones through which the journey may go until then; None if it may go anywhere.
    """

    def __init__(self, prover: Prover, journey: Journey, stop: Stop, states: Iterable[str] | None) -> None:
        near = {} if states is None else {journey.id: frozenset(states) - {START}}
        asked = [JourneyActive(journey.id)]
        self.prover, self.journey, self.stop = prover, journey, stop
        self.about = slice_of(prover.graph, prover.cones, asked, resolved=True, near=near, alone=True)

    @cached_property
    def system(self) -> Session:
        return Session(self.prover.graph, self.prover.cones, self.about, [JourneyActive(self.journey.id)])

    @cached_property
    def unrolling(self) -> Unrolling:
        last = self.stop.last
        start = None if last is None else resumed(self.system, self.stop.rehearsal, last)
        return Unrolling(self.system.system, self.prover.limits, initial=start is None, cores=False, start=start)

    @cached_property
    def exact(self) -> z3.BoolRef:
        return all_of((faithful(self.system, patient=True), self.system.journeys.known(self.journey, POSITION)))

    def extend(self) -> None:
        """One position more, before which the journey has gone nowhere else."""
        self.unrolling.assume(self.exact, self.unrolling.extend())

    def session(self, move: Move) -> tuple[Position, ...] | None:
        """Positions at the last of which the journey makes a move."""
        unrolling, step = self.unrolling, self.unrolling.length - 1
        answer = unrolling.ask([(makes(self.system, self.journey, move), step)])
        if answer.model is None:
            return None
        found = read(self.system, unrolling, answer.model, step + 1, before=self.stop.last)
        return found and tuple(self._with_judgements(found))

    def _with_judgements(self, positions: Iterable[Position]) -> Iterator[Position]:
        """For the rest of the turn that the stop is in, what was judged in it and is not asked about any more."""
        last = self.stop.last
        for each in positions:
            same_turn = last is not None and each.turn == last.turn
            known = last.observations if last and same_turn else {}
            yield replace(each, observations={**known, **each.observations})

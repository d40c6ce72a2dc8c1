"""Where a journey can go: which of its moves are possible at all, and a session of the engine that walks them.

Possible moves are judged one at a time and from any situation, so that what they cannot reach is unreachable: the
reachable states are an inductive invariant. That a state is reached is shown by a session, found move by move: each goes
on from where the last one left the session, which keeps the questions small however long the journey is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import networkx as nx
import z3

from jurat.policies.expr import JourneyActive
from jurat.policies.findings import TrustBase, Verdict
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Call, Journey, Transition
from jurat.solver.build import all_of, negation, same
from jurat.solver.prover import Prover
from jurat.solver.sessions.faithful import faithful
from jurat.solver.sessions.hearing import judged_without_message
from jurat.solver.sessions.moving import POSITION
from jurat.solver.sessions.proving import trusted
from jurat.solver.sessions.rehearsal import Differs, Rehearsal
from jurat.solver.sessions.slice import slice_of
from jurat.solver.sessions.system import Session
from jurat.solver.sessions.trace import Position, read
from jurat.solver.sessions.unrolling import Unrolling

STRIDE = 5
"""Positions that one move may take: a message, a call, its end, a reply, and a message again."""

START = ""
"""The state of a journey that is not active."""


@dataclass(frozen=True, slots=True)
class Move:
    """A transition from a state, or from no state the beginning; ``number`` is its place among those of the state."""

    source: str
    target: str
    number: int = 0


@dataclass(slots=True)
class Moves:
    """The moves of a journey that some situation admits; ``refused`` has what the others' impossibility leans on."""

    possible: list[Move] = field(default_factory=list)
    refused: dict[Move, tuple[tuple[str, ...], TrustBase]] = field(default_factory=dict)
    undecided: list[Move] = field(default_factory=list)

    @property
    def graph(self) -> nx.DiGraph[str]:
        """The possible moves, and those that are undecided, between states."""
        found: nx.DiGraph[str] = nx.DiGraph()
        found.add_node(START)
        found.add_edges_from((move.source, move.target) for move in (*self.possible, *self.undecided))
        return found

    @property
    def reachable(self) -> set[str]:
        """What no proof excludes."""
        return {START} | nx.descendants(self.graph, START)


def moves_of_journey(prover: Prover, journey: Journey) -> Moves:
    """Which moves of a journey are possible in some situation."""
    session = _session(prover, journey, resolved=False)
    unrolling, quick = (Unrolling(session.system, prover.limits, initial=False, cores=cores) for cores in (True, False))
    step, _ = unrolling.extend(), quick.extend()
    found = Moves()
    idle = _callable(prover, session, unrolling, step)
    for move, formula in _taken(session, journey):
        state = journey.states.get(move.source)
        tools = [a.tool for a in state.actions if isinstance(a, Call)] if state and state.kind == "tool" else []
        answer = quick.ask([(formula, step)])
        answer = answer if answer.possible else unrolling.ask([(formula, step)])
        blocked = next((idle[tool] for tool in tools if idle[tool] is not None), None)
        if blocked is not None:
            found.refused[move] = blocked
        elif answer.verdict is Verdict.PROVED:
            found.refused[move] = (answer.core, trusted(unrolling, answer.core))
        else:
            (found.possible if answer.possible else found.undecided).append(move)
    return found


def _callable(
    prover: Prover, session: Session, unrolling: Unrolling, step: int
) -> dict[str, tuple[tuple[str, ...], TrustBase] | None]:
    """For each tool why it can never be called; None if it can be, or may be."""
    found: dict[str, tuple[tuple[str, ...], TrustBase] | None] = {}
    for tool in prover.graph.vocabulary.tools:
        found[tool] = None
        if tool in session.about.tools:
            answer = unrolling.ask([(session.happenings.is_("call", tool), step)])
            if answer.verdict is Verdict.PROVED:
                found[tool] = (answer.core, trusted(unrolling, answer.core))
    return found


def _session(prover: Prover, journey: Journey, *, resolved: bool) -> Session:
    about = slice_of(prover.graph, prover.cones, [JourneyActive(journey.id)], resolved=resolved)
    return Session(prover.graph, prover.cones, about, [JourneyActive(journey.id)])


def _taken(session: Session, journey: Journey) -> Iterator[tuple[Move, z3.BoolRef]]:
    """Each move, and when a round takes it in its first stage."""
    journeys = session.journeys
    idle = negation(journeys.active(journey, POSITION))
    begun = all_of((session.round, idle, journeys.begins(journey)))
    yield Move(START, journey.initial), begun
    for state in journey.states.values():
        for transition, taken in journeys.taken(state, POSITION):
            due = journeys.due(journey, state)
            here = all_of((session.round, journeys.is_in(journey, state.id, POSITION), due, taken))
            yield Move(state.id, transition.target, _place(state.transitions, transition)), here


def _place(transitions: tuple[Transition, ...], transition: Transition) -> int:
    return next(n for n, each in enumerate(transitions) if each is transition)


@dataclass(slots=True)
class Stop:
    """A session that has reached a state: the variables that go on, and the session so far."""

    values: list[tuple[z3.ExprRef, z3.ExprRef]]
    positions: tuple[Position, ...]
    rehearsal: Rehearsal


@dataclass(slots=True)
class Walk:
    """The states that a session of the engine was seen to reach, each with that session; and the moves it made."""

    stops: dict[str, Stop] = field(default_factory=dict)
    left: set[str] = field(default_factory=set)
    """The states that a session was seen to leave."""


def walk(prover: Prover, journey: Journey, moves: Moves) -> Walk:
    """Try to reach every state that no proof excludes, and to leave it again."""
    walker = _Walker(prover, journey)
    found, targets = Walk(), moves.graph
    todo = [START]
    found.stops[START] = walker.start()
    while todo:
        source = todo.pop(0)
        for target in sorted(targets.successors(source), key=lambda each: (each in found.stops, each)):
            if target == source or (target in found.stops and source in found.left):
                continue
            stop = walker.go(found.stops[source], target)
            if stop is not None:
                found.left.add(source)
                if target not in found.stops:
                    found.stops[target] = stop
                    todo.append(target)
    return found


class _Walker:
    """Goes on from a stop to a state, a few positions at a time."""

    def __init__(self, prover: Prover, journey: Journey) -> None:
        self.graph: PolicyGraph = prover.graph
        self.journey = journey
        self.session = _session(prover, journey, resolved=True)
        self.heard = judged_without_message(self.graph, prover.cones)
        self.exact = faithful(self.session, patient=True)
        self.carried = self.session.system.carried(self.exact)
        self.first, self.later = (self._unrolled(prover, initial=initial) for initial in (True, False))

    def _unrolled(self, prover: Prover, *, initial: bool) -> Unrolling:
        found = Unrolling(self.session.system, prover.limits, initial=initial, cores=False)
        for _ in range(STRIDE):
            found.assume(self.exact, found.extend())
        return found

    def start(self) -> Stop:
        """Before the first position."""
        return Stop([], (), Rehearsal(self.graph, self.heard))

    def _values(self, unrolling: Unrolling, model: z3.ModelRef, step: int) -> list[tuple[z3.ExprRef, z3.ExprRef]]:
        return [(each, model.eval(unrolling.frames.at(each, step), model_completion=True)) for each in self.carried]

    def go(self, stop: Stop, target: str) -> Stop | None:
        """A stop in that state, if a session is found that goes there and that the engine runs."""
        unrolling = self.later if stop.positions else self.first
        with unrolling.scope():
            unrolling.assume(all_of(same(variable, value) for variable, value in stop.values), -1)
            for step in range(STRIDE):
                answer = unrolling.ask([(self.session.journeys.is_in(self.journey, target), step)])
                if answer.model is not None:
                    return self._arrived(stop, unrolling, answer.model, step, target)
        return None

    def _arrived(self, stop: Stop, unrolling: Unrolling, model: z3.ModelRef, step: int, target: str) -> Stop | None:
        found = read(self.session, unrolling, model, step + 1, before=stop.positions[-1] if stop.positions else None)
        if found is None:
            return None
        rehearsal = stop.rehearsal.copy()
        try:
            rehearsal.play(found)
        except Differs:
            return None
        if rehearsal.journeys.get(self.journey.id) != target:
            return None
        return Stop(self._values(unrolling, model, step), (*stop.positions, *found), rehearsal)

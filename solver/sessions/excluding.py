"""Which moves of a journey are possible at all, and which no session makes.

Each move is judged by itself and from any situation in which the journey is in its state, so that what the possible moves
cannot reach is unreachable: the reachable states are an inductive invariant. What is looked at is the state with its
transitions and whatever these hang on; from the other states the journey may go anywhere, which is more than it does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

import networkx as nx
import z3

from jurat.policies.expr import JourneyActive
from jurat.policies.findings import TrustBase, Verdict
from jurat.policies.model import Call, Journey
from jurat.solver.build import all_of, any_of, negation
from jurat.solver.limits import Limits
from jurat.solver.prover import Prover
from jurat.solver.sessions.moves import START, Move, passing
from jurat.solver.sessions.moving import POSITION
from jurat.solver.sessions.proving import induct, never, trusted
from jurat.solver.sessions.slice import slice_of
from jurat.solver.sessions.system import Session
from jurat.solver.sessions.unrolling import Unrolling

MOST_INDUCTION = 2
"""Positions of an induction about a move."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What it leans on that no session makes a move."""

    core: tuple[str, ...]
    trust_base: TrustBase


def leaning(refusals: Iterable[Refusal]) -> Refusal:
    """What several refusals lean on together; the rules of the engine are not said."""
    every = list(refusals)
    axioms = {axiom for each in every for axiom in each.trust_base.axioms}
    observations = {key for each in every for key in each.trust_base.observations}
    core = {name for each in every for name in each.core} - {"engine"}
    return Refusal(tuple(sorted(core)), TrustBase(tuple(sorted(axioms)), tuple(sorted(observations))))


@dataclass(slots=True)
class Moves:
    """The moves of a journey that some situation admits, those that none does, and those that are undecided."""

    possible: list[Move] = field(default_factory=list)
    refused: dict[Move, Refusal] = field(default_factory=dict)
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


def makes(session: Session, journey: Journey, move: Move) -> z3.BoolRef:
    """A round makes this move, in one of its stages, and does not hold the journey back."""
    journeys, kept = session.journeys, negation(session.holding.goes_back(journey))
    if move.source == START:
        begins = all_of((negation(journeys.active(journey, POSITION)), journeys.begins(journey)))
        return all_of((session.round, kept, begins))
    return all_of((session.round, kept, any_of(_made(session, journey, move))))


def _made(session: Session, journey: Journey, move: Move) -> Iterator[z3.BoolRef]:
    journeys, state = session.journeys, journey.states[move.source]
    for place, stage in enumerate(journeys.stages):
        if not place or state.kind == "fork":
            taken = next(t for each, t in journeys.taken(state, stage) if each is state.transitions[move.number])
            yield all_of((journeys.is_in(journey, state.id, stage), journeys.due(journey, state, place), taken))


def judged(
    prover: Prover, journey: Journey, source: str, moves: Iterable[Move]
) -> Iterator[tuple[Move, Refusal | bool]]:
    """For each of these moves of a state whether some situation admits it; False if the solver does not know."""
    moves = list(moves)
    if not moves:
        return
    session = _session(prover, journey, [source], resolved=False, shallow=True)
    single = _Single(session, prover.limits)
    tools = tools_waited_for(journey, source)
    shut = single.refuse(any_of(session.happenings.is_("call", tool) for tool in tools)) if tools else None
    for move in moves:
        yield move, shut if isinstance(shut, Refusal) else single.refuse(makes(session, journey, move))


class _Single:
    """Questions about one position of any session: quick ones, and ones that say what a proof leans on."""

    def __init__(self, session: Session, limits: Limits) -> None:
        self.session = session
        self.limits = limits

    def refuse(self, formula: z3.BoolRef) -> Refusal | bool:
        """Why the formula holds at no position; True if it may hold at one, False if the solver does not know."""
        if self._quick.ask([(formula, 0)]).possible:
            return True
        answer = self._slow.ask([(formula, 0)])
        if answer.verdict is Verdict.PROVED:
            return Refusal(answer.core, trusted(self._slow, answer.core))
        return answer.possible

    @cached_property
    def _quick(self) -> Unrolling:
        return self._unrolled(cores=False)

    @cached_property
    def _slow(self) -> Unrolling:
        return self._unrolled(cores=True)

    def _unrolled(self, *, cores: bool) -> Unrolling:
        found = Unrolling(self.session.system, self.limits, initial=False, cores=cores)
        found.extend()
        return found


def excluded(prover: Prover, journey: Journey, move: Move) -> Refusal | None:
    """Why no session makes a move that single situations admit; None if that is not proved.

    By induction over what calls the tool that its state waits for, and over the move itself.
    """
    session = _session(prover, journey, passing(journey, move.source), resolved=True)
    limits = replace(prover.limits, rlimit=prover.limits.rlimit // 4)
    for bad in (*_running(session, journey, move.source), makes(session, journey, move)):
        found = induct(session, bad, limits, most=MOST_INDUCTION)
        if found.verdict is Verdict.PROVED:
            return Refusal(found.core, found.trust_base)
    found = never(session, makes(session, journey, move), limits, most=MOST_INDUCTION)
    return Refusal(found.core, found.trust_base) if found.verdict is Verdict.PROVED else None


def _running(session: Session, journey: Journey, source: str) -> Iterator[z3.BoolRef]:
    """That a tool runs which the state waits for: in each way in which it can be shown never to be so.

    Each is more than what has to happen before the state is left, and the next may be inductive where the last is not.
    """
    calls, state = session.calls, f"{journey.id}/{source}"
    tools = tools_waited_for(journey, source)
    if tools:
        yield any_of(calls.running(tool) for tool in tools)
        yield any_of(all_of((calls.wants(state, t), any_of((calls.open(t), calls.running(t))))) for t in tools)
        yield any_of(all_of((calls.wants(state, tool), calls.running(tool))) for tool in tools)


def tools_waited_for(journey: Journey, source: str) -> list[str]:
    """The tools without which a state is not left."""
    state = journey.states.get(source)
    if state is None or state.kind != "tool":
        return []
    return [action.tool for action in state.actions if isinstance(action, Call)]


def _session(
    prover: Prover, journey: Journey, states: Iterable[str], *, resolved: bool, shallow: bool = False
) -> Session:
    near = {journey.id: frozenset(states) - {START}}
    asked = [JourneyActive(journey.id)]
    about = slice_of(prover.graph, prover.cones, asked, resolved=resolved, near=near, shallow=shallow)
    return Session(prover.graph, prover.cones, about, asked)

"""The plainest way to make a journey move, made up from its formulas and played through: no solver is asked.

A message of which the judge says what the formulas want, or the call that a tool state waits for and what it writes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from jurat.policies.expr import Event, Expr, Fact, Observation, Or, mentioned_atoms
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Call, Journey, Transition
from jurat.policies.types import Value
from jurat.solver.sessions.guessing import Chosen, Wanted, guesses, some
from jurat.solver.sessions.happenings import Happening
from jurat.solver.sessions.moves import START, Move
from jurat.solver.sessions.parts import Parts
from jurat.solver.sessions.rehearsal import Rehearsal
from jurat.solver.sessions.trace import Position

MOST = 4
"""Guesses a move."""


@dataclass(frozen=True, slots=True)
class Trying:
    """Ways for one journey to move on, from where a rehearsal stands."""

    graph: PolicyGraph
    parts: Parts
    journey: Journey

    def sessions(self, here: Rehearsal, last: Position | None, moves: Sequence[Move]) -> Iterator[tuple[Position, ...]]:
        """Positions in which the journey may make these moves, one after the other in one round."""
        tools = self._tools(moves[0].source)
        wanted = tuple(each for move in moves for each in self._of(move))
        for chosen in guesses(wanted, self._known(here, tools, wanted), MOST):
            begun = self._turn(here, last, chosen)
            if not tools:
                yield from ((*ended, first) for ended, first in begun)
                continue
            tool = min(tools)
            if last is not None and tool in here.wanted:
                yield self._called(last, tool, chosen)
            yield from ((*ended, first, *self._called(first, tool, chosen)) for ended, first in begun)

    # -- what is to be true --------------------------------------------------------------------------------------

    def _of(self, move: Move) -> Iterator[tuple[Expr, bool]]:
        """The first of these that is true wins, and `otherwise` if none is."""
        if move.source == START:
            yield Or(tuple(trigger.expr for trigger in self.journey.triggers)), True
            return
        transitions = self.journey.states[move.source].transitions
        taken = transitions[move.number]
        yield taken.condition, True
        yield from ((each.condition, False) for each in _before(transitions, taken))

    def _tools(self, source: str) -> frozenset[str]:
        state = self.journey.states.get(source)
        if state is None or state.kind != "tool":
            return frozenset()
        return frozenset(action.tool for action in state.actions if isinstance(action, Call))

    def _known(self, here: Rehearsal, tools: frozenset[str], wanted: Wanted) -> Chosen:
        """The facts that tools provide, but for those that one of these may write."""
        declared = self.graph.vocabulary
        written = {each.fact for tool in tools for each in declared.tools[tool].provides}
        facts = (atom for atom in mentioned_atoms(expr for expr, _ in wanted) if isinstance(atom, Fact))
        return {
            fact: here.facts.get(fact.path, declared.facts[fact.path].default)
            for fact in facts
            if declared.facts[fact.path].source == "tools" and fact.path not in written
        }

    # -- positions -----------------------------------------------------------------------------------------------

    def _turn(
        self, here: Rehearsal, last: Position | None, chosen: Chosen
    ) -> Iterator[tuple[tuple[Position, ...], Position]]:
        """How the turn ends, if one is under way and can end here, and what begins the next."""
        if last is None:
            yield (), self._begun(here, Position(Happening("message"), 0, 0.0, {}, {}, round=False), chosen)
        elif "session.ended" not in here.events and (last.round or last.happening.kind == "reply"):
            replies = here.message and last.happening.kind != "reply"
            ended = (replace(last, happening=Happening("reply"), round=False, arguments={}),) if replies else ()
            yield ended, self._begun(here, last, chosen)

    def _begun(self, here: Rehearsal, last: Position, chosen: Chosen) -> Position:
        """A message, or the event that is wanted; of everything that calls hang on the judge says no."""
        told = {path: value for path, value in here.facts.items() if self._source(path) != "tools"}
        for atom, value in chosen.items():
            if isinstance(atom, Fact) and self._source(atom.path) != "tools":
                told.pop(atom.path, None)
                told |= {} if value is None else {atom.path: value}
        written = {path: value for path, value in here.facts.items() if self._source(path) == "tools"}
        judged: dict[str, bool | None] = dict.fromkeys(self.parts.at(here.journeys).observations, False)
        judged |= {atom.key: value is True for atom, value in chosen.items() if isinstance(atom, Observation)}
        wanted = {atom.name for atom, value in chosen.items() if isinstance(atom, Event) and value is True}
        events = sorted(wanted & self.graph.vocabulary.events.keys() | wanted & {"session.ended"})
        happening = Happening("event", events[0]) if events else Happening("message")
        personal = "message.pii" in wanted
        return Position(happening, last.turn + 1, last.at, {**told, **written}, judged, round=True, personal=personal)

    def _source(self, path: str) -> str:
        return self.graph.vocabulary.facts[path].source

    def _called(self, last: Position, tool: str, chosen: Chosen) -> tuple[Position, ...]:
        """The call of a tool, and its end with what is wanted of it."""
        fails = chosen.get(Event("failed", tool)) is True or chosen.get(Event("succeeded", tool)) is False
        called = replace(last, happening=Happening("call", tool), round=False, arguments={}, personal=False)
        facts = last.facts if fails else {**last.facts, **dict(self._provided(tool, chosen))}
        return called, replace(
            called, happening=Happening("failure" if fails else "success", tool), facts=facts, round=True
        )

    def _provided(self, tool: str, chosen: Chosen) -> Iterator[tuple[str, Value]]:
        declared = self.graph.vocabulary
        for each in declared.tools[tool].provides:
            type_ = declared.facts[each.fact].type
            value = each.value if each.kind == "value" else chosen.get(Fact(each.fact, type_), some(type_))
            if value is not None:
                yield each.fact, value


def _before(transitions: Sequence[Transition], taken: Transition) -> Iterator[Transition]:
    """The transitions that are not to be true for one to be taken."""
    for each in transitions:
        if each is taken and not taken.otherwise:
            return
        if not each.otherwise:
            yield each

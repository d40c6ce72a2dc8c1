"""How journeys move when a round begins: the twin of :mod:`jurat.engine.journeys`.

A chat state steps once a message, a tool state once its tool has run, a fork at once; so one round can take several
*stages*, one for each fork that can follow another, and each stage sees the journeys as the one before left them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import networkx as nx
import z3

from jurat.policies.expr import Expr, JourneyActive, JourneyState, atoms
from jurat.policies.graph import PolicyGraph
from jurat.policies.holding import may_be_held_back
from jurat.policies.model import HandOff, Journey, State, Transition
from jurat.policies.types import EnumType
from jurat.solver.build import NO, YES, all_of, any_of, implication, negation, same
from jurat.solver.formulas import truth
from jurat.solver.sessions.hearing import speaks_of_events
from jurat.solver.sessions.reading import View
from jurat.solver.sessions.slice import Slice
from jurat.solver.sessions.steps import Part, observed, part
from jurat.solver.terms import Atoms, Truth

POSITION = "‹at the position›"


@dataclass(frozen=True, slots=True)
class Occasion:
    """What a round begins with: a round at all, one of a new turn, and that turn with a message."""

    round: z3.BoolRef
    new_turn: z3.BoolRef
    message: z3.BoolRef


class Journeys:
    """The journeys of a slice as variables: at the position, after each stage, and as the round leaves them."""

    def __init__(
        self, graph: PolicyGraph, about: Slice, base: Atoms, occasion: Occasion, loose: frozenset[str]
    ) -> None:
        self.journeys = [graph.journeys[name] for name in about.journeys]
        self.about = about
        self.numbers = {j.id: {name: n for n, name in enumerate(j.states)} for j in self.journeys}
        self._places = {j.id: JourneyState(j.id, EnumType(tuple(j.states))) for j in self.journeys}
        self.base = base
        self.occasion = occasion
        self.loose = loose
        self.held = {each.id for each in self.journeys if may_be_held_back(graph, each.id)}
        self._hands_on = hands_on(graph)

    # -- variables -----------------------------------------------------------------------------------------------

    def active(self, journey: Journey, stage: str = "") -> z3.BoolRef:
        """It is active; without a stage, as the round leaves it."""
        return self.view(stage).truth(JourneyActive(journey.id)).true

    def place(self, journey: Journey, stage: str = "") -> z3.ArithRef:
        """The number of the state that it is in."""
        return self.view(stage).term(self._places[journey.id]).value

    def is_in(self, journey: Journey, state: str, stage: str = "") -> z3.BoolRef:
        """It is active and in that state."""
        number = self.numbers[journey.id][state]
        return all_of((self.active(journey, stage), same(self.place(journey, stage), z3.IntVal(number))))

    def known(self, journey: Journey, stage: str = "") -> z3.BoolRef:
        """It is where its moves are looked at: in no state, or in a state that the slice has."""
        if journey.id not in self.about.near:
            return YES
        near = (self.is_in(journey, state.id, stage) for state in self.about.states(journey))
        return any_of((negation(self.active(journey, stage)), *near))

    def has_run(self, journey: Journey) -> z3.BoolRef:
        """The tool of the state that it is in has run in this turn, before the round."""
        return z3.Bool(f"the tool of journey {journey.id} has run")

    def unsaid(self, journey: Journey) -> z3.BoolRef:
        """It was held back after a tool of its own had run, and has not said yet where that led it."""
        return z3.Bool(f"journey {journey.id} has not said its state") if journey.id in self.held else NO

    def stepped(self, journey: Journey) -> z3.BoolRef:
        """It came to its state before the message was handed on, and has not said it; left open of one that may have."""
        return z3.Bool(f"journey {journey.id} was handed on in its state") if self._hands_on else NO

    def view(self, stage: str) -> Atoms:
        """The atoms as they are at a stage."""
        return View(self.base, stage=stage, loose=self.loose) if stage else self.base

    # -- a round -------------------------------------------------------------------------------------------------

    def laws(self) -> Iterator[Part]:
        """What a round makes of the journeys; without a round they stay as they are."""
        for journey in self.journeys:
            for stage in (*self.stages, ""):
                number = self.place(journey, stage)
                yield part(f"journey:{journey.id}", [number >= 0, number < len(journey.states)])
            yield from self._staying(journey)
            for place, stage in enumerate(self.stages):
                yield from self._stage(journey, place, stage)

    @cached_property
    def stages(self) -> tuple[str, ...]:
        """The names of the stages; each leads to the next, the last to the state that the round leaves."""
        forks = max((_forks(self.about.states(journey)) for journey in self.journeys), default=0)
        later = (f"‹after stage {n}›" for n in range(1, forks + 1))
        return (POSITION, *later)

    def _next(self, place: int) -> str:
        return self.stages[place + 1] if place + 1 < len(self.stages) else ""

    def _staying(self, journey: Journey) -> Iterator[Part]:
        stays = [
            same(self.active(journey, POSITION), self.active(journey)),
            same(self.place(journey, POSITION), self.place(journey)),
        ]
        yield part("engine", [implication(negation(self.occasion.round), all_of(stays))])

    def _stage(self, journey: Journey, place: int, stage: str) -> Iterator[Part]:
        yield self._beginning(journey, place, stage)
        for state in self.about.states(journey):
            yield self._stepping(journey, state, place, stage)
        if self._next(place):
            yield self._moving(journey, place, stage)

    def _beginning(self, journey: Journey, place: int, stage: str) -> Part:
        """Where no journey is, a trigger begins one, in the first stage."""
        idle, after = negation(self.active(journey, stage)), self._next(place)
        triggers = [trigger.expr for trigger in journey.triggers] if not place else []
        begins = NO if place else self.begins(journey)
        first = self.numbers[journey.id][journey.initial]
        formulas = [
            implication(all_of((self.occasion.round, idle)), same(self.active(journey, after), begins)),
            implication(
                all_of((self.occasion.round, idle, begins)), same(self.place(journey, after), z3.IntVal(first))
            ),
        ]
        return part(f"journey:{journey.id}", formulas, triggers)

    def begins(self, journey: Journey) -> z3.BoolRef:
        """A trigger is true when a round begins."""
        triggers = [trigger.expr for trigger in journey.triggers]
        return any_of(all_of((self._may_begin(each), self._truth(each, POSITION).true)) for each in triggers)

    def _may_begin(self, trigger: Expr) -> z3.BoolRef:
        """Without a message no judgement begins a journey, not after a tool either, unless it is about an event."""
        judged = observed(atoms(trigger)) and not speaks_of_events(trigger)
        return all_of((self._applies(trigger), self.occasion.message if judged else YES))

    def _stepping(self, journey: Journey, state: State, place: int, stage: str) -> Part:
        """From a state to the target of its first true transition, if it is due; else it stays."""
        here, after = all_of((self.occasion.round, self.is_in(journey, state.id, stage))), self._next(place)
        formulas, left = [], YES
        numbers = self.numbers[journey.id]
        due = self.due(journey, state, place)
        for transition, taken in self.taken(state, stage):
            goes = all_of((here, due, taken))
            formulas.append(implication(goes, same(self.place(journey, after), z3.IntVal(numbers[transition.target]))))
            left = all_of((left, negation(taken)))
        stays = all_of((here, any_of((negation(due), left))))
        formulas.append(implication(stays, same(self.place(journey, after), self.place(journey, stage))))
        formulas.append(implication(here, self.active(journey, after)))
        return part(f"state:{journey.id}/{state.id}", formulas, (each.condition for each in state.transitions))

    def due(self, journey: Journey, state: State, place: int = 0) -> z3.BoolRef:
        """After the first stage only a fork that was just entered; a fork in a circle may be left or not."""
        if not place:
            return self._due_at_first(journey, state)
        if state.kind != "fork":
            return NO
        left = (
            z3.Bool(f"{journey.id}/{state.id} is left in stage {place}")
            if _circular(self.about.states(journey))
            else YES
        )
        return all_of((self._moved(journey, place - 1), left))

    def _due_at_first(self, journey: Journey, state: State) -> z3.BoolRef:
        """A fork in every round, for a tool may have opened a way out of one that was met before."""
        if state.kind in ("tool", "fork"):
            return self.has_run(journey) if state.kind == "tool" else YES
        waits = all_of((self.occasion.message, any_of((self.unsaid(journey), self.stepped(journey)))))
        return all_of((self.occasion.new_turn, negation(waits)))

    def _moved(self, journey: Journey, place: int) -> z3.BoolRef:
        return z3.Bool(f"journey {journey.id} moves in stage {place}")

    def _moving(self, journey: Journey, place: int, stage: str) -> Part:
        """It began or took a step in that stage; a step to where it is counts too."""
        began = all_of((negation(self.active(journey, stage)), self.active(journey, self._next(place))))
        steps = [
            all_of((self.is_in(journey, state.id, stage), self.due(journey, state, place), taken))
            for state in self.about.states(journey)
            for _, taken in self.taken(state, stage)
        ]
        moved = same(self._moved(journey, place), any_of((began, *steps)))
        return part(f"journey:{journey.id}", [any_of((negation(self.known(journey, stage)), moved))])

    def taken(self, state: State, stage: str) -> list[tuple[Transition, z3.BoolRef]]:
        """For each transition when it is the one taken, being due: the first true one, else `otherwise`."""
        sure = [(each, self._read(state, each, stage)) for each in state.transitions if not each.otherwise]
        found, earlier = [], NO
        for each, value in sure:
            found.append((each, all_of((value.true, negation(earlier)))))
            earlier = any_of((earlier, value.true))
        rest = [value.false for _, value in sure]
        last = [each for each in state.transitions if each.otherwise]
        return [*found, *((each, all_of((self._read(state, each, stage).true, *rest))) for each in last)]

    def _read(self, state: State, transition: Transition, stage: str) -> Truth:
        """Its condition; where it does not apply it is as if it were not there."""
        value = self._truth(transition.condition, stage)
        if state.kind == "fork":
            return value
        applies = self._applies(transition.condition)
        return Truth(all_of((applies, value.true)), any_of((negation(applies), value.false)))

    def _applies(self, expr: Expr) -> z3.BoolRef:
        """In a turn without a message only what speaks of events can move a journey, and after a tool everything."""
        if speaks_of_events(expr):
            return YES
        return any_of((self.occasion.message, negation(self.occasion.new_turn)))

    def _truth(self, expr: Expr, stage: str) -> Truth:
        return truth(expr, self.view(stage))


def hands_on(graph: PolicyGraph) -> bool:
    """Whether a message may be handed on to another agent."""
    actions = (action for entity in graph.entities.values() for action in entity.actions)
    return any(isinstance(each, HandOff) and each.to in graph.policy.agents for each in actions)


def _forks(states: list[State]) -> int:
    """How many forks can follow one another."""
    forks = _fork_graph(states)
    if not forks:
        return 0
    return len(forks) if _circular(states) else int(nx.dag_longest_path_length(forks)) + 1


def _circular(states: list[State]) -> bool:
    return not nx.is_directed_acyclic_graph(_fork_graph(states))


def _fork_graph(states: list[State]) -> nx.DiGraph[str]:
    found: nx.DiGraph[str] = nx.DiGraph()
    forks = {state.id: state for state in states if state.kind == "fork"}
    found.add_nodes_from(forks)
    found.add_edges_from(
        (name, each.target) for name, state in forks.items() for each in state.transitions if each.target in forks
    )
    return found

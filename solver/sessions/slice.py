"""The part of a policy that can matter to a formula over whole sessions: its cone of influence through time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from jurat.policies.arguments import constraint_of
from jurat.policies.expr import Atom, Event, Expr, Fact, JourneyActive, JourneyState, mentioned_atoms
from jurat.policies.graph import PolicyGraph
from jurat.policies.holding import may_be_held_back
from jurat.policies.model import Action, Axiom, Call, Journey, Offer, State
from jurat.solver.cones import Cone, Cones

NOTHING = Cone(frozenset(), frozenset())
NO_TOOLS: frozenset[str] = frozenset()
Near = Mapping[str, frozenset[str]]
"""For a journey the states that are looked at."""


@dataclass(frozen=True, slots=True)
class Slice:
    """What is looked at; everything else may do what it likes, so what is proved of a slice holds of the policy.

    With ``resolved``, calls are made only when something in force wants them; without it any tool may be called
    whenever its guard allows it, which is simpler and often enough for a proof. Of a journey in ``near`` only those
    states are looked at, and from any other one a round may lead it anywhere. If ``alone``, the other ones call no tool
    either, which is no longer more than the engine does: a slice to look for sessions in, and not to prove by.
    """

    resolved: bool
    atoms: frozenset[Atom]
    tools: tuple[str, ...]
    journeys: tuple[str, ...]
    axioms: tuple[Axiom, ...]
    cone: Cone = NOTHING
    near: Near = field(default_factory=dict)
    alone: bool = False

    def states(self, journey: Journey) -> list[State]:
        """The states of a journey that are looked at."""
        return states_of(journey, self.near)

    def callers(self, graph: PolicyGraph, tool: str) -> list[str]:
        """Whoever calls a tool, so far as is looked at."""
        return [g for g in callers(graph, tool) if not self.alone or _is_near(graph, g, self.near)]

    @property
    def facts(self) -> list[Fact]:
        """The facts, by name."""
        return sorted((atom for atom in self.atoms if isinstance(atom, Fact)), key=lambda fact: fact.path)


def slice_of(
    graph: PolicyGraph,
    cones: Cones,
    exprs: Iterable[Expr],
    *,
    resolved: bool,
    every: bool = False,
    near: Near | None = None,
    alone: bool = False,
    shallow: bool = False,
) -> Slice:
    """The slice for some formulas; with ``every``, all tools belong to it.

    ``near`` and ``alone`` as in :class:`Slice`; if ``shallow``, a tool does not belong to it for writing a fact, and a
    fact that is written by others may change at any time.
    """
    near = near or {}
    found = frozenset(mentioned_atoms(exprs))
    tools = frozenset(graph.vocabulary.tools) if every else NO_TOOLS
    while True:
        tools |= _tools(graph, found, near) | (NO_TOOLS if shallow else _writing(graph, found))
        using = {g for tool in tools for g in users(graph, tool) if not alone or _is_near(graph, g, near)}
        cone = cones.cone(sorted(using.union(*(_holding(graph, j) for j in _journeys(found))))) if resolved else NOTHING
        wider = found | _reached(graph, cones, found, tools, cone, using=using, near=near)
        if wider == found:
            axioms, journeys = tuple(cones.axioms_about(found)), tuple(sorted(_journeys(found)))
            return Slice(resolved, found, tuple(sorted(tools)), journeys, axioms, cone, near, alone)
        found = wider


def _journeys(found: Iterable[Atom]) -> set[str]:
    return {atom.journey for atom in found if isinstance(atom, JourneyActive | JourneyState)}


def states_of(journey: Journey, near: Near) -> list[State]:
    """The states of a journey that are looked at: all, unless only some are near."""
    if journey.id not in near:
        return list(journey.states.values())
    return [journey.states[name] for name in sorted(near[journey.id])]


def _holding(graph: PolicyGraph, journey: str) -> set[str]:
    """What decides whether a journey is held back, and with the journeys within it."""
    if not may_be_held_back(graph, journey):
        return set()
    origins = (origin for state in graph.journeys[journey].states.values() for origin in state.origins)
    return {journey, *(origin.partition("/")[0] for origin in origins)} & graph.entities.keys()


def _is_near(graph: PolicyGraph, g: str, near: Near) -> bool:
    journey, _, state = g.partition("/")
    return graph.entities[g].kind != "state" or journey not in near or state in near[journey]


def _tools(graph: PolicyGraph, found: frozenset[Atom], near: Near) -> frozenset[str]:
    """The tools that are spoken of, or that a state of a journey runs."""
    declared = graph.vocabulary.tools
    named = {atom.argument for atom in found if isinstance(atom, Event) and atom.argument is not None} & declared.keys()
    states = (state for journey in _journeys(found) for state in states_of(graph.journeys[journey], near))
    running = {tool for state in states for tool in tools_of(state)}
    return frozenset((*named, *running))


def _writing(graph: PolicyGraph, found: frozenset[Atom]) -> frozenset[str]:
    facts = (atom.path for atom in found if isinstance(atom, Fact))
    return frozenset(tool for fact in facts for tool in graph.providers.get(fact, ()))


def tools_of(state: State) -> Iterator[str]:
    """The tools that a state of a journey runs."""
    yield from (action.tool for action in state.actions if isinstance(action, Call))


def users(graph: PolicyGraph, tool: str) -> list[str]:
    """Whoever calls, offers or forbids a tool."""
    return [*callers(graph, tool), *offerers(graph, tool), *forbidders(graph, tool)]


def callers(graph: PolicyGraph, tool: str) -> list[str]:
    """Whoever calls a tool."""
    return [g for g in _wanting(graph, tool) if any(_is(Call, each, tool) for each in graph.entities[g].actions)]


def offerers(graph: PolicyGraph, tool: str) -> list[str]:
    """Whoever offers a tool."""
    return [g for g in _wanting(graph, tool) if any(_is(Offer, each, tool) for each in graph.entities[g].actions)]


def forbidders(graph: PolicyGraph, tool: str) -> list[str]:
    """Whoever forbids a tool."""
    return list(graph.users[tool][1]) if tool in graph.users else []


def _wanting(graph: PolicyGraph, tool: str) -> tuple[str, ...]:
    return graph.users[tool][0] if tool in graph.users else ()


def _is(kind: type[Call | Offer], action: Action, tool: str) -> bool:
    return isinstance(action, kind) and action.tool == tool


def asked_of(graph: PolicyGraph, caller: str, tool: str) -> list[Expr]:
    """What one caller asks of a tool's arguments."""
    declaration = graph.vocabulary.tools[tool]
    calls = [each for each in graph.entities[caller].actions if isinstance(each, Call) and each.tool == tool]
    return [constraint_of(each, declaration) for call in calls for each in call.constraints]


def _reached(
    graph: PolicyGraph,
    cones: Cones,
    found: frozenset[Atom],
    tools: frozenset[str],
    cone: Cone,
    *,
    using: Collection[str],
    near: Near,
) -> frozenset[Atom]:
    """The atoms that decide about what was found so far."""
    exprs = [guard.expr for tool in tools if (guard := graph.vocabulary.tools[tool].guard)]
    exprs += [graph.entities[g].condition for g in cone.conditions]
    if cone.rules:
        calls = ((g, tool) for tool in tools for g in callers(graph, tool) if g in using)
        exprs += [expr for g, tool in calls for expr in asked_of(graph, g, tool)]
    exprs += [expr for journey in _journeys(found) for expr in moves_of(graph.journeys[journey], near)]
    exprs += [axiom.expr for axiom in cones.axioms_about(found)]
    return frozenset(mentioned_atoms(exprs))


def moves_of(journey: Journey, near: Near | None = None) -> Iterator[Expr]:
    """The formulas that a journey's moves hang on, so far as its states are looked at."""
    yield from (trigger.expr for trigger in journey.triggers)
    for state in states_of(journey, near or {}):
        yield from (transition.condition for transition in state.transitions)

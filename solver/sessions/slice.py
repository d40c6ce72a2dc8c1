"""The part of a policy that can matter to a formula over whole sessions: its cone of influence through time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from jurat.policies.arguments import constraint_of
from jurat.policies.expr import Atom, Event, Expr, Fact, JourneyActive, JourneyState, mentioned_atoms
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Axiom, Call, Forbid, Journey, Offer
from jurat.solver.cones import Cone, Cones

NOTHING = Cone(frozenset(), frozenset())


@dataclass(frozen=True, slots=True)
class Slice:
    """What is looked at; everything else may do what it likes, so what is proved of a slice holds of the policy.

    With ``resolved``, calls are made only when something in force wants them; without it any tool may be called
    whenever its guard allows it, which is simpler and often enough for a proof.
    """

    resolved: bool
    atoms: frozenset[Atom]
    tools: tuple[str, ...]
    journeys: tuple[str, ...]
    axioms: tuple[Axiom, ...]
    cone: Cone = NOTHING

    @property
    def facts(self) -> list[Fact]:
        """The facts, by name."""
        return sorted((atom for atom in self.atoms if isinstance(atom, Fact)), key=lambda fact: fact.path)


def slice_of(graph: PolicyGraph, cones: Cones, exprs: Iterable[Expr], *, resolved: bool, every: bool = False) -> Slice:
    """The slice for some formulas; with ``every``, all tools belong to it."""
    found = frozenset(mentioned_atoms(exprs))
    tools = frozenset(graph.vocabulary.tools) if every else frozenset[str]()
    while True:
        tools |= _tools(graph, found)
        cone = _cone(graph, cones, tools) if resolved else NOTHING
        wider = found | _reached(graph, cones, found, tools, cone)
        if wider == found:
            axioms = tuple(cones.axioms_about(found))
            return Slice(resolved, found, tuple(sorted(tools)), tuple(sorted(_journeys(found))), axioms, cone)
        found = wider


def _journeys(found: Iterable[Atom]) -> set[str]:
    return {atom.journey for atom in found if isinstance(atom, JourneyActive | JourneyState)}


def _tools(graph: PolicyGraph, found: frozenset[Atom]) -> frozenset[str]:
    """The tools that are spoken of, that write a fact, or that a state of a journey runs."""
    facts = {atom.path for atom in found if isinstance(atom, Fact)}
    declared = graph.vocabulary.tools
    named = {atom.argument for atom in found if isinstance(atom, Event) and atom.argument is not None} & declared.keys()
    writing = {tool.id for tool in declared.values() if any(each.fact in facts for each in tool.provides)}
    running = {tool for journey in _journeys(found) for tool in tools_of(graph.journeys[journey])}
    return frozenset((*named, *writing, *running))


def tools_of(journey: Journey) -> Iterator[str]:
    """The tools that the states of a journey run."""
    for state in journey.states.values():
        yield from (action.tool for action in state.actions if isinstance(action, Call))


def _cone(graph: PolicyGraph, cones: Cones, tools: frozenset[str]) -> Cone:
    return cones.cone(sorted({g for tool in tools for g in users(graph, tool)}))


def users(graph: PolicyGraph, tool: str) -> list[str]:
    """Whoever calls, offers or forbids a tool."""
    return [*callers(graph, tool), *offerers(graph, tool), *forbidders(graph, tool)]


def callers(graph: PolicyGraph, tool: str) -> list[str]:
    """Whoever calls a tool."""
    return [
        g for g, each in graph.entities.items() if any(isinstance(a, Call) and a.tool == tool for a in each.actions)
    ]


def offerers(graph: PolicyGraph, tool: str) -> list[str]:
    """Whoever offers a tool."""
    return [
        g for g, each in graph.entities.items() if any(isinstance(a, Offer) and a.tool == tool for a in each.actions)
    ]


def forbidders(graph: PolicyGraph, tool: str) -> list[str]:
    """Whoever forbids a tool."""
    banned = ("tool", tool)
    return [
        g
        for g, each in graph.entities.items()
        if any(isinstance(a, Forbid) and (a.what, a.target) == banned for a in each.actions)
    ]


def asked_of(graph: PolicyGraph, caller: str, tool: str) -> list[Expr]:
    """What one caller asks of a tool's arguments."""
    declaration = graph.vocabulary.tools[tool]
    calls = [each for each in graph.entities[caller].actions if isinstance(each, Call) and each.tool == tool]
    return [constraint_of(each, declaration) for call in calls for each in call.constraints]


def _reached(
    graph: PolicyGraph, cones: Cones, found: frozenset[Atom], tools: frozenset[str], cone: Cone
) -> frozenset[Atom]:
    """The atoms that decide about what was found so far."""
    exprs = [guard.expr for tool in tools if (guard := graph.vocabulary.tools[tool].guard)]
    exprs += [graph.entities[g].condition for g in cone.conditions]
    if cone.rules:
        exprs += [expr for tool in tools for g in callers(graph, tool) for expr in asked_of(graph, g, tool)]
    exprs += [expr for journey in _journeys(found) for expr in moves_of(graph.journeys[journey])]
    exprs += [axiom.expr for axiom in cones.axioms_about(found)]
    return frozenset(mentioned_atoms(exprs))


def moves_of(journey: Journey) -> Iterator[Expr]:
    """The formulas that a journey's moves hang on."""
    yield from (trigger.expr for trigger in journey.triggers)
    for state in journey.states.values():
        yield from (transition.condition for transition in state.transitions)

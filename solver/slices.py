"""A policy cut into parts that have nothing to say about each other, each to be proved by itself.

Two entities belong together where they share a *tie*: a relation, a rank, a journey that a condition looks at, or
something that both decide, do or forbid. Axioms and facts tie nothing: each part has a copy of those that matter to it.
So the cost of a check grows with the number of parts, a part that did not change need not be proved again, and parts
can be proved side by side.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from networkx.utils import UnionFind

from jurat.policies.beforehand import openers
from jurat.policies.expr import Atom, JourneyActive, JourneyState, mentioned_atoms
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Action, Call, Decide, Forbid, HandOff, Instruct, Offer, Reply
from jurat.policies.slicing import sliced
from jurat.solver.cones import Cones

Tie = tuple[str, str]
"""What two entities may have in common: a kind and a name."""


def slices(graph: PolicyGraph, cones: Cones) -> Iterator[PolicyGraph]:
    """The parts, in the order of their first entity; last, one for the tools that nothing uses."""
    for members in partition(graph):
        yield sliced(graph, members, cones.axioms_of(members))
    if idle := idle_tools(graph):
        yield idle_part(graph, idle, cones)


def idle_tools(graph: PolicyGraph) -> list[str]:
    """The tools that nothing calls, offers or forbids."""
    return [tool for tool, (wanted, banned) in sorted(graph.users.items()) if not wanted and not banned]


def idle_part(graph: PolicyGraph, tools: list[str], cones: Cones) -> PolicyGraph:
    """A part without entities, about tools that nothing uses."""
    return sliced(graph, (), cones.axioms_about(_guarding(graph, tools)), tools=tools)


def partition(graph: PolicyGraph) -> list[list[str]]:
    """The entities that belong together, sorted."""
    found: UnionFind[object] = UnionFind()
    for g in graph.entities:
        found.union(g, *ties(graph, g))
    groups = ([each for each in members if isinstance(each, str)] for members in found.to_sets())
    return sorted(sorted(group) for group in groups)


def ties(graph: PolicyGraph, g: str) -> set[Tie]:
    """Everything by which an entity may be tied to another one."""
    entity = graph.entities[g]
    found: set[Tie] = {("entity", each) for each in (g, *_related(graph, g))}
    found |= {("entity", atom.journey) for atom in _atoms(graph, g) if isinstance(atom, JourneyActive | JourneyState)}
    found.update(tie for action in entity.actions for tie in _of_action(graph, action))
    return found | {("rank", "")} if graph.ranked else found


def _atoms(graph: PolicyGraph, g: str) -> set[Atom]:
    return mentioned_atoms([graph.entities[g].condition])


def _related(graph: PolicyGraph, g: str) -> Iterator[str]:
    yield from graph.overriders[g]
    yield from graph.entailers[g]
    yield from graph.requirements[g]
    yield from graph.partners.get(g, ())
    for group in graph.alternatives[g]:
        yield from (d for alternative in group for d in alternative)
    for by, target, rivals in graph.ambiguities[g]:
        yield from (by, target, *rivals)


def _of_action(graph: PolicyGraph, action: Action) -> Iterator[Tie]:
    match action:
        case Instruct(text=text):
            yield "text", " ".join(text.casefold().split())
        case Decide(decision=decision):
            yield "decision", decision
        case HandOff():
            yield "hand-off", ""
        case Reply(id=reply):
            yield from (("reply", reply), ("replies", ""))
        case Call(tool=tool) | Offer(tool=tool):
            yield from _of_tool(graph, tool)
        case Forbid(what="tool", target=tool):
            yield from _of_tool(graph, tool)
        case Forbid(what=what, target=target):
            yield what, target


def _of_tool(graph: PolicyGraph, tool: str) -> Iterator[Tie]:
    """A tool ties to those whose calls can open its guard, and to those whose guards it can open."""
    declaration = graph.vocabulary.tools[tool]
    yield "tool", tool
    if declaration.guard:
        yield from (("tool", other) for other in openers(graph, declaration.guard.expr))


def _guarding(graph: PolicyGraph, tools: Iterable[str]) -> set[Atom]:
    """What the guards of tools look at."""
    guards = (graph.vocabulary.tools[tool].guard for tool in tools)
    return mentioned_atoms(guard.expr for guard in guards if guard)

"""A policy cut into parts that have nothing to say about each other, each to be proved by itself.

Two entities belong together where a relation, a rank, or a condition on a journey ties them, or where a check asks about
both. Axioms and facts do not tie anything: each part has a copy of those that matter to it. So the cost of a check grows
with the number of parts, a part that did not change need not be proved again, and parts can be proved side by side.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from networkx.utils import UnionFind

from jurat.policies.expr import JourneyActive, JourneyState, mentioned_atoms
from jurat.policies.graph import PolicyGraph
from jurat.policies.slicing import sliced
from jurat.solver.cones import Cones


def slices(graph: PolicyGraph, questions: Iterable[Iterable[str]], cones: Cones) -> Iterator[PolicyGraph]:
    """The parts, in the order of their first entity; last, one for the tools that nothing uses.

    ``questions`` are the entities that will be asked about together.
    """
    used: set[str] = set()
    for members in partition(graph, questions):
        part = sliced(graph, members, cones.axioms_of(members))
        used |= part.vocabulary.tools.keys()
        yield part
    idle = sorted(graph.vocabulary.tools.keys() - used)
    if idle:
        yield sliced(graph, (), (), tools=idle)


def partition(graph: PolicyGraph, questions: Iterable[Iterable[str]]) -> list[list[str]]:
    """The entities that belong together, sorted."""
    found: UnionFind[str] = UnionFind(graph.entities)
    for group in _ties(graph):
        found.union(*group)
    for names in questions:
        if group := tuple(names):
            found.union(*group)
    return sorted(sorted(members) for members in found.to_sets())


def _ties(graph: PolicyGraph) -> Iterator[tuple[str, ...]]:
    for g in graph.entities:
        groups = (d for group in graph.alternatives[g] for alternative in group for d in alternative)
        yield (g, *graph.overriders[g], *graph.entailers[g], *graph.requirements[g], *groups)
        yield (g, *_journeys(graph, g))
    yield from graph.exclusive
    yield from ((each.by, *each.targets) for each in graph.disambiguations)
    if len({entity.rank for entity in graph.entities.values()}) > 1:
        yield tuple(graph.entities)


def _journeys(graph: PolicyGraph, g: str) -> Iterator[str]:
    for atom in mentioned_atoms([graph.entities[g].condition]):
        if isinstance(atom, JourneyActive | JourneyState):
            yield atom.journey

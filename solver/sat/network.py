"""What depends on what: the cone of a question, and the cycles through which something could hold itself up.

Written over :class:`~jurat.policies.graph.PolicyGraph` and nothing of a solver.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import networkx as nx

from jurat.policies.graph import PolicyGraph
from jurat.solver.sat.ranks import Node, Ranks

Place = str | Node
"""An entity's being in force, or a node of the tree of ranks."""


@dataclass(frozen=True, slots=True)
class Cone:
    """All that can decide whether an entity is in force: the definitions and the conditions to switch on.

    ``whole``: nothing was cut off.
    """

    rules: tuple[str, ...]
    conditions: tuple[str, ...]
    whole: bool = True


class Network:
    """The dependencies of one policy, found as they are asked for."""

    def __init__(self, graph: PolicyGraph) -> None:
        self.graph = graph
        self.ranks = Ranks(graph)
        self._local: dict[str, tuple[str, ...]] = {}
        self._reads: dict[Place, tuple[Place, ...]] = {}

    def local(self, g: str) -> tuple[str, ...]:
        """The entities whose condition and support decide about *g*, ranks aside; itself first."""
        found = self._local.get(g)
        if found is None:
            overriders, choices = self.graph.overriders[g], self.graph.ambiguities[g]
            if not overriders and not choices:
                found = (g,)
            else:
                named = [each for by, target, rivals in choices for each in (by, target, *rivals)]
                found = tuple(dict.fromkeys((g, *overriders, *named)))
            self._local[g] = found
        return found

    def supports(self, g: str) -> Iterator[str]:
        """The entities that being in force hold *g* up."""
        yield from self.graph.entailers[g]
        yield from self.graph.requirements[g]
        for group in self.graph.alternatives[g]:
            for alternative in group:
                yield from alternative

    def reads(self, place: Place) -> tuple[Place, ...]:
        """Where to look to know it."""
        found = self._reads.get(place)
        if found is None:
            found = self._reads[place] = tuple(dict.fromkeys(self._looked_at(place)))
        return found

    def _looked_at(self, place: Place) -> Iterator[Place]:
        if isinstance(place, str):
            yield from self._around(place)
            yield from self.ranks.outranking(place)
        elif place[0]:
            yield from self.ranks.children(place)
        else:
            yield from self._around(self.ranks.contenders[place[1]])

    def _around(self, g: str) -> Iterator[str]:
        for h in self.local(g):
            yield from self.supports(h)

    # -- cones ---------------------------------------------------------------------------------------------------

    def cone(self, g: str, most: int | None = None) -> Cone:
        """What decides whether *g* is in force, nearest first, cut off after ``most`` places."""
        seen: dict[Place, None] = {g: None}
        todo: list[Place] = [g]
        for place in todo:  # grows while it is walked
            if most is not None and len(seen) > most:
                break
            for each in self.reads(place):
                if each not in seen:
                    seen[each] = None
                    todo.append(each)
        whole = most is None or len(seen) <= most
        rules = tuple(each for each in seen if isinstance(each, str))
        centres = (self._centre(each) for each in seen)
        conditions = dict.fromkeys(h for centre in centres if centre is not None for h in self.local(centre))
        return Cone(rules, tuple(conditions), whole)

    def _centre(self, place: Place) -> str | None:
        """The entity whose surroundings a place looks at."""
        if isinstance(place, str):
            return place
        return None if place[0] else self.ranks.contenders[place[1]]

    # -- cycles --------------------------------------------------------------------------------------------------

    @cached_property
    def cycles(self) -> Mapping[str, tuple[str, ...]]:
        """For each entity that is in force only by way of itself, the entities of its cycle, sorted."""
        found: dict[str, tuple[str, ...]] = {}
        for members in nx.strongly_connected_components(self._dependencies()):
            entities = tuple(sorted(each for each in members if isinstance(each, str)))
            if len(members) > 1 or any(g in self.reads(g) for g in entities):
                found |= dict.fromkeys(entities, entities)
        return found

    def _dependencies(self) -> nx.DiGraph[Place]:
        """The places that look at others; whatever looks at nothing is on no cycle."""
        found: nx.DiGraph[Place] = nx.DiGraph()
        todo: list[Place] = list(self.graph.entities)
        seen: set[Place] = set(todo)
        for place in todo:
            for each in self.reads(place):
                found.add_edge(place, each)
                if each not in seen:
                    seen.add(each)
                    todo.append(each)
        return found

    def positive(self, cycle: Iterable[str]) -> bool:
        """Whether no precedence and no rank runs in this circle, so that it has one least solution."""
        members = set(cycle)
        for g in members:
            if any(d in members for h in self.local(g)[1:] for d in self.supports(h)):
                return False
            if self.ranks.outranking(g) and self._back_by_rank(g, members):
                return False
        return True

    def _back_by_rank(self, g: str, members: set[str]) -> bool:
        todo: list[Place] = [*self.ranks.outranking(g)]
        seen = set(todo)
        for node in todo:
            for each in self.reads(node):
                if each in members:
                    return True
                if not isinstance(each, str) and each not in seen:
                    seen.add(each)
                    todo.append(each)
        return False

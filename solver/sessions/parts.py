"""What a turn's calls hang on, where the journeys are: the part of a policy that a rehearsal has to resolve.

Whether something is in force depends on nothing outside of its cone, so resolving the cones of whoever calls, offers or
forbids a tool decides about calls as resolving everything does, and with those of journeys about what is held back. A state in which its journey is not matches nowhere; it
is left out unless something entails it or others depend on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from jurat.policies.expr import Observation, mentioned_atoms
from jurat.policies.graph import PolicyGraph
from jurat.policies.holding import may_be_held_back
from jurat.solver.cones import Cones


@dataclass(frozen=True, slots=True)
class PartHere:
    """A part of the policy, and the observations that its conditions hang on."""

    graph: PolicyGraph
    observations: frozenset[str]


class Parts:
    """The parts of a policy, by the states that its journeys are in."""

    def __init__(self, graph: PolicyGraph, cones: Cones) -> None:
        self.cones = cones
        using = {g for users in graph.users.values() for members in users for g in members}
        states = {g for g in using if graph.entities[g].kind == "state" and not graph.entailers[g]}
        self._always = tuple(sorted(using - states))
        self._somewhere = states
        self._held = frozenset(each for each in graph.journeys if may_be_held_back(graph, each))
        self._found: dict[tuple[str, ...], PartHere] = {}

    def at(self, places: Mapping[str, str]) -> PartHere:
        """The part for journeys that are in these states."""
        called = self._somewhere & {f"{journey}/{state}" for journey, state in places.items()}
        held = {each for j in self._held & places.keys() for each in (j, f"{j}/{places[j]}")}
        here = tuple(sorted(called | held))
        if here not in self._found:
            names = (*self._always, *here)
            part = self.cones.part(names)
            conditions = (entity.condition for entity in part.entities.values())
            mentioned = mentioned_atoms(conditions)
            self._found[here] = PartHere(part, frozenset(a.key for a in mentioned if isinstance(a, Observation)))
        return self._found[here]

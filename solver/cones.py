"""What a question depends on: the rules, conditions and axioms that decide it, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import networkx as nx

from jurat.policies.expr import Atom, key_of, mentioned_atoms
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Axiom
from jurat.policies.slicing import formulas_of, sliced

MANY = 60
"""Entities that one solver may hold without being slowed down by them."""


@dataclass(frozen=True, slots=True)
class Cone:
    """All that a question can depend on: the rules and conditions to be switched on, and the atoms they mention."""

    rules: frozenset[str]
    conditions: frozenset[str]

    def __or__(self, other: Cone) -> Cone:
        return Cone(self.rules | other.rules, self.conditions | other.conditions)


class AxiomGroups:
    """Axioms that share atoms, directly or through others."""

    def __init__(self, axioms: Iterable[Axiom]) -> None:
        self._axioms = tuple(axioms)

    @cached_property
    def groups(self) -> list[list[Axiom]]:
        """Each sorted by id."""
        return self._grouped[1]

    def about(self, mentioned: Iterable[Atom]) -> list[Axiom]:
        """The axioms that can matter to these atoms."""
        home, groups = self._grouped
        return [axiom for number in sorted({home[a] for a in mentioned if a in home}) for axiom in groups[number]]

    @cached_property
    def _grouped(self) -> tuple[Mapping[Atom, int], list[list[Axiom]]]:
        shared: nx.Graph[object] = nx.Graph()
        for axiom in self._axioms:
            shared.add_edges_from((axiom, atom) for atom in mentioned_atoms([axiom.expr]))
        home: dict[Atom, int] = {}
        groups: list[list[Axiom]] = []
        for number, members in enumerate(nx.connected_components(shared)):
            groups.append(sorted((m for m in members if isinstance(m, Axiom)), key=lambda axiom: axiom.id))
            home |= {m: number for m in members if not isinstance(m, Axiom)}  # type: ignore[misc]  # atoms are left
        return home, groups


class Cones:
    """The dependencies of a policy's entities and axioms."""

    def __init__(self, graph: PolicyGraph, axioms: AxiomGroups | None = None) -> None:
        """``axioms``: the policy's, where they were grouped before."""
        self.graph = graph
        self.axioms = axioms or AxiomGroups(graph.axioms)
        self._cones: dict[str, Cone] = {}
        self._homes: dict[str, str] = {}

    @cached_property
    def cycles(self) -> Mapping[str, tuple[str, ...]]:
        """For each entity in force only by way of itself, the cycle it is on."""
        found: dict[str, tuple[str, ...]] = {}
        for members in nx.strongly_connected_components(self._dependencies):
            if len(members) > 1 or any(self._dependencies.has_edge(g, g) for g in members):
                found |= dict.fromkeys(members, tuple(sorted(members)))
        return found

    @cached_property
    def _dependencies(self) -> nx.DiGraph[str]:
        """*g* -> *d* where whether *g* is in force is written in terms of whether *d* is."""
        found: nx.DiGraph[str] = nx.DiGraph()
        found.add_nodes_from(self.graph.entities)
        found.add_edges_from((g, d) for g in self.graph.entities for d in self._reads(g))
        return found

    def _reads(self, g: str) -> set[str]:
        return {d for h in self._looks_at(g) for d in self._holds_up(h)}

    def _looks_at(self, g: str) -> set[str]:
        """The entities whose condition and support decide about *g*."""
        found = {g, *self.graph.overriders[g]}
        found.update(each for d, target, rivals in self.graph.ambiguities[g] for each in (d, target, *rivals))
        for h in self.graph.outrankers[g]:
            found.update((h, *self.graph.overriders[h]))
            found.update(each for d, target, rivals in self.graph.ambiguities[h] for each in (d, target, *rivals))
        return found

    def _holds_up(self, g: str) -> set[str]:
        groups = self.graph.alternatives[g]
        found = {d for group in groups for alternative in group for d in alternative}
        return found.union(self.graph.entailers[g], self.graph.requirements[g])

    def cone(self, entities: Iterable[str]) -> Cone:
        """What decides whether these are in force."""
        found = Cone(frozenset(), frozenset())
        for g in entities:
            found |= self._cone(g)
        return found

    def _cone(self, g: str) -> Cone:
        if g not in self._cones:
            rules = {g} | nx.descendants(self._dependencies, g)
            conditions = {h for rule in rules for h in self._looks_at(rule)}
            self._cones[g] = Cone(frozenset(rules), frozenset(conditions))
        return self._cones[g]

    def gather(self, questions: Iterable[Iterable[str]]) -> None:
        """Say which entities will be asked about together, so that they share a solver.

        Where a lot hangs together only by being asked about, each entity gets a solver of its own, in which its
        questions are asked: Z3 takes longer for each definition that it holds, switched on or not.
        """
        together: nx.Graph[str] = nx.Graph()
        width: dict[str, int] = {}
        for entities in questions:
            cone = self.cone(entities)
            members = sorted(cone.rules | cone.conditions)
            together.add_nodes_from(members)
            nx.add_path(together, members)
            width |= {g: max(len(members), width.get(g, 0)) for g in members}
        for joined in nx.connected_components(together):
            apart = len(joined) > MANY and max(width[g] for g in joined) < MANY
            for g in joined:
                self._homes[g] = g if apart else min(joined)

    def home(self, entities: Sequence[str]) -> str:
        """The solver in which a question about these entities is asked."""
        return self._homes.get(entities[0], "") if entities else ""

    # -- axioms --------------------------------------------------------------------------------------------------

    def axioms_about(self, mentioned: Iterable[Atom]) -> list[Axiom]:
        """The axioms that can matter to these atoms, by way of other axioms too."""
        return self.axioms.about(mentioned)

    def axioms_of(self, entities: Iterable[str]) -> list[Axiom]:
        """The axioms that can matter to the conditions, guards and constraints of these entities."""
        return self.axioms_about(mentioned_atoms(formulas_of(self.graph, entities)))

    def atoms_of(self, entities: Iterable[str], mentioned: frozenset[Atom] = frozenset()) -> list[Atom]:
        """All atoms that a question about these entities can depend on, sorted by key."""
        cone = self.cone(entities)
        every = mentioned_atoms(self.graph.entities[g].condition for g in cone.conditions) | mentioned
        every |= mentioned_atoms(axiom.expr for axiom in self.axioms_about(every))
        return sorted(every, key=key_of)

    def part(self, entities: Iterable[str], mentioned: frozenset[Atom] = frozenset()) -> PolicyGraph:
        """The part of the policy that a question about these entities can depend on."""
        names = tuple(entities)
        cone, atoms = self.cone(names), self.atoms_of(names, mentioned)
        return sliced(self.graph, cone.rules | cone.conditions, self.axioms_about(atoms), atoms)

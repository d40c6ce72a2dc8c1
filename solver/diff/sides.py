"""Two policies side by side as one graph: what an edit cannot have changed once, the rest twice.

An entity that means the same in both policies, and depends only on such, is in the graph under its own id; any other
one is in it as ``before:<id>``, ``after:<id>`` or both. Whatever can be asked of a policy can be asked of that graph.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

import networkx as nx

from jurat.policies.errors import RefusedTurn, ValuationError
from jurat.policies.expr import Atom, Expr, History, key_of, mentioned_atoms
from jurat.policies.graph import Disambiguation, Entity, PolicyGraph
from jurat.policies.model import Axiom, Guideline, Invariant, Journey, Policy, State
from jurat.policies.resolution import Resolution
from jurat.policies.semantics import resolve
from jurat.policies.slicing import sliced
from jurat.policies.types import Type, Value
from jurat.solver.cones import Cones
from jurat.solver.diff.names import Names
from jurat.solver.diff.vocabulary import Merge, merge

_Each = TypeVar("_Each")


@dataclass
class Side:
    """One of the two policies, ``before`` or ``after``, and what it is called in the graph of both."""

    word: str
    graph: PolicyGraph
    names: Names
    apart: frozenset[str] = frozenset()
    """The entities that the edit may have changed, by the ids of either policy."""

    def id(self, g: str) -> str:
        """The entity in the graph of both."""
        return f"{self.word}:{g}" if g in self.apart else g

    @cached_property
    def _keys(self) -> dict[str, str]:
        """The names of a situation of both, and of this policy."""
        facts = {self.names.facts[path].path: path for path in self.graph.vocabulary.facts}
        past = {key_of(self._past(atom)): key for key, atom in self.graph.atoms.items() if isinstance(atom, History)}
        return {key: key for key in self._own_keys if key not in self.graph.vocabulary.facts} | facts | past

    @cached_property
    def _own_keys(self) -> Mapping[str, Type]:
        return self.graph.types

    def _past(self, atom: History) -> History:
        read = self.names(atom)
        assert isinstance(read, History)
        return read

    def resolve(self, values: Mapping[str, Value], part: PolicyGraph | None = None) -> Resolution | None:
        """What this policy, or a part of it, does in a situation of both; None if it does not admit it."""
        known = part.types if part is not None else self._own_keys
        named = ((self._keys.get(name, ""), value) for name, value in values.items())
        mine = {key: value for key, value in named if key in known}
        try:
            return resolve(part or self.graph, mine)
        except (RefusedTurn, ValuationError):
            return None

    def needed(self, entities: Iterable[str]) -> frozenset[str]:
        """These entities of the policy, and all that decide about them."""
        own = self.graph.entities.keys() & set(entities)
        return frozenset(own.union(*(nx.ancestors(self.graph.influence, g) for g in own)))


def sides(before: PolicyGraph, after: PolicyGraph) -> tuple[Merge, Side, Side]:
    """The shared vocabulary and the two policies, with the entities that an edit may have changed set apart."""
    shared = merge(before, after)
    old, new = Side("before", before, shared.before), Side("after", after, shared.after)
    old.apart = new.apart = _affected(old, new, _changed(old, new))
    return shared, old, new


def _changed(old: Side, new: Side) -> set[str]:
    """The entities that only one policy has, or that are not written alike; all of a journey where one of its states is."""
    every = old.graph.entities.keys() | new.graph.entities.keys()
    found = {g for g in every if _definition(old, g) != _definition(new, g)}
    journeys = {g.partition("/")[0] for g in found if "/" in g} | (
        found & (old.graph.journeys.keys() | new.graph.journeys)
    )
    return found | {g for g in every if g.partition("/")[0] in journeys}


def _definition(side: Side, g: str) -> object:
    """All that decides whether an entity is in force, as far as it is written; None if the policy does not have it."""
    graph, entity = side.graph, side.graph.entities.get(g)
    if entity is None:
        return None
    return (
        entity.kind, side.names(entity.condition), entity.rank, entity.on_unknown, graph.overriders[g], graph.entailers[g],
        graph.requirements[g], graph.alternatives[g], graph.ambiguities[g], graph.outrankers[g],
    )  # fmt: skip


def _affected(old: Side, new: Side, changed: set[str]) -> frozenset[str]:
    """Whatever depends on these, in either policy."""
    found: set[str] = set()
    todo = set(changed)
    while todo:
        found |= todo
        reached = set(todo)
        for influence in (old.graph.influence, new.graph.influence):
            reached.update(*(nx.descendants(influence, g) for g in todo if g in influence))
        todo = reached - found
    return frozenset(found)


def joined(shared: Merge, old: Side, new: Side, wanted: Iterable[str], formulas: Iterable[Expr]) -> PolicyGraph:
    """The graph of both, as far as these entities (by their own ids) depend on it; ``formulas`` will be asked about too."""
    names = set(wanted)
    parts = [_part(side, side.needed(names)) for side in (old, new)]
    entities = {g: each for part in parts for g, each in part.entities.items()}
    policy = Policy(
        vocabulary=shared.vocabulary,
        guidelines={g: Guideline(g, each.condition) for g, each in entities.items() if each.kind == "guideline"},
        journeys=_journeys(shared) | {g: each for part in parts for g, each in part.journeys.items()},
        relations=(),
        axioms=_axioms(shared, old, new),
        invariants=tuple(Invariant(f"formula {number}", each, "") for number, each in enumerate(formulas)),
        sources=new.graph.policy.sources | old.graph.policy.sources,
    )
    return PolicyGraph(
        policy=policy,
        entities=dict(sorted(entities.items())),
        overriders=_joined(part.overriders for part in parts),
        entailers=_joined(part.entailers for part in parts),
        requirements=_joined(part.requirements for part in parts),
        alternatives=_joined(part.alternatives for part in parts),
        exclusive=(),
        disambiguations=tuple(dict.fromkeys(each for part in parts for each in part.disambiguations)),
        kin=_kin(parts, entities),
        digest=f"{old.graph.digest} and {new.graph.digest}",
    )


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of one policy, under the ids that the graph of both has for it."""

    entities: dict[str, Entity]
    overriders: dict[str, tuple[str, ...]]
    entailers: dict[str, tuple[str, ...]]
    requirements: dict[str, tuple[str, ...]]
    alternatives: dict[str, tuple[tuple[tuple[str, ...], ...], ...]]
    disambiguations: list[Disambiguation]
    kin: dict[str, frozenset[str]]
    journeys: dict[str, Journey]


def _part(side: Side, needed: frozenset[str]) -> _Part:
    graph, id_ = side.graph, side.id

    def ids(found: Iterable[str]) -> tuple[str, ...]:
        return tuple(sorted(id_(h) for h in found if h in needed))

    entities = {g: graph.entities[g] for g in sorted(needed)}
    return _Part(
        {
            id_(g): replace(each, id=id_(g), condition=side.names(each.condition), actions=())
            for g, each in entities.items()
        },
        {id_(g): ids(graph.overriders[g]) for g in entities},
        {id_(g): ids(graph.entailers[g]) for g in entities},
        {id_(g): ids(graph.requirements[g]) for g in entities},
        {id_(g): tuple(tuple(ids(way) for way in group) for group in graph.alternatives[g]) for g in entities},
        [
            Disambiguation(id_(each.by), tuple(id_(target) for target in each.targets if target in needed))
            for each in graph.disambiguations
            if each.by in needed
        ],
        {id_(g): frozenset(ids(graph.kin[g])) for g in entities},
        {id_(g): each for g, each in graph.journeys.items() if g in side.apart},
    )


def _joined(tables: Iterable[Mapping[str, _Each]]) -> dict[str, _Each]:
    found = {g: each for table in tables for g, each in table.items()}
    return dict(sorted(found.items()))


def _kin(parts: list[_Part], entities: Mapping[str, Entity]) -> Mapping[str, frozenset[str]]:
    """The two policies never outrank each other, as kin do not; what both share is kin to its kin in either."""
    found = {g: frozenset[str]().union(*(part.kin.get(g, ()) for part in parts)) for g in entities}
    if len({each.rank for each in entities.values()}) < 2:
        return found
    foreign = {
        word: frozenset(g for g in entities if g.startswith(f"{other}:"))
        for word, other in (("before", "after"), ("after", "before"))
    }
    return {g: kin | foreign.get(g.partition(":")[0], frozenset()) for g, kin in found.items()}


def _journeys(shared: Merge) -> dict[str, Journey]:
    """The journeys that situations speak of."""
    return {
        id_: Journey(id_, (), type_.values[0], {state: State(state, "chat") for state in type_.values})
        for id_, type_ in shared.journeys.items()
    }


def _axioms(shared: Merge, old: Side, new: Side) -> tuple[Axiom, ...]:
    """The axioms of both, each once."""
    found: dict[Expr, Axiom] = {}
    for side in (old, new):
        for axiom in side.graph.axioms:
            found.setdefault(side.names(axiom.expr), axiom)
    taken: dict[str, Axiom] = {}
    for expr, axiom in found.items():
        name = axiom.id if axiom.id not in taken else f"{axiom.id} (after)"
        taken[name] = Axiom(name, expr, axiom.span)
    return (*taken.values(), *shared.bounds)


def part_of(side: Side, wanted: Iterable[str], mentioned: Iterable[Atom]) -> PolicyGraph:
    """The part of one policy that decides about these entities and says something of these atoms (in its own names)."""
    needed, cones = side.needed(wanted), Cones(side.graph)
    atoms = mentioned_atoms(side.graph.entities[g].condition for g in needed) | set(mentioned)
    return sliced(side.graph, needed, cones.axioms_about(atoms), atoms)

"""What a policy means, symbolically: the twin of :mod:`jurat.policies.semantics`, predicate for predicate.

A :class:`Bound` here reads like the one there, with formulas in place of truth values. In place of iterating until
nothing changes, what does not depend on itself is defined outright, and a cycle is unrolled as often as the iteration
could need: Clark's completion alone would admit models in which a cycle holds itself up.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import z3

from jurat.policies.expr import And, Atom, Expr, Observation, atoms, key_of, mentioned_atoms, parts_of
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Axiom
from jurat.solver.build import NO, YES, all_of, any_of, implication, negation, same
from jurat.solver.cones import Cones
from jurat.solver.formulas import truth
from jurat.solver.history import mutual_laws
from jurat.solver.terms import Atoms


@dataclass(slots=True)
class Bound:
    """One reading of the predicates, as formulas over what is matched and what is in force."""

    graph: PolicyGraph
    matches: Mapping[str, z3.BoolRef]
    other: Bound | None
    in_force: Mapping[str, z3.BoolRef]
    _contenders: dict[tuple[str, ...], z3.BoolRef] = field(default_factory=dict)

    def matched(self, g: str) -> z3.BoolRef:
        return self.matches[g]

    def entailed(self, g: str) -> z3.BoolRef:
        return any_of(self.in_force[e] for e in self.graph.entailers[g])

    def live(self, g: str) -> z3.BoolRef:
        return all_of((any_of((self.matched(g), self.entailed(g))), self.supported(g)))

    def supported(self, g: str) -> z3.BoolRef:
        groups = (
            any_of(all_of(self.in_force[d] for d in alternative) for alternative in group)
            for group in self.graph.alternatives[g]
        )
        return all_of((*(self.in_force[d] for d in self.graph.requirements[g]), *groups))

    def blocked(self, g: str) -> z3.BoolRef:
        return any_of((*(self.live(h) for h in self.graph.overriders[g]), self.ambiguous(g)))

    def ambiguous(self, g: str) -> z3.BoolRef:
        return any_of(
            all_of((self.live(d), self.live(target), any_of(self.live(rival) for rival in rivals)))
            for d, target, rivals in self.graph.ambiguities[g]
        )

    def outranked(self, g: str, reader: Bound) -> z3.BoolRef:
        """As the bound ``reader`` asks, which reads it negated; its own ``entailed`` is negated twice, so not at all."""
        higher = self.graph.outrankers[g]
        if not higher:
            return NO
        if higher not in self._contenders:  # the same for all of one rank that are nobody's kin
            self._contenders[higher] = any_of(
                all_of((self.matched(h), self.live(h), negation(self.negated.blocked(h)))) for h in higher
            )
        return all_of((self.matched(g), negation(reader.entailed(g)), self._contenders[higher]))

    def inforce(self, g: str) -> z3.BoolRef:
        return all_of((self.live(g), negation(self.negated.blocked(g)), negation(self.negated.outranked(g, self))))

    @property
    def negated(self) -> Bound:
        assert self.other is not None
        return self.other

    def solve(self, cycle: tuple[str, ...]) -> Bound:
        """The least solution of a cycle, given everything outside of it."""
        found: Mapping[str, z3.BoolRef] = dict.fromkeys(cycle, NO)
        for _ in cycle:
            step = Bound(self.graph, self.matches, self.other, ChainMap(dict(found), dict_of(self.in_force)))
            found = {g: step.inforce(g) for g in cycle}
        return Bound(self.graph, self.matches, self.other, ChainMap(dict(found), dict_of(self.in_force)))


def bounds(low: Bound, high: Bound, cycle: tuple[str, ...]) -> tuple[Bound, Bound]:
    """The certain and the possible reading of a cycle: the two are solved in turn, as often as it could take."""
    everything = _overlay(high, dict.fromkeys(cycle, YES), None)
    lower, upper = _overlay(low, dict.fromkeys(cycle, NO), everything), everything
    for _ in range(len(cycle) + 1):
        new_upper = _overlay(high, {}, lower).solve(cycle)
        new_lower = _overlay(low, {}, new_upper).solve(cycle)
        settled = all(new_lower.in_force[g].eq(lower.in_force[g]) for g in cycle)
        settled &= all(new_upper.in_force[g].eq(upper.in_force[g]) for g in cycle)
        lower, upper = new_lower, new_upper
        if settled:
            break
    return lower, upper


def _overlay(bound: Bound, members: dict[str, z3.BoolRef], other: Bound | None) -> Bound:
    in_force = ChainMap(members, dict_of(bound.in_force))
    return Bound(bound.graph, bound.matches, other if other is not None else bound.other, in_force)


def dict_of(mapping: Mapping[str, z3.BoolRef]) -> dict[str, z3.BoolRef]:
    """What a chain of overlays rests on, so that overlays do not pile up."""
    base = mapping.maps[-1] if isinstance(mapping, ChainMap) else mapping
    return base if isinstance(base, dict) else dict(base)


class _Named(dict[str, z3.BoolRef]):
    """A constant for each entity, made when it is first looked at."""

    def __init__(self, word: str) -> None:
        super().__init__()
        self.word = word

    def __missing__(self, entity: str) -> z3.BoolRef:
        found = self[entity] = z3.Bool(f"{self.word} {entity}")
        return found


class Encoding:
    """A policy as formulas, each behind a *selector*, so that a question switches on only its cone.

    ``certain[g]`` and ``possible[g]`` say that *g* is in force; ``low`` and ``high`` are the two bounds over them.
    Selectors are named ``rule:<g>``, ``condition:<g>:<n>`` (the n-th conjunct) and ``axiom:<id>``.
    """

    def __init__(self, graph: PolicyGraph, cones: Cones | None = None) -> None:
        self.graph = graph
        self.cones = cones or Cones(graph)
        facts = graph.vocabulary.facts
        self.atoms = Atoms(frozenset(path for path, fact in facts.items() if fact.default is not None))
        self.certain: Mapping[str, z3.BoolRef] = _Named("certain")
        self.possible: Mapping[str, z3.BoolRef] = _Named("possible")
        self.low = Bound(graph, _Named("matched"), None, self.certain)
        self.high = Bound(graph, _Named("may match"), self.low, self.possible)
        self.low.other = self.high

    # -- definitions ---------------------------------------------------------------------------------------------

    def rule(self, g: str) -> list[z3.BoolRef]:
        """What it means that *g* is in force, by both bounds."""
        low, high = (
            (self.low, self.high) if g not in self.cones.cycles else bounds(self.low, self.high, self.cones.cycles[g])
        )
        if g in self.cones.cycles:
            return [same(self.certain[g], low.in_force[g]), same(self.possible[g], high.in_force[g])]
        return [same(self.certain[g], low.inforce(g)), same(self.possible[g], high.inforce(g))]

    def condition(self, g: str) -> list[list[z3.BoolRef]]:
        """For each conjunct of a condition what a match says of it; last, when all of them make a match."""
        truths = [truth(each, self.atoms) for each in conjuncts(self.graph, g)]
        sure, maybe = self.low.matches[g], self.high.matches[g]
        parts = [[implication(sure, each.true), implication(maybe, negation(each.false))] for each in truths]
        match = implication(all_of(each.true for each in truths), sure)
        may = implication(all_of(negation(each.false) for each in truths), maybe)
        return [*parts, [match, may]]

    def axiom(self, axiom: Axiom) -> list[z3.BoolRef]:
        """An axiom is not false, and nothing unknown is left that it would decide; so of each part of a conjunction."""
        found: list[z3.BoolRef] = []
        for part in parts_of(axiom.expr):
            false = truth(part, self.atoms).false
            found += [negation(false), *self._closed(part, false)]
        return found

    def _closed(self, axiom: Expr, false: z3.BoolRef) -> Iterable[z3.BoolRef]:
        for atom in sorted(_observations(axiom), key=key_of):
            it = self.atoms.truth(atom)
            for value in ((YES, NO), (NO, YES)):
                decided = z3.substitute(false, (it.true, value[0]), (it.false, value[1]))
                yield any_of((it.true, it.false, negation(decided)))

    def everything(self) -> list[z3.BoolRef]:
        """The whole policy as one list of formulas, nothing behind a selector."""
        found = [formula for g in self.graph.entities for formula in self.rule(g)]
        found += [formula for g in self.graph.entities for part in self.condition(g) for formula in part]
        found += [formula for axiom in self.graph.axioms for formula in self.axiom(axiom)]
        mentioned = mentioned_atoms(entity.condition for entity in self.graph.entities.values())
        mentioned |= mentioned_atoms(axiom.expr for axiom in self.graph.axioms)
        return found + self.laws(mentioned)

    def laws(self, new: Iterable[Atom], known: Iterable[Atom] = ()) -> list[z3.BoolRef]:
        """What is always true of the new atoms, and between them and the known ones.

        Call it after whatever mentions them was encoded.
        """
        fresh = sorted(new, key=key_of)
        found = [law for atom in fresh for law in self.atoms.constraints(atom)]
        return found + list(mutual_laws([*sorted(known, key=key_of), *fresh], frozenset(fresh), self.atoms))


def conjuncts(graph: PolicyGraph, g: str) -> tuple[Expr, ...]:
    """The parts of a condition that have selectors of their own."""
    condition = graph.entities[g].condition
    return condition.operands if isinstance(condition, And) else (condition,)


def encode(graph: PolicyGraph) -> Encoding:
    """A policy's symbolic meaning."""
    return Encoding(graph)


def _observations(expr: Expr) -> frozenset[Atom]:
    return frozenset(atom for atom in atoms(expr) if isinstance(atom, Observation))

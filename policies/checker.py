"""Checks a certificate (docs/certificates.md) without a solver: reverse unit propagation over clauses of its own making.

After Goldberg and Novikov, "Verification of Proofs of Unsatisfiability for CNF Formulas" (2003). What the encoder does
not spell out it leaves open: so it may fail to confirm what is true, and never confirms what is not.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import ChainMap, defaultdict
from collections.abc import Iterable, MutableMapping
from itertools import count, pairwise
from math import ceil, floor
from typing import Any

from jurat.policies import expr as e
from jurat.policies.certificate import CertificateRefused, Entry, lemmas_of, opened
from jurat.policies.evaluation import evaluate
from jurat.policies.expr import Atom, Expr
from jurat.policies.graph import PolicyGraph
from jurat.policies.obligations import Claim, Part, claims, goals, replaced
from jurat.policies.situations import confirms
from jurat.policies.types import DecimalType, EnumType, IntType

MAX_CYCLE, YES, NO = 40, 1, -1
Literals = MutableMapping[str, int]


class Encoder:
    """The policy as clauses over numbered variables, the first of which is true; a formula is (true, false)."""

    def __init__(self, graph: PolicyGraph) -> None:
        self.graph, self.clauses, self.new = graph, [[YES]], count(2).__next__
        self.gates: dict[frozenset[int], int] = {}
        self.atoms: dict[Expr, tuple[int, int]] = {}
        self.presence: dict[Atom, int] = {}
        self.scales: dict[Atom, tuple[list[tuple[Any, bool]], list[int]]] = {}
        certain = {g: self.truth(entity.condition)[0] for g, entity in graph.entities.items()}
        possible = {g: -self.truth(entity.condition)[1] for g, entity in graph.entities.items()}
        low, high = self.solve(certain, possible)
        sure, maybe = (low, high) if graph.stratified else self.solve(certain, certain)
        self.readings = {"certain": low, "possible": high, "certain if known": sure, "possible if known": maybe}
        for axiom in graph.axioms:
            self.obey(axiom.expr)

    def all(self, literals: Iterable[int]) -> int:
        kept = frozenset(literals) - {YES}
        if NO in kept or any(-each in kept for each in kept):
            return NO
        if len(kept) < 2:
            return next(iter(kept), YES)
        if kept not in self.gates:
            gate = self.gates[kept] = self.new()
            self.clauses += [[-gate, each] for each in sorted(kept)]
            self.clauses.append([gate, *sorted(-each for each in kept)])
        return self.gates[kept]

    def any(self, literals: Iterable[int]) -> int:
        return -self.all(-each for each in literals)

    def truth(self, expr: Expr) -> tuple[int, int]:  # noqa: C901 - one case for each kind of formula
        """A Boolean formula under Kleene."""
        if not e.atoms(expr):
            value = evaluate(expr, lambda _: None)
            return (NO, NO) if value is None else (YES, NO) if value else (NO, YES)
        match expr:
            case e.Not(operand):
                true, false = self.truth(operand)
                return false, true
            case e.And(operands):
                pairs = [self.truth(each) for each in operands]
                return self.all(true for true, _ in pairs), self.any(false for _, false in pairs)
            case e.Or(operands):
                return self.truth(e.Not(e.And(tuple(e.Not(each) for each in operands))))
            case e.Implies(left, right):
                return self.truth(e.Or((e.Not(left), right)))
            case e.If(test, then, other):
                return self.truth(e.Or((e.And((test, then)), e.And((e.Not(test), other)), e.And((then, other)))))
            case e.In(element, e.ListOf(items)) if items:
                return self.truth(e.Or(tuple(e.Compare("==", element, each) for each in items)))
            case e.Has(e.Fact() | e.JourneyState() as of):
                return self.present(of), -self.present(of)
            case e.Compare(operator, e.Const() as left, right):
                flipped: Any = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}.get(operator, operator)
                return self.truth(e.Compare(flipped, right, left))
            case e.Compare(operator, e.Fact() | e.JourneyState() | e.History() as atom, e.Const(value)):
                return self.compare(operator, atom, value)
        if expr not in self.atoms:
            self.atoms[expr] = self.atom(expr)
        return self.atoms[expr]

    def atom(self, expr: Expr) -> tuple[int, int]:
        """An atom; or a formula of a kind not spelled out above, which may have any value."""
        value, other = self.new(), self.new()
        if isinstance(expr, e.Fact):
            return self.all((self.present(expr), value)), self.all((self.present(expr), -value))
        if isinstance(expr, e.Event | e.JourneyActive | e.History):
            if isinstance(expr, e.Event) and expr.name == "failed" and expr.argument != "*":
                self.clauses.append([-value, self.truth(e.Event("failed", "*"))[0]])
            return value, -value
        self.clauses.append([-value, -other])
        return value, other

    def present(self, atom: Atom) -> int:
        if isinstance(atom, e.JourneyState):
            return self.truth(e.JourneyActive(atom.journey))[0]
        fact = self.graph.vocabulary.facts.get(e.key_of(atom))
        always = isinstance(atom, e.History) or (fact and fact.default is not None)
        return YES if always else self.presence.get(atom) or self.presence.setdefault(atom, self.new())

    def compare(self, operator: str, atom: Atom, value: Any) -> tuple[int, int]:
        """An atom compared with a constant, by the places at which constants cut its values."""
        if isinstance(value, bool):
            return self.truth(atom if (operator == "==") is value else e.Not(atom))
        if isinstance(atom.type, EnumType):
            if value not in atom.type.values:
                return NO, NO
            value = atom.type.values.index(value)
        upto, below, known = self.cut(atom, value, True), self.cut(atom, value, False), self.present(atom)
        equal = self.all((upto, -below))
        holds = {"<": below, "<=": upto, ">": -upto, ">=": -below, "==": equal, "!=": -equal}[operator]
        return self.all((known, holds)), self.all((known, -holds))

    def cut(self, atom: Atom, point: Any, inclusive: bool) -> int:
        """That a value is at most a point, or less than it."""
        if isinstance(atom.type, IntType | EnumType):
            point, inclusive = floor(point) if inclusive else ceil(point) - 1, True
        places, literals = self.scales.setdefault(atom, _scale(atom))
        at = bisect_left(places, (point, inclusive))
        if places[at : at + 1] != [(point, inclusive)]:
            places.insert(at, (point, inclusive))
            literals.insert(at, self.new())
            self.clauses += [[-below, above] for below, above in pairwise(literals[max(at - 1, 0) : at + 2])]
        return literals[at]

    def obey(self, axiom: Expr) -> None:
        """It is not false, and no observation is unknown whose opposite would make it so."""
        self.clauses.append([-self.truth(axiom)[1]])
        for atom in sorted((each for each in e.atoms(axiom) if isinstance(each, e.Observation)), key=e.key_of):
            for value in (e.TRUE, e.FALSE):
                self.clauses.append([*self.truth(atom), -self.truth(replaced(axiom, {atom: value}))[1]])

    def solve(self, certain: Literals, possible: Literals) -> tuple[Reading, Reading]:
        """What is in force (semantics, section 3), stratum by stratum: least solutions of the two bounds in turn."""
        low, high = Reading(self, certain, {}), Reading(self, possible, {})
        for cycle in self.graph.strata:
            long = len(cycle) > MAX_CYCLE  # too long to unroll, and left open
            upper = high.over({g: self.new() if long else YES for g in cycle})
            lower = low.over({g: self.new() if long else NO for g in cycle}, upper)
            for _ in () if long else cycle:  # each turn settles one of them at least
                upper = high.least(cycle, lower)
                lower = low.least(cycle, upper)
            low.force.update((g, lower.force[g]) for g in cycle)
            high.force.update((g, upper.force[g]) for g in cycle)
        for g in self.graph.entities:  # what is certain is possible
            self.clauses += [[-low.force[g], high.force[g]], [-low.live(g), high.live(g)]]
        return low, high

    def todo(self, claim: Claim) -> list[list[int]]:
        return [[self.literal(part) for part in goal] for goal in goals(self.graph, claim) or ()]

    def literal(self, part: Part) -> int:
        if not isinstance(part, tuple):
            return -self.truth(part)[0]
        sign, bound, predicate, g = part
        reading = self.readings[bound]
        return sign * int(reading.force[g] if predicate == "in force" else getattr(reading, predicate)(g))


def _scale(atom: Atom) -> tuple[list[tuple[Any, bool]], list[int]]:
    """Where the declared range cuts the values of an atom: nothing is below it, and everything up to its end."""
    low, high = getattr(atom.type, "min", None), getattr(atom.type, "max", None)
    if isinstance(atom.type, EnumType):
        low, high = 0, len(atom.type.values) - 1
    below = (low, False) if isinstance(atom.type, DecimalType) or low is None else (low - 1, True)
    ends = [(place, literal) for place, literal in ((below, NO), ((high, True), YES)) if place[0] is not None]
    return [place for place, _ in ends], [literal for _, literal in ends]


class Reading:  # one bound of the predicates; what is negated is read from the other one
    def __init__(self, encoder: Encoder, match: Literals, force: Literals, other: Reading | None = None) -> None:
        self.encoder, self.graph, self.all, self.any = encoder, encoder.graph, encoder.all, encoder.any
        self.match, self.force, self.other = match, force, other or self

    def over(self, force: dict[str, int], other: Reading | None = None) -> Reading:
        return Reading(self.encoder, self.match, ChainMap(force, self.force), other)

    def least(self, cycle: tuple[str, ...], other: Reading) -> Reading:
        found = self.over(dict.fromkeys(cycle, NO), other)
        for _ in cycle:
            found = self.over({g: found.in_force(g) for g in cycle}, other)
        return found

    def entailed(self, g: str) -> int:
        return self.any(self.force[each] for each in self.graph.entailers[g])

    def live(self, g: str) -> int:
        groups = [[self.all(self.force[d] for d in each) for each in group] for group in self.graph.alternatives[g]]
        needed = [*(self.force[d] for d in self.graph.requirements[g]), *map(self.any, groups)]
        return self.all((self.any((self.match[g], self.entailed(g))), *needed))

    def blocked(self, g: str) -> int:
        causes = [self.live(h) for h in self.graph.overriders[g]]
        for d, target, rivals in self.graph.ambiguities[g]:
            causes.append(self.all((self.live(d), self.live(target), self.any(map(self.live, rivals)))))
        return self.any(causes)

    def outranked(self, g: str, reader: Reading) -> int:
        higher = (self.all((self.match[h], self.live(h), -self.other.blocked(h))) for h in self.graph.outrankers[g])
        return self.all((self.match[g], -reader.entailed(g), self.any(higher)))

    def in_force(self, g: str) -> int:
        return self.all((self.live(g), -self.other.blocked(g), -self.other.outranked(g, self)))


class Propagation:
    """Unit propagation over clauses, each watched by its first two literals, some of which are there for a while only."""

    def __init__(self, encoder: Encoder) -> None:
        self.trail: list[int] = []
        self.values = [0] * (2 * encoder.new() + 1)  # by literal: Python counts negative places from the end
        self.watched: list[list[list[int]]] = [[] for _ in self.values]
        if not all(self.holds([*clause]) for clause in encoder.clauses):
            raise CertificateRefused("the axioms contradict each other, and from a contradiction everything follows")

    def holds(self, clause: list[int]) -> bool:
        """Take a clause in; False if that is a contradiction."""
        clause[:] = sorted({*clause}, key=lambda each: (self.values[each] < 0, each))
        for each in clause[:2]:
            self.watched[each].append(clause)
        return not self.contradicts(clause[:1]) if len(clause) < 2 or self.values[clause[1]] < 0 else True

    def true(self, literal: int) -> bool:
        if not self.values[literal]:
            self.values[literal], self.values[-literal] = 1, -1
            self.trail.append(literal)
        return self.values[literal] > 0

    def contradicts(self, literals: Iterable[int]) -> bool:
        """Make these literals true, and what follows; whether that is impossible."""
        values, head = self.values, len(self.trail)
        possible = all(map(self.true, literals))
        while possible and head < len(self.trail):
            false, kept = -self.trail[head], list[list[int]]()
            watching, self.watched[false], head = self.watched[false], kept, head + 1
            for clause in watching:
                if clause[0] == false:
                    clause[0], clause[1] = clause[1], false
                for at in range(2, len(clause)) if values[clause[0]] <= 0 else ():
                    if values[clause[at]] >= 0:
                        clause[1], clause[at] = clause[at], false
                        self.watched[clause[1]].append(clause)
                        break
                else:
                    kept.append(clause)
                    possible &= self.true(clause[0])
        return not possible

    def undo(self, mark: int) -> None:
        for literal in self.trail[mark:]:
            self.values[literal] = self.values[-literal] = 0
        del self.trail[mark:]

    def refutes(self, goal: list[int], lemmas: list[list[int]]) -> bool:
        """Whether the goal is contradictory by way of lemmas, each of which has to follow from what came before it."""
        start, taken = len(self.trail), list[list[int]]()
        done = self.contradicts(goal)
        for lemma in map(list, () if done else lemmas):
            mark = len(self.trail)
            if not self.contradicts(-each for each in lemma):
                break
            self.undo(mark)
            taken.append(lemma)
            if done := not self.holds(lemma):
                break
        self.undo(start)
        for each, clause in ((each, lemma) for lemma in taken for each in lemma[:2]):
            self.watched[each].remove(clause)
        return done


def verify(data: bytes, graph: PolicyGraph) -> tuple[Entry, dict[str, list[Claim]]]:
    """The header, and the claims by kind of evidence; raises :class:`CertificateRefused`, with the reason."""
    header, entries = opened(data, graph)
    encoder, wanted, found = Encoder(graph), claims(graph), defaultdict[str, list[Claim]](list)
    todo = [encoder.todo(claim) for claim in wanted]
    propagation = Propagation(encoder)
    if [[*entry.items()][:1] for entry in entries] != [[(kind, [*who])] for kind, *who in wanted]:
        raise CertificateRefused("it speaks of other claims than those that the policy needs, or in another order")
    for claim, all_goals, entry in zip(wanted, todo, entries, strict=True):
        kind, evidence = [*entry.items()][-1]
        steps = lemmas_of(evidence, len(all_goals), len(propagation.values) // 2) if kind == "drup" else None
        shown = all(map(propagation.refutes, all_goals, steps)) if steps else confirms(graph, claim, kind, evidence)
        if not shown or len(entry) != 2:
            raise CertificateRefused(f"its evidence does not show `{': '.join(claim)}`")
        found[kind].append(claim)
    return header, found

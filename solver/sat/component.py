"""One incremental solver, and the definitions it was given so far, each behind its selector."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pysat.solvers import MinisatGH

from jurat.policies.expr import And
from jurat.policies.graph import PolicyGraph
from jurat.solver.claims import All, Claim, Holds, Not, Predicate, Some, Symbolic
from jurat.solver.sat.atoms import Atoms
from jurat.solver.sat.axioms import AxiomGroups, admitted
from jurat.solver.sat.clauses import TRUE, Clauses
from jurat.solver.sat.formulas import Formulas
from jurat.solver.sat.network import Cone, Network
from jurat.solver.sat.past import Past
from jurat.solver.sat.readings import Reading, solved, too_long

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Definition:
    """The selectors of some definitions, the groups of axioms they meet, and whether something was left open."""

    selectors: tuple[int, ...]
    groups: frozenset[int] = frozenset()
    open: bool = False


class Component:
    """Part of a policy in one solver; what it is asked about is added as it is asked for."""

    def __init__(
        self, graph: PolicyGraph, network: Network, axioms: AxiomGroups, conflicts: int, *, shallow: bool = False
    ) -> None:
        self.graph = graph
        self.network = network
        self.axioms = axioms
        self.clauses = Clauses()
        self.atoms = Atoms(self.clauses, graph.vocabulary.facts)
        self.formulas = Formulas(self.clauses, self.atoms, axioms.homes)
        self.past = Past(self.clauses, self.formulas)
        self.low, self.high = self._reading(0, shallow=shallow), self._reading(1, shallow=shallow)
        self.low.other, self.high.other = self.high, self.low
        self.names: dict[int, str] = {}
        self.prepared: dict[tuple[str, int | None], Definition] = {}
        """What was switched on for each entity asked about, and how much of its cone that is."""
        self._conflicts = conflicts
        self._solver = MinisatGH()
        self._matches: dict[str, Pair] = {}
        self._forces: dict[str, Pair] = {}
        self._conditions: dict[str, Definition] = {}
        self._rules: dict[str, Definition] = {}
        self._groups: dict[int, Definition] = {}
        self._everything: bool | None = None

    def _reading(self, bound: int, *, shallow: bool) -> Reading:
        matched, in_force = (lambda g: self.matches(g)[bound]), (lambda g: self.forces(g)[bound])
        return Reading(self.clauses, self.network, matched, in_force, shallow=shallow)

    def close(self) -> None:
        """Give the solver's memory back."""
        self._solver.delete()

    def matches(self, g: str) -> Pair:
        """That it is matched, by either bound."""
        found = self._matches.get(g)
        if found is None:
            found = self._matches[g] = (self.clauses.new(), self.clauses.new())
        return found

    def forces(self, g: str) -> Pair:
        """That it is in force, by either bound."""
        found = self._forces.get(g)
        if found is None:
            found = self._forces[g] = (self.clauses.new(), self.clauses.new())
        return found

    def _selector(self, name: str) -> int:
        selector = self.clauses.new()
        self.names[selector] = name
        return selector

    # -- definitions ---------------------------------------------------------------------------------------------

    def definition(self, cone: Cone) -> Definition:
        """All that a cone switches on, with the axioms that it meets."""
        parts = [self._condition(g) for g in cone.conditions]
        groups = frozenset[int]().union(*(part.groups for part in parts))
        parts += [self._rule(g) for g in cone.rules]
        parts += [self.group(number) for number in sorted(groups)]
        selectors = tuple(selector for part in parts for selector in part.selectors)
        return Definition(selectors, groups, any(part.open for part in parts))

    def everything(self) -> bool:
        """Switch the whole policy on, for good; whether something was left open."""
        if self._everything is None:
            parts = [self.definition(Cone(tuple(self.graph.entities), tuple(self.graph.entities)))]
            parts += [self.group(number) for number in self.axioms.groups]
            self.clauses.pending += [[selector] for part in parts for selector in part.selectors]
            self._everything = any(part.open for part in parts)
            # Tried first: what is judged is known to be false. What is unknown could put everything in force.
            self._solver.set_phases([false for _, false in self.atoms.pairs.values() if false > 0])
        return self._everything

    def _condition(self, g: str) -> Definition:
        found = self._conditions.get(g)
        if found is None:
            found = self._conditions[g] = self._define_condition(g)
        return found

    def _define_condition(self, g: str) -> Definition:
        """What each conjunct says of a match; last, that all of them make one."""
        condition = self.graph.entities[g].condition
        conjuncts = condition.operands if isinstance(condition, And) else (condition,)
        sure, maybe = self.matches(g)
        self.formulas.watch()
        pairs = [self.formulas.truth(each) for each in conjuncts]
        selectors = tuple(self._selector(f"condition:{g}:{place}") for place in range(len(pairs) + 1))
        pending, last = self.clauses.pending, selectors[-1]
        for selector, (true, false) in zip(selectors, pairs, strict=False):
            pending += [[-selector, -sure, true], [-selector, -maybe, -false]]
        pending.append([-last, sure, *(-true for true, _ in pairs)])
        pending.append([-last, maybe, *(false for _, false in pairs)])
        return Definition(selectors, frozenset(self.formulas.groups), self.formulas.open)

    def _rule(self, g: str) -> Definition:
        found = self._rules.get(g)
        if found is None:
            cycle = self.network.cycles.get(g)
            if cycle is None:
                self._define_rule(g, self.low.holds(g), self.high.holds(g))
            else:
                self._define_cycle(cycle)
            found = self._rules[g]
        return found

    def _define_rule(self, g: str, lower: int, upper: int) -> None:
        selector = self._selector(f"rule:{g}")
        for variable, value in zip(self.forces(g), (lower, upper), strict=True):
            self.clauses.pending += [[-selector, -variable, value], [-selector, variable, -value]]
        self._rules[g] = Definition((selector,))

    def _define_cycle(self, cycle: tuple[str, ...]) -> None:
        if too_long(self.network, cycle):
            self._rules |= dict.fromkeys(cycle, Definition((), open=True))
            return
        lower, upper = solved(self.low, self.high, cycle)
        for g in cycle:
            self._define_rule(g, lower[g], upper[g])

    def group(self, number: int) -> Definition:
        """The axioms of one group."""
        found = self._groups.get(number)
        if found is None:
            self.formulas.watch()
            selectors = []
            for axiom in self.axioms.groups[number]:
                selectors.append(selector := self._selector(f"axiom:{axiom.id}"))
                self.clauses.pending += [[-selector, *clause] for clause in admitted(axiom, self.formulas)]
            found = self._groups[number] = Definition(tuple(selectors), frozenset((number,)), self.formulas.open)
        return found

    # -- questions -----------------------------------------------------------------------------------------------

    def claimed(self, claims: Iterable[Claim]) -> tuple[list[int], Definition]:
        """Literals that say what is claimed, and the axioms about it."""
        self.formulas.watch()
        literals = [literal for claim in claims for literal in self._stated(claim)]
        left_open, groups = self.formulas.open, self.formulas.groups
        parts = [self.group(number) for number in sorted(groups)]
        selectors = tuple(selector for part in parts for selector in part.selectors)
        return literals, Definition(selectors, frozenset(groups), left_open or any(part.open for part in parts))

    def _stated(self, claim: Claim) -> Iterator[int]:
        if isinstance(claim, All):
            for each in claim.claims:
                yield from self._stated(each)
        else:
            yield self._literal(claim)

    def _literal(self, claim: Claim) -> int:
        match claim:
            case Predicate():
                return self._predicate(claim)
            case Holds(expr, truth):
                return self.formulas.truth(expr)[0 if truth else 1]
            case Not(operand):
                return -self._literal(operand)
            case All(claims):
                return self.clauses.all_of([self._literal(each) for each in claims])
            case Some(claims):
                return self.clauses.any_of([self._literal(each) for each in claims])
            case Symbolic():
                self.formulas.open = True
                return self.clauses.new()

    def _predicate(self, claim: Predicate) -> int:
        reading = self.low if claim.bound == "certain" else self.high
        g = claim.entity
        if claim.name == "in force":
            return reading.in_force(g)
        return int(getattr(reading, claim.name)(g))

    def solve(self, assumptions: Sequence[int]) -> bool | None:
        """Whether all of these can be true; None when the budget of conflicts ran out."""
        self._give()
        self._solver.conf_budget(self._conflicts)
        found: bool | None = self._solver.solve_limited(assumptions=assumptions)
        return found

    def _give(self) -> None:
        self.past.catch_up()
        if self.clauses.pending:
            for clause in self.clauses.take():
                self._solver.add_clause(clause)

    def core(self) -> tuple[str, ...]:
        """The selectors that the last answer, no, needed."""
        failed = self._solver.get_core() or ()
        return tuple(sorted({self.names[literal] for literal in failed if literal in self.names}))

    def model(self) -> frozenset[int]:
        """The literals that are true in the situation that the last answer, yes, found."""
        return frozenset((*self._solver.get_model(), TRUE))

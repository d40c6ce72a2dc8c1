"""The lane that answers everything: one incremental Z3 solver per cluster of entities, only a question's cone switched on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

import z3

from jurat.policies.errors import InternalError
from jurat.policies.expr import Atom, mentioned_atoms
from jurat.policies.findings import Verdict
from jurat.policies.types import ListType
from jurat.solver.answers import Answer
from jurat.solver.build import all_of, any_of, array, implication, negation
from jurat.solver.claims import All, Claim, Holds, Not, Predicate, Some, Symbolic, entities_of, mentioned_by
from jurat.solver.cones import Cones
from jurat.solver.encoding import Encoding, conjuncts
from jurat.solver.formulas import truth
from jurat.solver.limits import Limits


class Cluster:
    """One solver, and the definitions it was given so far; each is asserted once, behind its selector."""

    def __init__(self, encoding: Encoding, limits: Limits) -> None:
        self.encoding = encoding
        self.solver = z3.Solver()
        self.solver.set("rlimit", limits.rlimit)
        self.solver.set("random_seed", limits.seed)
        self.selectors: dict[str, z3.BoolRef] = {}
        self.names: dict[int, str] = {}
        self.lawful: set[Atom] = set()

    def add(self, name: str, formulas: Callable[[], Iterable[z3.BoolRef]]) -> z3.BoolRef:
        """Assert formulas behind a selector of this name, once."""
        if name not in self.selectors:
            selector = self.selectors[name] = z3.Bool(f"use {name}")
            self.names[selector.get_id()] = name
            for formula in formulas():
                self.solver.add(implication(selector, formula))
        return self.selectors[name]

    def obey(self, mentioned: Iterable[Atom]) -> None:
        """Assert what is always true of these atoms."""
        new = frozenset(mentioned) - self.lawful
        if new:
            self.solver.add(*self.encoding.laws(new, self.lawful))
            # What is known of a list grows with the elements that formulas ask about, so lists stay new.
            self.lawful |= {atom for atom in new if not isinstance(atom.type, ListType)}


class Exploration:
    """A question with a model, to which wishes are added while there still is one."""

    def __init__(self, solver: z3.Solver, check: Callable[[], Answer]) -> None:
        self._solver = solver
        self._check = check
        answer = check()
        if answer.model is None:
            raise InternalError("a witness was asked for where the solver found none")
        self.model: z3.ModelRef = answer.model

    def holds(self, formula: z3.BoolRef) -> bool:
        """Whether a formula is true in the model found last."""
        return bool(z3.is_true(self.model.eval(formula, model_completion=True)))

    def wish(self, formulas: list[z3.BoolRef]) -> None:
        """Make as many of these true as possible, the earlier ones first; halves are tried where all fail."""
        if all(self.holds(formula) for formula in formulas):
            self._solver.add(*formulas)
            return
        self._solver.push()
        self._solver.add(*formulas)
        answer = self._check()
        self._solver.pop()
        if answer.model is not None:
            self._solver.add(*formulas)
            self.model = answer.model
        elif len(formulas) > 1:
            self.wish(formulas[: len(formulas) // 2])
            self.wish(formulas[len(formulas) // 2 :])


class SmtLane:
    """Answers any question with Z3; deterministic for given limits."""

    def __init__(self, cones: Cones, encoding: Encoding, limits: Limits) -> None:
        self.cones = cones
        self.encoding = encoding
        self.limits = limits
        self._clusters: dict[str, Cluster] = {}
        self._prepared: dict[tuple[int, str], dict[str, z3.BoolRef]] = {}

    def ask(self, claims: Sequence[Claim]) -> Answer:
        """Is there an admissible situation of which all this is true?"""
        cluster = self._cluster(claims)
        literals = self._switch_on(cluster, claims)
        formulas: list[z3.BoolRef] = []
        for claim in claims:
            found = self.formula(claim)
            (literals if isinstance(claim, Predicate) and claim.name == "in force" else formulas).append(found)
        if not formulas:
            return self._check(cluster, literals, with_model=False)
        cluster.solver.push()
        try:
            cluster.solver.add(*formulas)
            return self._check(cluster, literals, with_model=False)
        finally:
            cluster.solver.pop()

    @contextmanager
    def explore(self, claims: Sequence[Claim]) -> Iterator[Exploration]:
        """As :meth:`ask`, then further wishes one after the other; the answer is expected to be a model."""
        cluster = self._cluster(claims)
        literals = self._switch_on(cluster, claims)
        cluster.solver.push()
        try:
            cluster.solver.add(*map(self.formula, claims))
            yield Exploration(cluster.solver, lambda: self._check(cluster, literals, with_model=True))
        finally:
            cluster.solver.pop()

    def formula(self, claim: Claim) -> z3.BoolRef:
        """A claim as a Z3 formula over the encoding's constants."""
        match claim:
            case Symbolic():
                return claim.formula
            case All(claims):
                return all_of(map(self.formula, claims))
            case Some(claims):
                return any_of(map(self.formula, claims))
            case Not(inner):
                return negation(self.formula(inner))
            case Holds(expr, wanted):
                both = truth(expr, self.encoding.atoms)
                return both.true if wanted else both.false
            case Predicate():
                return self._predicate(claim)

    def _predicate(self, claim: Predicate) -> z3.BoolRef:
        bound = self.encoding.low if claim.bound == "certain" else self.encoding.high
        if claim.name == "in force":
            return bound.in_force[claim.entity]
        formula: z3.BoolRef = getattr(bound, claim.name)(claim.entity)
        return formula

    def _check(self, cluster: Cluster, assumptions: list[z3.BoolRef], *, with_model: bool) -> Answer:
        solver = cluster.solver
        try:
            found = z3.Z3_solver_check_assumptions(
                solver.ctx.ref(), solver.solver, len(assumptions), array(assumptions)
            )
        except z3.Z3Exception as error:
            return Answer(Verdict.UNKNOWN, reason=str(error))
        result = z3.CheckSatResult(found)
        if result == z3.sat:
            return Answer(Verdict.REFUTED, model=solver.model() if with_model else None)
        if result == z3.unsat:
            core = (cluster.names.get(literal.get_id()) for literal in cluster.solver.unsat_core())
            return Answer(Verdict.PROVED, tuple(sorted(name for name in core if name)))
        return Answer(Verdict.UNKNOWN, reason=solver.reason_unknown())

    def _cluster(self, claims: Sequence[Claim]) -> Cluster:
        home = self.cones.home(entities_of(claims))
        if home not in self._clusters:
            self._clusters[home] = Cluster(self.encoding, self.limits)
        return self._clusters[home]

    def _switch_on(self, cluster: Cluster, claims: Sequence[Claim]) -> list[z3.BoolRef]:
        found: dict[str, z3.BoolRef] = {}
        for g in entities_of(claims):
            key = (id(cluster), g)
            if key not in self._prepared:
                self._prepared[key] = self._prepare(cluster, g)
            found |= self._prepared[key]
        mentioned = mentioned_by(claims)
        return list((found | self._about(cluster, mentioned) if mentioned else found).values())

    def _prepare(self, cluster: Cluster, entity: str) -> dict[str, z3.BoolRef]:
        cone = self.cones.cone((entity,))
        found: dict[str, z3.BoolRef] = {}
        for g in sorted(cone.conditions):
            found |= self._condition(cluster, g)
        for g in sorted(cone.rules):
            found[f"rule:{g}"] = cluster.add(f"rule:{g}", lambda g=g: self.encoding.rule(g))  # type: ignore[misc]  # bound now
        mentioned = mentioned_atoms(self.encoding.graph.entities[g].condition for g in cone.conditions)
        return found | self._about(cluster, mentioned)

    def _condition(self, cluster: Cluster, g: str) -> dict[str, z3.BoolRef]:
        names = [f"condition:{g}:{place}" for place in range(len(conjuncts(self.encoding.graph, g)) + 1)]
        if names[0] not in cluster.selectors:
            for name, formulas in zip(names, self.encoding.condition(g), strict=True):
                cluster.add(name, lambda formulas=formulas: formulas)  # type: ignore[misc]  # bound now
        return {name: cluster.selectors[name] for name in names}

    def _about(self, cluster: Cluster, mentioned: Iterable[Atom]) -> dict[str, z3.BoolRef]:
        """Switch on the axioms about some atoms, and assert what is always true of all these atoms."""
        every = set(mentioned)
        axioms = {f"axiom:{axiom.id}": axiom for axiom in self.cones.axioms_about(every)}
        found = {name: cluster.add(name, lambda a=a: self.encoding.axiom(a)) for name, a in axioms.items()}  # type: ignore[misc]  # bound now
        cluster.obey(every | mentioned_atoms(axiom.expr for axiom in axioms.values()))
        return found

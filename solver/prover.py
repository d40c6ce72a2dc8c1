"""Putting questions to Z3: one incremental solver per cluster of entities, and only the question's cone switched on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import networkx as nx
import z3

from jurat.policies.errors import InternalError
from jurat.policies.expr import Atom, Expr, Observation, key_of, mentioned_atoms
from jurat.policies.findings import TrustBase, Verdict
from jurat.policies.graph import PolicyGraph, restricted
from jurat.policies.model import Axiom
from jurat.policies.types import ListType
from jurat.solver.build import array, implication
from jurat.solver.encoding import Cone, Encoding
from jurat.solver.limits import Limits
from jurat.solver.terms import Truth


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether a situation as asked for exists: ``PROVED`` that there is none, ``REFUTED`` by a model, or unknown.

    ``core``: the selectors that the proof needed.
    """

    verdict: Verdict
    core: tuple[str, ...] = ()
    model: z3.ModelRef | None = None
    reason: str = ""

    @property
    def possible(self) -> bool:
        return self.verdict is Verdict.REFUTED


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


MANY = 60
"""Entities that one solver may hold without being slowed down by them."""


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


class Prover:
    """Answers questions about one policy; deterministic for given limits."""

    def __init__(self, graph: PolicyGraph, limits: Limits) -> None:
        self.graph = graph
        self.limits = limits
        self.encoding = Encoding(graph)
        self._clusters: dict[str, Cluster] = {}
        self._homes: dict[str, str] = {}
        self._prepared: dict[tuple[int, str], dict[str, z3.BoolRef]] = {}
        self._possible: dict[str, bool] = {}

    def gather(self, questions: Iterable[Iterable[str]]) -> None:
        """Say which entities will be asked about together, so that they share a solver.

        Where a lot hangs together only by being asked about, each entity gets a solver of its own, in which its
        questions are asked: Z3 takes longer for each definition that it holds, switched on or not.
        """
        together: nx.Graph[str] = nx.Graph()
        width: dict[str, int] = {}
        for entities in questions:
            cone = self.encoding.cone(entities)
            members = sorted(cone.rules | cone.conditions)
            together.add_nodes_from(members)
            nx.add_path(together, members)
            width |= {g: max(len(members), width.get(g, 0)) for g in members}
        for joined in nx.connected_components(together):
            apart = len(joined) > MANY and max(width[g] for g in joined) < MANY
            for g in joined:
                self._homes[g] = g if apart else min(joined)

    def ask(
        self,
        entities: Iterable[str],
        assumptions: Iterable[z3.BoolRef] = (),
        extra: Iterable[z3.BoolRef] = (),
        mentioned: frozenset[Atom] = frozenset(),
    ) -> Answer:
        """Is there an admissible situation with these assumptions (literals), and these formulas besides?

        ``entities`` are those the assumptions speak of; ``mentioned`` further atoms that ``extra`` speaks of.
        """
        names = tuple(entities)
        cluster = self._cluster(names)
        switched = self._switch_on(cluster, names, mentioned)
        formulas = list(extra)
        if not formulas:
            return self._check(cluster, [*switched, *assumptions], with_model=False)
        cluster.solver.push()
        try:
            cluster.solver.add(*formulas)
            return self._check(cluster, [*switched, *assumptions], with_model=False)
        finally:
            cluster.solver.pop()

    @contextmanager
    def explore(
        self,
        entities: Iterable[str],
        assumptions: Iterable[z3.BoolRef] = (),
        extra: Iterable[z3.BoolRef] = (),
        mentioned: frozenset[Atom] = frozenset(),
    ) -> Iterator[Exploration]:
        """As :meth:`ask`, then further wishes one after the other; the answer is expected to be a model."""
        names = tuple(entities)
        cluster = self._cluster(names)
        literals = [*self._switch_on(cluster, names, mentioned), *assumptions]
        cluster.solver.push()
        try:
            cluster.solver.add(*extra)
            yield Exploration(cluster.solver, lambda: self._check(cluster, literals, with_model=True))
        finally:
            cluster.solver.pop()

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

    def _cluster(self, names: tuple[str, ...]) -> Cluster:
        home = self._homes.get(names[0], "") if names else ""
        if home not in self._clusters:
            self._clusters[home] = Cluster(self.encoding, self.limits)
        return self._clusters[home]

    def _switch_on(self, cluster: Cluster, names: tuple[str, ...], mentioned: frozenset[Atom]) -> list[z3.BoolRef]:
        found: dict[str, z3.BoolRef] = {}
        for g in names:
            key = (id(cluster), g)
            if key not in self._prepared:
                self._prepared[key] = self._prepare(cluster, self.encoding.cone((g,)))
            found |= self._prepared[key]
        return list((found | self._about(cluster, mentioned) if mentioned else found).values())

    def _prepare(self, cluster: Cluster, cone: Cone) -> dict[str, z3.BoolRef]:
        found: dict[str, z3.BoolRef] = {}
        for g in sorted(cone.conditions):
            found |= self._condition(cluster, g)
        for g in sorted(cone.rules):
            found[f"rule:{g}"] = cluster.add(f"rule:{g}", lambda g=g: self.encoding.rule(g))  # type: ignore[misc]  # bound now
        mentioned = mentioned_atoms(self.graph.entities[g].condition for g in cone.conditions)
        return found | self._about(cluster, mentioned)

    def _condition(self, cluster: Cluster, g: str) -> dict[str, z3.BoolRef]:
        names = [f"condition:{g}:{place}" for place in range(len(self.encoding.conjuncts(g)) + 1)]
        if names[0] not in cluster.selectors:
            for name, formulas in zip(names, self.encoding.condition(g), strict=True):
                cluster.add(name, lambda formulas=formulas: formulas)  # type: ignore[misc]  # bound now
        return {name: cluster.selectors[name] for name in names}

    def _about(self, cluster: Cluster, mentioned: Iterable[Atom]) -> dict[str, z3.BoolRef]:
        """Switch on the axioms about some atoms, and assert what is always true of all these atoms."""
        every = set(mentioned)
        axioms = {f"axiom:{axiom.id}": axiom for axiom in self.axioms_about(every)}
        found = {name: cluster.add(name, lambda a=a: self.encoding.axiom(a)) for name, a in axioms.items()}  # type: ignore[misc]  # bound now
        cluster.obey(every | mentioned_atoms(axiom.expr for axiom in axioms.values()))
        return found

    # -- what can be ---------------------------------------------------------------------------------------------

    def can_be_in_force(self, g: str) -> Answer | None:
        """The answer whether an entity can certainly be in force; None if it was seen to."""
        if self._possible.get(g):
            return None
        answer = self.ask((g,), (self.encoding.certain[g],))
        if answer.possible:
            self._possible[g] = True
        return answer

    # -- axioms --------------------------------------------------------------------------------------------------

    @cached_property
    def _axiom_groups(self) -> tuple[Mapping[Atom, int], list[list[Axiom]]]:
        """Axioms that share atoms, directly or through others."""
        shared: nx.Graph[object] = nx.Graph()
        for axiom in self.graph.axioms:
            shared.add_edges_from((axiom, atom) for atom in mentioned_atoms([axiom.expr]))
        home: dict[Atom, int] = {}
        groups: list[list[Axiom]] = []
        for number, members in enumerate(nx.connected_components(shared)):
            groups.append(sorted((m for m in members if isinstance(m, Axiom)), key=lambda axiom: axiom.id))
            home |= {m: number for m in members if not isinstance(m, Axiom)}  # type: ignore[misc]  # atoms are left
        return home, groups

    @property
    def axiom_groups(self) -> list[list[Axiom]]:
        return self._axiom_groups[1]

    def axioms_about(self, mentioned: Iterable[Atom]) -> list[Axiom]:
        """The axioms that can matter to these atoms, by way of other axioms too."""
        home, groups = self._axiom_groups
        return [axiom for number in sorted({home[a] for a in mentioned if a in home}) for axiom in groups[number]]

    def atoms_of(self, entities: Iterable[str], mentioned: frozenset[Atom] = frozenset()) -> list[Atom]:
        """All atoms that a question about these entities can depend on, sorted by key."""
        cone = self.encoding.cone(entities)
        every = mentioned_atoms(self.graph.entities[g].condition for g in cone.conditions) | mentioned
        every |= mentioned_atoms(axiom.expr for axiom in self.axioms_about(every))
        return sorted(every, key=key_of)

    def part(self, entities: Iterable[str], mentioned: frozenset[Atom] = frozenset()) -> PolicyGraph:
        """The part of the policy that a question about these entities can depend on."""
        names = tuple(entities)
        cone = self.encoding.cone(names)
        return restricted(self.graph, cone.rules | cone.conditions, self.axioms_about(self.atoms_of(names, mentioned)))

    # -- reading cores -------------------------------------------------------------------------------------------

    def trust_base(self, core: Iterable[str]) -> TrustBase:
        """The axioms and observations that a proof leaned on."""
        used = list(core)
        axioms = {name.removeprefix("axiom:") for name in used if name.startswith("axiom:")}
        exprs = [axiom.expr for axiom in self.graph.axioms if axiom.id in axioms]
        exprs += [each for name in used if name.startswith("condition:") for each in self._used(name)]
        observed = {atom.key for atom in mentioned_atoms(exprs) if isinstance(atom, Observation)}
        return TrustBase(tuple(sorted(axioms)), tuple(sorted(observed)))

    def _used(self, selector: str) -> list[Expr]:
        """The conjunct behind a selector; the last one, that all conjuncts make a match, mentions all of them."""
        _, rest = selector.split(":", 1)
        g, place = rest.rsplit(":", 1)
        conjuncts = self.encoding.conjuncts(g)
        return [conjuncts[int(place)]] if int(place) < len(conjuncts) else list(conjuncts)

    def truth_of(self, atom: Atom) -> Truth:
        return self.encoding.atoms.truth(atom)

"""Putting questions to Z3: one incremental solver per cluster of entities, and only the question's cone switched on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import networkx as nx
import z3

from jurat.policies.errors import InternalError
from jurat.policies.expr import Atom, Expr, key_of
from jurat.policies.findings import TrustBase, Verdict
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Axiom
from jurat.solver.encoding import Cone, Encoding, mentioned_atoms
from jurat.solver.limits import Limits
from jurat.solver.terms import Truth

Assumption = z3.BoolRef


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
        self.lawful: set[str] = set()

    def add(self, name: str, formulas: Iterable[z3.BoolRef]) -> z3.BoolRef:
        """Assert formulas behind a selector of this name."""
        if name not in self.selectors:
            selector = self.selectors[name] = z3.Bool(f"use {name}")
            for formula in formulas:
                self.solver.add(z3.Implies(selector, formula))
        return self.selectors[name]

    def obey(self, mentioned: Iterable[Atom]) -> None:
        """Assert what is always true of these atoms."""
        new = {atom for atom in mentioned if key_of(atom) not in self.lawful}
        self.lawful |= {key_of(atom) for atom in new}
        self.solver.add(*self.encoding.laws(new))


class Prover:
    """Answers questions about one policy; deterministic for given limits."""

    def __init__(self, graph: PolicyGraph, limits: Limits) -> None:
        self.graph = graph
        self.limits = limits
        self.encoding = Encoding(graph)
        self._clusters: dict[int, Cluster] = {}
        self._homes: dict[str, int] = {}
        self._prepared: dict[tuple[int, Cone, frozenset[str]], list[Assumption]] = {}

    def gather(self, questions: Iterable[Iterable[str]]) -> None:
        """Say which entities will be asked about together, so that they share a solver."""
        together: nx.Graph[str] = nx.Graph()
        for entities in questions:
            cone = self.encoding.cone(entities)
            members = sorted(cone.rules | cone.conditions)
            together.add_nodes_from(members)
            nx.add_path(together, members)
        for number, members in enumerate(nx.connected_components(together)):
            self._homes |= dict.fromkeys(members, number)

    def ask(
        self,
        entities: Iterable[str],
        assumptions: Iterable[Assumption] = (),
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
            return self._check(cluster, [*switched, *assumptions])
        cluster.solver.push()
        try:
            cluster.solver.add(*formulas)
            return self._check(cluster, [*switched, *assumptions])
        finally:
            cluster.solver.pop()

    def _check(self, cluster: Cluster, assumptions: list[Assumption]) -> Answer:
        try:
            result = cluster.solver.check(*assumptions)
        except z3.Z3Exception as error:
            return Answer(Verdict.UNKNOWN, reason=str(error))
        if result == z3.sat:
            return Answer(Verdict.REFUTED, model=cluster.solver.model())
        if result == z3.unsat:
            names = {str(literal) for literal in cluster.solver.unsat_core()}
            return Answer(Verdict.PROVED, tuple(sorted(n for n in cluster.selectors if f"use {n}" in names)))
        return Answer(Verdict.UNKNOWN, reason=cluster.solver.reason_unknown())

    def _cluster(self, names: tuple[str, ...]) -> Cluster:
        home = self._homes.get(names[0], -1) if names else -1
        if home not in self._clusters:
            self._clusters[home] = Cluster(self.encoding, self.limits)
        return self._clusters[home]

    def _switch_on(self, cluster: Cluster, names: tuple[str, ...], mentioned: frozenset[Atom]) -> list[Assumption]:
        cone = self.encoding.cone(names)
        key = (id(cluster), cone, frozenset(key_of(atom) for atom in mentioned))
        if key not in self._prepared:
            self._prepared[key] = self._prepare(cluster, cone, mentioned)
        return self._prepared[key]

    def _prepare(self, cluster: Cluster, cone: Cone, mentioned: frozenset[Atom]) -> list[Assumption]:
        found: list[Assumption] = []
        for g in sorted(cone.conditions):
            for place, formulas in enumerate(self._condition(cluster, g)):
                found.append(cluster.add(f"condition:{g}:{place}", formulas))
        for g in sorted(cone.rules):
            found.append(cluster.add(f"rule:{g}", () if f"rule:{g}" in cluster.selectors else self.encoding.rule(g)))
        every = mentioned_atoms(self.graph.entities[g].condition for g in cone.conditions) | mentioned
        axioms = self.axioms_about(every)
        for axiom in axioms:
            found.append(cluster.add(f"axiom:{axiom.id}", self.encoding.axiom(axiom)))
        cluster.obey(every | mentioned_atoms(axiom.expr for axiom in axioms))
        return found

    def _condition(self, cluster: Cluster, g: str) -> Iterable[Iterable[z3.BoolRef]]:
        if f"condition:{g}:0" in cluster.selectors:
            return [()] * (len(self.encoding.conjuncts(g)) + 1)
        return self.encoding.condition(g)

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

    # -- reading cores -------------------------------------------------------------------------------------------

    def trust_base(self, core: Iterable[str]) -> TrustBase:
        """The axioms and observations that a proof leaned on."""
        used = list(core)
        axioms = {name.removeprefix("axiom:") for name in used if name.startswith("axiom:")}
        exprs = [axiom.expr for axiom in self.graph.axioms if axiom.id in axioms]
        exprs += [each for name in used if name.startswith("condition:") for each in self._used(name)]
        observed = {key_of(a) for a in mentioned_atoms(exprs) if key_of(a) in self.graph.vocabulary.observations}
        return TrustBase(tuple(sorted(axioms)), tuple(sorted(observed)))

    def _used(self, selector: str) -> list[Expr]:
        """The conjunct behind a selector; the last one, that all conjuncts make a match, mentions all of them."""
        _, rest = selector.split(":", 1)
        g, place = rest.rsplit(":", 1)
        conjuncts = self.encoding.conjuncts(g)
        return [conjuncts[int(place)]] if int(place) < len(conjuncts) else list(conjuncts)

    def truth_of(self, atom: Atom) -> Truth:
        return self.encoding.atoms.truth(atom)


def require_sat(answer: Answer) -> z3.ModelRef:
    """The model of an answer that was said to have one."""
    if answer.model is None:
        raise InternalError("a witness was asked for where the solver found none")
    return answer.model

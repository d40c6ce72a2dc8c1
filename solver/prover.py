"""Putting questions about a policy to the solvers, and reading what their answers lean on."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from jurat.policies.expr import Atom, Expr, Observation, mentioned_atoms, parts_of
from jurat.policies.findings import TrustBase, Verdict
from jurat.policies.graph import PolicyGraph
from jurat.solver.agreement import Agreement
from jurat.solver.answers import Answer
from jurat.solver.claims import Claim, in_force
from jurat.solver.cones import AxiomGroups, Cones
from jurat.solver.encoding import Encoding, conjuncts
from jurat.solver.limits import Limits
from jurat.solver.sat import SatLane
from jurat.solver.smt import SmtLane
from jurat.solver.terms import Truth

MANY_PARTS = 1_000
"""Parts of axioms, of which an exclusion of forty has nearly as many."""


class Prover:
    """Answers questions about one policy; deterministic for given limits."""

    def __init__(
        self, graph: PolicyGraph, limits: Limits, of: Prover | None = None, axioms: AxiomGroups | None = None
    ) -> None:
        """``of`` is the prover of the policy that ``graph`` is a part of; ``axioms`` the policy's, if grouped before."""
        self.graph = graph
        self.whole: PolicyGraph = of.whole if of else graph
        self.limits = limits
        self.cones = Cones(graph, axioms)
        self.agreement: Agreement = of.agreement if of else Agreement(limits.agreed)
        self._gathered: list[tuple[str, ...]] = []
        self._possible: dict[str, bool] = {}
        self._behind: dict[str, frozenset[str]] = {}

    @cached_property
    def encoding(self) -> Encoding:
        """The policy in Z3."""
        return Encoding(self.graph, self.cones)

    @cached_property
    def smt(self) -> SmtLane:
        """The lane that answers everything."""
        self.cones.gather(self._gathered)
        return SmtLane(self.cones, self.encoding, self.limits)

    @cached_property
    def sat(self) -> SatLane:
        """The lane that answers what is finite, and fast."""
        return SatLane(self.graph, self.limits)

    def renewed(self, graph: PolicyGraph) -> Prover:
        """A prover of another version of the policy, with the same axioms."""
        other = Prover(graph, self.limits, axioms=self.cones.axioms)
        other.agreement = self.agreement
        return other

    def gather(self, questions: Iterable[Iterable[str]]) -> None:
        """Say which entities will be asked about together, so that they share a solver."""
        self._gathered = [tuple(entities) for entities in questions]
        self.sat.gather(self._gathered)

    def ask(self, *claims: Claim) -> Answer:
        """Is there an admissible situation of which all this is true? PROVED: there is none."""
        found = self.sat.ask(claims)
        if found is None or found.verdict is Verdict.UNKNOWN:
            return self.smt.ask(claims)
        if not self._heavy and self.agreement.due():
            self.agreement.confirm(claims, found.verdict, self.smt.ask(claims).verdict)
        return Answer(found.verdict, found.core)

    @cached_property
    def _heavy(self) -> bool:
        """Whether the axioms have so many parts that asking Z3 as well would take longer than all the rest."""
        return sum(1 for axiom in self.graph.axioms for _ in parts_of(axiom.expr)) > MANY_PARTS

    def can_be_in_force(self, g: str) -> Answer | None:
        """The answer whether an entity can certainly be in force; None if it was seen to."""
        if self._possible.get(g):
            return None
        answer = self.ask(in_force(g))
        if answer.possible:
            self._possible[g] = True
        return answer

    # -- reading cores -------------------------------------------------------------------------------------------

    def trust_base(self, core: Iterable[str]) -> TrustBase:
        """The axioms and observations that a proof leaned on."""
        used = [name for name in core if not name.startswith("rule:")]
        axioms = sorted({name.removeprefix("axiom:") for name in used if name.startswith("axiom:")})
        observed = set[str]().union(*map(self._observed, used))
        return TrustBase(tuple(axioms), tuple(sorted(observed)))

    def _observed(self, selector: str) -> frozenset[str]:
        """The observations that stand behind a selector."""
        found = self._behind.get(selector)
        if found is None:
            mentioned = mentioned_atoms(self._used(selector))
            found = frozenset(atom.key for atom in mentioned if isinstance(atom, Observation))
            self._behind[selector] = found
        return found

    def _used(self, selector: str) -> list[Expr]:
        """The formula of an axiom, or a conjunct; the last one, that all conjuncts make a match, mentions all of them."""
        kind, _, rest = selector.partition(":")
        if kind == "axiom":
            return [axiom.expr for axiom in self.graph.axioms if axiom.id == rest]
        if kind != "condition":
            return []
        g, place = rest.rsplit(":", 1)
        found = conjuncts(self.graph, g)
        return [found[int(place)]] if int(place) < len(found) else list(found)

    def truth_of(self, atom: Atom) -> Truth:
        return self.encoding.atoms.truth(atom)

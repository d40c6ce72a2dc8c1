"""Putting questions about a policy to the solvers, and reading what their answers lean on."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from jurat.policies.expr import Atom, Expr, Observation, mentioned_atoms
from jurat.policies.findings import TrustBase
from jurat.policies.graph import PolicyGraph
from jurat.solver.answers import Answer
from jurat.solver.claims import Claim, in_force
from jurat.solver.cones import Cones
from jurat.solver.encoding import Encoding, conjuncts
from jurat.solver.limits import Limits
from jurat.solver.smt import SmtLane
from jurat.solver.terms import Truth


class Prover:
    """Answers questions about one policy; deterministic for given limits."""

    def __init__(self, graph: PolicyGraph, limits: Limits, whole: PolicyGraph | None = None) -> None:
        """``whole`` is the policy that ``graph`` is a part of; witnesses say what is in force in all of it."""
        self.graph = graph
        self.whole = whole or graph
        self.limits = limits
        self.cones = Cones(graph)
        self._possible: dict[str, bool] = {}

    @cached_property
    def encoding(self) -> Encoding:
        """The policy in Z3."""
        return Encoding(self.graph, self.cones)

    @cached_property
    def smt(self) -> SmtLane:
        """The lane that answers everything."""
        return SmtLane(self.cones, self.encoding, self.limits)

    def gather(self, questions: Iterable[Iterable[str]]) -> None:
        """Say which entities will be asked about together, so that they share a solver."""
        self.cones.gather(questions)

    def ask(self, *claims: Claim) -> Answer:
        """Is there an admissible situation of which all this is true? PROVED: there is none."""
        return self.smt.ask(claims)

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
        found = conjuncts(self.graph, g)
        return [found[int(place)]] if int(place) < len(found) else list(found)

    def truth_of(self, atom: Atom) -> Truth:
        return self.encoding.atoms.truth(atom)

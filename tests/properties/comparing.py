"""The encoder's answer for one situation, beside that of the reference semantics."""

from __future__ import annotations

from collections.abc import Iterator

import z3

from jurat.policies.expr import Atom, Fact, JourneyState, Observation, key_of
from jurat.policies.graph import PolicyGraph
from jurat.policies.semantics import bounds, matched
from jurat.policies.types import BoolType
from jurat.policies.valuation import Valuation
from jurat.solver.encoding import Encoding, mentioned_atoms
from jurat.solver.terms import literal

InForce = tuple[frozenset[str], frozenset[str]]
"""What is certainly and what is possibly in force."""


def reference(graph: PolicyGraph, settled: Valuation) -> InForce:
    """Section 3 of the semantics, executed."""
    low, high = bounds(graph, *matched(graph, settled))
    return frozenset(low.in_force), frozenset(high.in_force)


class Symbolic:
    """The whole encoding in one solver, asked about one situation after the other."""

    def __init__(self, encoding: Encoding) -> None:
        self.encoding = encoding
        graph = encoding.graph
        self.solver = z3.Solver()
        self.solver.add(*encoding.everything())
        exprs = [*(entity.condition for entity in graph.entities.values()), *(axiom.expr for axiom in graph.axioms)]
        self.atoms = sorted(mentioned_atoms(exprs), key=key_of)

    def admits(self, valuation: Valuation) -> bool:
        """Whether the axioms, closed under propagation, allow this situation."""
        self.solver.push()
        self.solver.add(*self._pins(valuation))
        answer = self.solver.check()
        self.solver.pop()
        assert answer != z3.unknown
        return bool(answer == z3.sat)

    def differences(self, valuation: Valuation, expected: InForce) -> list[str]:
        """Where some model of the encoding and this situation differs from what is expected; empty if none can."""
        self.solver.push()
        self.solver.add(*self._pins(valuation))
        found = ["no model"] if self.solver.check() != z3.sat else []
        wrong = list(self._unlike(expected))
        self.solver.add(z3.Or(*wrong))
        answer = self.solver.check()
        assert answer != z3.unknown
        if answer == z3.sat:
            model = self.solver.model()
            found += [str(each) for each in wrong if z3.is_true(model.eval(each, model_completion=True))]
        self.solver.pop()
        return found

    def _unlike(self, expected: InForce) -> Iterator[z3.BoolRef]:
        for constants, in_force in zip((self.encoding.certain, self.encoding.possible), expected, strict=True):
            yield from (z3.Not(constant) if g in in_force else constant for g, constant in constants.items())

    def _pins(self, valuation: Valuation) -> Iterator[z3.BoolRef]:
        for atom in self.atoms:
            yield from self._pin(atom, valuation)

    def _pin(self, atom: Atom, valuation: Valuation) -> Iterator[z3.BoolRef]:
        value, atoms = valuation.look(atom), self.encoding.atoms
        if isinstance(atom, Observation):
            yield atoms.truth(atom).true == (value is True)
            yield atoms.truth(atom).false == (value is False)
            return
        if isinstance(atom, Fact | JourneyState):
            yield atoms.present(atom) == (value is not None)
        if value is not None:
            is_truth = isinstance(atom.type, BoolType)
            yield atoms.truth(atom).true == value if is_truth else atoms.term(atom).value == literal(value, atom.type)

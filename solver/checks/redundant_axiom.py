"""An axiom that the others, or the declared types, say already.

What it proves
    For each axiom there is a situation that falsifies it and no other axiom: it adds something to them.

Why it matters
    It does no harm. But its author took it for knowledge, and whoever later changes the axioms that imply it is misled
    about what is still assumed.

Example
    `exclusive: [asks_refund, asks_exchange]` beside `one_of: [asks_refund, asks_exchange, asks_nothing]`; or
    `order.age_days >= 0`, where the declaration says `min: 0`.

Fix
    Delete it, or state it where it says more.

Limits
    Observations are taken as known, true or false. At run time an implied axiom may still settle an unknown observation
    that the others together would leave open. Of axioms that imply each other, the first in the file is kept.
"""

from __future__ import annotations

from collections.abc import Iterator

import z3

from jurat.policies.diagnostics import Note
from jurat.policies.expr import Observation, mentioned_atoms
from jurat.policies.findings import Proof, Severity, TrustBase, Verdict
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Axiom
from jurat.solver.build import any_of, implication, negation
from jurat.solver.formulas import truth
from jurat.solver.outcome import Check, Outcome, Report, judged
from jurat.solver.prover import Prover
from jurat.solver.samples import truths

CHECK = Check("J015", "redundant-axiom", Severity.NOTE)


def entities(_: PolicyGraph) -> Iterator[tuple[str, ...]]:
    """Axioms are checked apart from any guideline."""
    yield from ()


def run(prover: Prover) -> Iterator[Outcome]:
    plain = [[axiom] for axiom in prover.graph.axioms if not mentioned_atoms([axiom.expr])]
    for group in (*prover.cones.axioms.groups, *plain):
        for axiom, proof in _proofs(prover, group):
            yield judged(prover.graph, CHECK, proof, lambda p, a=axiom: _told(prover.graph, a, p))  # type: ignore[misc]  # bound now


def _proofs(prover: Prover, group: list[Axiom]) -> Iterator[tuple[Axiom, Proof]]:
    """Each axiom against those left; the last in the file first, so that the first of equals is kept."""
    if len(group) == 1 and False in truths(group[0].expr):
        yield group[0], Proof(f"adds something: {group[0].id}", CHECK.name, Verdict.PROVED)
        return
    left = sorted(group, key=lambda axiom: (axiom.span, axiom.id))
    theory = _Theory(prover, left)
    for axiom in reversed(left[:]):
        proof = theory.adds_something(axiom, [each for each in left if each is not axiom])
        if proof.verdict is Verdict.REFUTED:
            left.remove(axiom)
        yield axiom, proof


class _Theory:
    """Axioms, each behind a selector, in situations in which every observation is known."""

    def __init__(self, prover: Prover, axioms: list[Axiom]) -> None:
        atoms = prover.encoding.atoms
        self.solver = z3.Solver()
        self.solver.set("rlimit", prover.limits.rlimit)
        self.solver.set("random_seed", prover.limits.seed)
        self.false = {axiom.id: truth(axiom.expr, atoms).false for axiom in axioms}
        self.selectors = {axiom.id: z3.Bool(f"axiom {place}") for place, axiom in enumerate(axioms)}
        for id_, selector in self.selectors.items():
            self.solver.add(implication(selector, negation(self.false[id_])))
        mentioned = mentioned_atoms(axiom.expr for axiom in axioms)
        known = (prover.truth_of(atom) for atom in mentioned if isinstance(atom, Observation))
        self.solver.add(*(any_of((both.true, both.false)) for both in known))
        self.solver.add(*prover.encoding.laws(mentioned))

    def adds_something(self, axiom: Axiom, others: list[Axiom]) -> Proof:
        """Whether it can be false while the others are not; REFUTED with a core of which nothing can be left out."""
        text = f"adds something: {axiom.id}"
        self.solver.push()
        self.solver.add(self.false[axiom.id])
        found = self._check(others)
        reason = self.solver.reason_unknown() if found == z3.unknown else ""
        core = self._smallest(others) if found == z3.unsat else ()
        self.solver.pop()
        if found == z3.unsat:
            return Proof(text, CHECK.name, Verdict.REFUTED, tuple(f"axiom:{id_}" for id_ in core), TrustBase(core))
        return Proof(text, CHECK.name, Verdict.PROVED if found == z3.sat else Verdict.UNKNOWN, reason=reason)

    def _check(self, axioms: list[Axiom]) -> z3.CheckSatResult:
        return self.solver.check(*(self.selectors[each.id] for each in axioms))

    def _smallest(self, others: list[Axiom]) -> tuple[str, ...]:
        core = {each.get_id() for each in self.solver.unsat_core()}
        kept = [each for each in others if self.selectors[each.id].get_id() in core]
        for axiom in list(kept):
            rest = [each for each in kept if each is not axiom]
            if self._check(rest) == z3.unsat:
                kept = rest
        return tuple(each.id for each in kept)


def _told(graph: PolicyGraph, axiom: Axiom, proof: Proof) -> Report:
    implying = [each for each in graph.axioms if f"axiom:{each.id}" in proof.core]
    one = len(implying) == 1
    who = ("another axiom does" if one else "other axioms together do") if implying else "the declared types do"
    related = tuple(Note(each.span, "it follows from this one" if one else "from this one") for each in implying)
    help_ = "delete it, or say what more was meant"
    return Report(f"this axiom says nothing that {who} not say", axiom.span, (), related, (), help_)

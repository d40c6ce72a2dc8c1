"""No situation satisfies the axioms.

What it proves
    There is a situation, with every observation known, in which all axioms hold.

Why it matters
    From axioms that contradict each other everything follows: every other proof would succeed and mean nothing. So
    nothing else is proved until they are mended.

Example
    `exclusive: [asks_refund, asks_exchange]` beside `asks_refund && asks_exchange`.

Fix
    Take one of the axioms named out; they are the smallest set that the solver found to be contradictory.

Limits
    Facts may be absent in the situation found; an axiom about an absent fact does not speak of it.
"""

from __future__ import annotations

from collections.abc import Iterator

import z3

from jurat.policies.diagnostics import Note
from jurat.policies.expr import Observation, key_of, mentioned_atoms
from jurat.policies.findings import Proof, Severity, TrustBase, Verdict
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Axiom
from jurat.solver.claims import Claim, Holds, some
from jurat.solver.formulas import truth
from jurat.solver.outcome import Check, Outcome, Report, judged
from jurat.solver.prover import Prover

CHECK = Check("J007", "inconsistent-axioms", Severity.ERROR)


def entities(_: PolicyGraph) -> Iterator[tuple[str, ...]]:
    """Axioms are checked apart from any guideline."""
    yield from ()


def run(prover: Prover) -> Iterator[Outcome]:
    for group in groups(prover):
        yield of_group(prover, group)


def groups(prover: Prover) -> list[list[Axiom]]:
    """The axioms that share atoms, and each that mentions none by itself."""
    constant = ([axiom] for axiom in prover.graph.axioms if not mentioned_atoms([axiom.expr]))
    return [*prover.cones.axioms.groups, *constant]


def of_group(prover: Prover, group: list[Axiom]) -> Outcome:
    """The answer about axioms that share no atom with any other."""
    return judged(prover.graph, CHECK, _consistent(prover, group), lambda p: _told(prover.graph, p))


def _consistent(prover: Prover, group: list[Axiom]) -> Proof:
    text = "consistent: " + "; ".join(axiom.id for axiom in group)
    if prover.ask(*_all_true(group)).possible:
        return Proof(text, CHECK.name, Verdict.PROVED)
    solver = z3.Solver()
    solver.set("rlimit", prover.limits.rlimit)
    solver.set("random_seed", prover.limits.seed)
    named = {f"axiom:{axiom.id}": axiom for axiom in group}
    for name, axiom in named.items():
        solver.add(z3.Implies(z3.Bool(name), truth(axiom.expr, prover.encoding.atoms).true))
    mentioned = mentioned_atoms(axiom.expr for axiom in group)
    for atom in mentioned:
        if isinstance(atom, Observation):
            solver.add(z3.Or(prover.truth_of(atom).true, prover.truth_of(atom).false))
    solver.add(*prover.encoding.laws(mentioned))
    result = solver.check(*map(z3.Bool, named))
    if result == z3.sat:
        return Proof(text, CHECK.name, Verdict.PROVED)
    if result == z3.unknown:
        return Proof(text, CHECK.name, Verdict.UNKNOWN, reason=solver.reason_unknown())
    core = _smallest(solver, [str(each) for each in solver.unsat_core()])
    return Proof(text, CHECK.name, Verdict.REFUTED, core, TrustBase(tuple(n.removeprefix("axiom:") for n in core)))


def _all_true(group: list[Axiom]) -> Iterator[Claim]:
    """Each is true, and every observation in it known."""
    yield from (Holds(axiom.expr) for axiom in group)
    for atom in sorted(mentioned_atoms(axiom.expr for axiom in group), key=key_of):
        if isinstance(atom, Observation):
            yield some(Holds(atom), Holds(atom, truth=False))


def _smallest(solver: z3.Solver, core: list[str]) -> tuple[str, ...]:
    """A core from which nothing can be left out."""
    kept = sorted(core)
    for name in list(kept):
        rest = [each for each in kept if each != name]
        if solver.check(*map(z3.Bool, rest)) == z3.unsat:
            kept = rest
    return tuple(kept)


def _told(graph: PolicyGraph, proof: Proof) -> Report:
    guilty = [axiom for axiom in graph.axioms if f"axiom:{axiom.id}" in proof.core]
    one = len(guilty) == 1
    message = "this axiom can never hold" if one else "these axioms cannot all hold"
    related = tuple(Note(axiom.span, "together with this one") for axiom in guilty[1:])
    notes = ("nothing else was proved: from a contradiction everything follows",)
    return Report(message, guilty[0].span, (), related, notes, "take one of them out, or weaken it")

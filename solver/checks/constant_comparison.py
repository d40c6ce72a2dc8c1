"""A comparison that the declared types alone decide.

What it proves
    Each comparison that an author wrote, wherever it stands, can be true and can be false for values of the declared
    types, before any axiom is looked at.

Why it matters
    The rest of the formula hides it: the formula can still hold or not, and one of its parts never plays a role.

Example
    `asks_refund && order.age_days >= 0`, where `order.age_days` is declared with `min: 0`; `percent <= 200`, where
    `percent` ends at 100; `customer.tier >= "standard"`, where `standard` is the lowest tier.

Fix
    Mend the limit, or the declared range, or leave the comparison out.

Limits
    Where the comparison makes the whole condition constant, that is the finding (`vacuous-condition`, or
    `dead-guideline` for one that never holds, or `redundant-axiom`), with a note about the comparison. `has(…)`, text
    tests and membership in a declared list are not comparisons.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import z3

from jurat.policies.expr import (
    And,
    Argument,
    Atom,
    Compare,
    Const,
    Event,
    Expr,
    Fact,
    In,
    ListOf,
    Observation,
    Or,
    atoms,
    key_of,
    mentioned_atoms,
    walk,
)
from jurat.policies.findings import Proof, Severity, Verdict
from jurat.policies.graph import PolicyGraph
from jurat.policies.printing import show
from jurat.policies.type_rules import worded
from jurat.policies.types import DecimalType, EnumType, IntType, ListType, Type
from jurat.policies.values import show_value
from jurat.solver.formulas import truth
from jurat.solver.outcome import Check, Outcome, Report, judged
from jurat.solver.prover import Prover
from jurat.solver.samples import of_limit, truths
from jurat.solver.terms import ListTerm, Members, Term, list_laws, sort_of, within
from jurat.solver.written import Written, every_formula, place_of

CHECK = Check("J016", "constant-comparison", Severity.WARNING)
WHOLE = ("condition", "guard", "trigger", "transition", "axiom")
"""What is a finding of its own where it is constant as a whole."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A comparison that has one truth value: ``always`` true, or never."""

    expr: Expr
    always: bool

    def __str__(self) -> str:
        return f"`{show(self.expr)}` is {'always' if self.always else 'never'} true{_because(self.expr)}"


def entities(_: PolicyGraph) -> Iterator[tuple[str, ...]]:
    """Types are asked about apart from any guideline."""
    yield from ()


def run(prover: Prover) -> Iterator[Outcome]:
    decided: dict[Expr, Proof] = {}
    for written in every_formula(prover.graph):
        for comparison in comparisons(written.expr):
            if comparison not in decided:
                proof = decided[comparison] = _proof(prover, comparison)
                if proof.verdict is not Verdict.REFUTED:
                    yield Outcome(proof)
            if decided[comparison].verdict is Verdict.REFUTED and not _says_it_all(prover, written, comparison):
                yield _found(prover, written, comparison, decided[comparison])


def comparisons(expr: Expr) -> list[Expr]:
    """The comparisons in a formula, each once; membership in a list written out is one of several values."""
    return list(dict.fromkeys(_comparisons(expr)))


def _comparisons(expr: Expr) -> Iterator[Expr]:
    if isinstance(expr, Observation | Event | Const | Fact):
        return
    if isinstance(expr, And | Or):
        for operand in expr.operands:
            yield from _comparisons(operand)
    elif isinstance(expr, Compare) and isinstance(expr.left, Fact) and isinstance(expr.right, Const):
        yield expr
    else:
        yield from (each for each in walk(expr) if isinstance(each, Compare) or _in_values(each))


def _in_values(expr: Expr) -> bool:
    return isinstance(expr, In) and isinstance(expr.collection, ListOf)


def constants_in(prover: Prover, expr: Expr) -> tuple[Constant, ...]:
    """The comparisons in a formula that the types alone decide."""
    found = ((each, _proof(prover, each)) for each in comparisons(expr))
    return tuple(Constant(each, proof.reason == "always") for each, proof in found if proof.verdict is Verdict.REFUTED)


def _proof(prover: Prover, comparison: Expr) -> Proof:
    """PROVED: it can be either; REFUTED, with ``reason`` always or never."""
    text = f"not constant: {show(comparison)}"
    seen = truths(comparison)
    if len(seen) == 2:
        return Proof(text, CHECK.name, Verdict.PROVED)
    if of_limit(comparison) is not None:
        return Proof(text, CHECK.name, Verdict.REFUTED, reason="always" if seen == {True} else "never")
    for value, word in ((True, "never"), (False, "always")):
        verdict, reason = (Verdict.REFUTED, "") if value in seen else _reached(prover, comparison, value=value)
        if verdict is Verdict.UNKNOWN:
            return Proof(text, CHECK.name, verdict, reason=reason)
        if verdict is Verdict.PROVED:
            return Proof(text, CHECK.name, Verdict.REFUTED, reason=word)
    return Proof(text, CHECK.name, Verdict.PROVED)


def _reached(prover: Prover, comparison: Expr, *, value: bool) -> tuple[Verdict, str]:
    """PROVED that no values of the declared types give a comparison this truth value."""
    solver = z3.Solver()
    solver.set("rlimit", prover.limits.rlimit)
    solver.set("random_seed", prover.limits.seed)
    given = {each.name: _term(each) for each in walk(comparison) if isinstance(each, Argument)}
    types = {each.name: each.type for each in walk(comparison) if isinstance(each, Argument)}
    both = truth(comparison, prover.encoding.atoms, given)
    solver.add(both.true if value else both.false)
    solver.add(*prover.encoding.laws(mentioned_atoms([comparison])))
    for name, term in given.items():
        solver.add(*(list_laws(term) if isinstance(term, ListTerm) else within(term.value, types[name])))
    found = solver.check()
    if found == z3.unknown:
        return Verdict.UNKNOWN, solver.reason_unknown()
    return (Verdict.REFUTED if found == z3.sat else Verdict.PROVED), ""


def _term(argument: Argument) -> Term | ListTerm:
    name = f"arguments.{argument.name}"
    if isinstance(argument.type, ListType):
        return ListTerm(z3.Bool(f"{name} is given"), Members(name), z3.Int(f"size({name})"))
    return Term(z3.Bool(f"{name} is given"), z3.Const(name, sort_of(argument.type)))


def _says_it_all(prover: Prover, written: Written, comparison: Expr) -> bool:
    """Whether the whole formula is constant with this comparison in it, which is a finding of its own."""
    if written.what in WHOLE and written.expr == comparison:
        return True
    if any(isinstance(each, Argument) for each in walk(written.expr)):
        return False
    reported = (True, False) if written.what in WHOLE else (True,) if written.what == "goal" else ()
    return any(_reached(prover, written.expr, value=value)[0] is Verdict.PROVED for value in reported)


def _found(prover: Prover, written: Written, comparison: Expr, proof: Proof) -> Outcome:
    return judged(prover.graph, CHECK, proof, lambda p: _told(prover.graph, written, comparison, p))


def _told(graph: PolicyGraph, written: Written, comparison: Expr, proof: Proof) -> Report:
    place = place_of(graph, written, comparison)
    text, span = place or (show(comparison), written.span)
    message = f"`{text}` in the {written.what} of {written.owner} is {proof.reason} true{_because(comparison)}"
    subjects = (written.guideline,) if written.guideline else ()
    help_ = "mend the limit or the declared range, or leave the comparison out"
    return Report(message, span, subjects, (), (), help_, (written.subject,))


def _because(comparison: Expr) -> str:
    """What the types say of what is compared."""
    leaves: list[Atom | Argument] = [*atoms(comparison)]
    leaves += {each for each in walk(comparison) if isinstance(each, Argument)}
    said = sorted(f"`{_name(leaf)}` {_range(leaf.type)}" for leaf in leaves)
    return f": {' and '.join(said)}" if said else ": it compares constants"


def _name(leaf: Atom | Argument) -> str:
    return f"arguments.{leaf.name}" if isinstance(leaf, Argument) else key_of(leaf)


def _range(type_: Type) -> str:
    if isinstance(type_, EnumType):
        return f"is one of {', '.join(type_.values)}"
    if not isinstance(type_, IntType | DecimalType) or (type_.min is None and type_.max is None):
        return f"is {worded(type_)}"
    if type_.min is not None and type_.max is not None:
        return f"is between {show_value(type_.min)} and {show_value(type_.max)}"
    return f"is at most {type_.max}" if type_.min is None else f"is at least {type_.min}"

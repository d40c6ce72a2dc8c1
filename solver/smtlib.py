"""Obligations as SMT-LIB 2 files, each of which any SMT solver can answer by itself.

Of an invariant there are two, base and step of the induction, or the session that breaks it.

A file asks for an admissible situation that breaks a claim (``unsat``: the claim is proved); the one about the axioms asks
for a situation in which all of them hold.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import z3

from jurat.policies.arguments import constraint_of
from jurat.policies.expr import Observation, conjunction, mentioned_atoms
from jurat.policies.findings import Report, Verdict
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Call
from jurat.policies.obligations import Claim, claims
from jurat.solver.build import all_of, any_of, negation
from jurat.solver.calls import Request, Way
from jurat.solver.certificates.said import Said
from jurat.solver.checks import argument_bound, coverage_gap, ordering_conflict
from jurat.solver.claims import Claim as Asked
from jurat.solver.claims import (
    Holds,
    Not,
    Predicate,
    Symbolic,
    acts,
    binds,
    entities_of,
    every,
    in_force,
    mentioned_by,
    possible,
    some,
)  # fmt: skip
from jurat.solver.encoding import conjuncts
from jurat.solver.limits import DEFAULT, Limits
from jurat.solver.ordering import circles
from jurat.solver.paths import Calling
from jurat.solver.prover import Prover
from jurat.solver.sessions import prove_always
from jurat.solver.sessions.obligations import written

EXPECTED = {Verdict.PROVED: "unsat", Verdict.REFUTED: "sat", Verdict.UNKNOWN: "unknown"}


@dataclass(frozen=True, slots=True)
class Obligation:
    """One claim as a file: ``text`` is SMT-LIB 2, ``expected`` the answer that it should get."""

    claim: Claim
    expected: str
    text: str


def write(graph: PolicyGraph, report: Report, folder: str | Path, limits: Limits = DEFAULT) -> int:
    """Write every obligation to a folder, with an ``index.json`` that names them; how many there are.

    Raises:
        OSError: the folder cannot be written.
    """
    home, index = Path(folder), []
    home.mkdir(parents=True, exist_ok=True)
    for number, each in enumerate(obligations(graph, report, limits=limits), 1):
        name = f"{number:05d}-{each.claim[0].replace(' ', '-')}.smt2"
        (home / name).write_text(each.text, encoding="ascii")
        index.append({"file": name, "claim": [*each.claim], "expected": each.expected})
    content = {"policy": graph.digest, "obligations": index}
    (home / "index.json").write_text(json.dumps(content, indent=1) + "\n", encoding="ascii")
    return len(index)


def obligations(
    graph: PolicyGraph, report: Report, only: Iterable[Claim] | None = None, limits: Limits = DEFAULT
) -> Iterator[Obligation]:
    """The claims that a solver can be asked about, in the order of the certificate."""
    prover, said = Prover(graph, limits), Said(graph, report)
    wanted = claims(graph) if only is None else list(only)
    for claim in wanted:
        if claim != ("no circle",) and (claim != ("consistent",) or graph.axioms):
            expected = EXPECTED[said.verdict(claim)]
            if claim == ("consistent",):
                expected = {"unsat": "sat", "sat": "unsat"}.get(expected, expected)
            yield Obligation(claim, expected, text_of(prover, claim, expected))
    if only is None:
        yield from _further(prover, report)


def text_of(prover: Prover, claim: Claim, expected: str) -> str:
    """The file about one claim."""
    return _text(prover.graph, claim, expected, list(_asserted(prover, question(prover, claim))))


def _text(graph: PolicyGraph, claim: Claim, expected: str, asserted: list[tuple[str, z3.BoolRef]]) -> str:
    safe = _Names(formula for _, formula in asserted)
    lines = [
        f"; {json.dumps(': '.join(claim))} of the policy {graph.digest}",
        "(set-logic ALL)",
        f"(set-info :status {expected})",
        *safe.declarations(),
    ]
    for number, (name, formula) in enumerate(asserted, 1):
        lines.append(f"(assert (! {safe.text(formula)} :named |{_plain(name)} / {number}|))")
    return "\n".join([*lines, "(check-sat)", "(exit)", ""])


def _further(prover: Prover, report: Report) -> Iterator[Obligation]:
    """What the claims of a certificate do not speak of: circles of calls, goals, limits and invariants."""
    verdicts = {proof.question: proof.verdict for proof in report.proofs}
    for claim, text, asked in _other_questions(prover):
        if text in verdicts:
            expected = EXPECTED[verdicts[text]]
            yield Obligation(claim, expected, _text(prover.graph, claim, expected, list(_asserted(prover, asked))))
    for invariant in prover.graph.policy.invariants:
        if f"always: {invariant.text}" in verdicts:
            for each in written(prover, invariant.expr, prove_always(prover, invariant.expr)):
                claim, formulas = ("always", invariant.id, each.part), [("position", f) for f in each.formulas]
                yield Obligation(claim, each.expected, _text(prover.graph, claim, each.expected, formulas))


def _other_questions(prover: Prover) -> Iterator[tuple[Claim, str, tuple[Asked, ...]]]:
    """Claim, question of the report, and what is asked."""
    graph = prover.graph
    for circle in circles(prover):
        together = (
            every(*(acts(graph, g) for g in dict.fromkeys(who))) for who in ordering_conflict.ways(prover, circle)
        )
        yield ("not all called", *circle.tools), ordering_conflict.text_of(circle), (some(*together),)
    for goal in sorted(graph.policy.goals, key=lambda each: each.id):
        yield ("covered", goal.id), f"covered: goal {goal.id}", (coverage_gap.gap(graph, goal),)
    for id_, tool in sorted(graph.vocabulary.tools.items()):
        calling = Calling(prover, id_) if tool.limits else None
        for path in calling.paths if calling else ():
            assert calling is not None
            claim = ("within limits", id_, path.entity)
            yield claim, argument_bound.text_of(path), (calling.possible(path), calling.beyond)


def question(prover: Prover, claim: Claim) -> tuple[Asked, ...]:
    """A situation that breaks a claim; for the axioms, one in which they hold."""
    graph = prover.graph
    match claim:
        case ("consistent",):
            judged = [a for a in mentioned_atoms(x.expr for x in graph.axioms) if isinstance(a, Observation)]
            known = [some(Holds(atom), Holds(atom, truth=False)) for atom in sorted(judged, key=lambda a: a.key)]
            return (*(Holds(axiom.expr) for axiom in graph.axioms), *known)
        case ("acts", a, b):
            return acts(graph, a), acts(graph, b)
        case ("binds", a, b):
            return acts(graph, a), binds(b)
        case ("in force", a, b):
            return in_force(a), in_force(b)
        case ("decided", *stratum):
            known = [_known(g) for g in sorted(prover.cones.cone(stratum).conditions)]
            return some(*(every(possible(g), Not(in_force(g))) for g in stratum)), *known
        case _:
            return (_blocked(prover, claim[1]),)


def _known(g: str) -> Asked:
    return some(Predicate("matched", g), Not(Predicate("matched", g, "possible")))


def _blocked(prover: Prover, tool: str) -> Asked:
    """Some caller of the tool acts, and no arguments satisfy all that act and the guard."""
    declaration = prover.graph.vocabulary.tools[tool]
    requests = [
        Request(g, action, conjunction(*(constraint_of(each, declaration) for each in action.constraints)))
        for g, entity in prover.graph.entities.items()
        for action in entity.actions
        if isinstance(action, Call) and action.tool == tool
    ]
    callers = sorted({request.guideline for request in requests})
    way = Way(prover, declaration, requests)
    acting = any_of(prover.smt.formula(acts(prover.graph, g)) for g in callers)
    formula = all_of((acting, negation(way.open())))
    others = sorted(way.entities - {*callers})
    return Symbolic(formula, (*callers, *others), frozenset(mentioned_atoms(way.formulas)))


def _asserted(prover: Prover, asked: tuple[Asked, ...]) -> Iterator[tuple[str, z3.BoolRef]]:
    """Everything that a question depends on, by name."""
    cone, encoding = prover.cones.cone(entities_of(asked)), prover.encoding
    goals = [prover.smt.formula(each) for each in asked]
    found = [
        (f"condition {g} {n}", f)
        for g in sorted(cone.conditions)
        for n, part in enumerate(encoding.condition(g))
        for f in part
    ]
    found += [(f"rule {g}", formula) for g in sorted(cone.rules) for formula in encoding.rule(g)]
    mentioned = mentioned_atoms(part for g in cone.conditions for part in conjuncts(prover.graph, g)) | mentioned_by(
        asked
    )
    axioms = prover.cones.axioms_about(mentioned)
    found += [(f"axiom {axiom.id}", formula) for axiom in axioms for formula in encoding.axiom(axiom)]
    laws = encoding.laws(mentioned | mentioned_atoms(axiom.expr for axiom in axioms))
    found += [("law", law) for law in laws] + [("goal", goal) for goal in goals]
    yield from found


def _plain(name: str) -> str:
    """What may stand between bars."""
    return re.sub(r"[^ -{}~]", "_", name.replace("\\", "_"))[:80]


class _Names:
    """The constants and functions of some formulas, under names that every solver reads."""

    def __init__(self, formulas: Iterable[z3.BoolRef]) -> None:
        self._declared: dict[int, z3.FuncDeclRef] = {}
        self._seen: set[int] = set()
        todo: list[z3.ExprRef] = list(formulas)
        while todo:
            each = todo.pop()
            if each.get_id() not in self._seen:
                self._seen.add(each.get_id())
                todo += [each.body()] if z3.is_quantifier(each) else each.children()
                if z3.is_app(each) and each.decl().kind() == z3.Z3_OP_UNINTERPRETED:
                    self._declared[each.decl().get_id()] = each.decl()
        self._odd = [d for d in self._declared.values() if re.search(r"[|\\]", d.name())]

    def declarations(self) -> Iterator[str]:
        found = {self._safe(each).sexpr() for each in self._declared.values()}
        return iter(sorted(found))

    def text(self, formula: z3.BoolRef) -> str:
        """A formula, on one line."""
        pairs = [(each, self._safe(each)) for each in self._odd]
        renamed = z3.substitute_funs(formula, *((d, s(*_variables(d))) for d, s in pairs)) if pairs else formula
        return re.sub(r"\n\s*", " ", renamed.sexpr())

    def _safe(self, each: z3.FuncDeclRef) -> z3.FuncDeclRef:
        if each not in self._odd:
            return each
        sorts = [each.domain(place) for place in range(each.arity())]
        return z3.Function(f"{_plain(each.name()).replace('|', '_')} #{self._odd.index(each)}", *sorts, each.range())


def _variables(each: z3.FuncDeclRef) -> list[z3.ExprRef]:
    return [z3.Var(place, each.domain(place)) for place in range(each.arity())]

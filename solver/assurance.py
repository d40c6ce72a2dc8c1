"""What holds whatever the model answers, and how many wrong answers it takes where it does not.

**Two copies of the observations.** A situation has its trusted values (facts, events, history, journeys), and each
observation twice: as it *is*, true or false of the conversation, and as it was *judged*, true, false or unknown. The
axioms hold of both. Both see the same trusted values; what the agent does follows the judged copy.

**Misjudged** is an observation that the judge answered with the opposite of what is. Not knowing is no misjudgement and
costs nothing. Answers that the axioms derive from other answers and from facts, as the engine does
(:func:`jurat.policies.axioms.propagate`), are not counted either: the judge never gave them.

**The safety distance** of a tool is the fewest misjudged observations with which some call of it, with its arguments, is
admitted that would be refused had every observation been judged rightly. A call is admitted when a caller acts, nothing
forbids the tool, and its arguments certainly satisfy the guard and what calls in force ask of them. Distance 0 is a call
that not knowing something is enough for. No distance: no wrong answer admits a call that right answers would not.

**The safety distance of an invariant** that mentions observations is the fewest misjudged ones with which a tool is called
although the invariant, which speaks of what is, does not certainly hold at that call. It is 0 where that happens to
rightly judged ones. Invariants that mention no observation are proved or refuted over all sessions and all answers
(:mod:`jurat.solver.sessions`): what is proved holds whatever the model answers.

Exact, by iterating the bound on a cardinality constraint. A derived answer has a rank greater than those of the answers
it is derived from, so that none holds itself up (as in translations of answer-set programs to difference logic,
Janhunen, Niemelä and Sevalnev 2009).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import z3

from jurat.policies.evaluation import Look, evaluate
from jurat.policies.expr import (
    And,
    Atom,
    Event,
    Expr,
    Fact,
    History,
    JourneyState,
    Observation,
    key_of,
    mentioned_atoms,
)
from jurat.policies.findings import Proof, Verdict
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Invariant
from jurat.policies.printing import show
from jurat.policies.resolution import Resolution
from jurat.policies.semantics import resolve
from jurat.policies.types import Value
from jurat.solver.build import NO, YES, negation
from jurat.solver.checks import broken_invariant
from jurat.solver.claims import Symbolic, every
from jurat.solver.copies import Copies, Distance, Misjudged
from jurat.solver.formulas import truth
from jurat.solver.known import admits
from jurat.solver.paths import Calling
from jurat.solver.prover import Prover
from jurat.solver.sessions import prove_always
from jurat.solver.terms import Atoms, ListTerm, Term, Truth


@dataclass(frozen=True, slots=True)
class Assurance:
    """How far a protected tool or an invariant depends on the model's judgement.

    ``always``: what holds of every call of the tool whatever the model answers. ``holds``: the verdict on an invariant
    with rightly judged observations; of a tool PROVED.
    """

    kind: Literal["tool", "invariant"]
    id: str
    distance: Distance
    holds: Verdict = Verdict.PROVED
    always: str = ""

    @property
    def model_independent(self) -> bool:
        """Whether it holds whatever the model answers."""
        sure = self.holds is Verdict.PROVED and self.distance.verdict is Verdict.PROVED
        return sure and self.distance.fewest is None


def protected(graph: PolicyGraph) -> tuple[str, ...]:
    """The tools that are consequential, or have a guard or limits."""
    tools = graph.vocabulary.tools
    return tuple(sorted(id_ for id_, tool in tools.items() if tool.consequential or tool.guard or tool.limits))


def assurances(prover: Prover, invariants: Mapping[str, Verdict] | None = None) -> Iterator[Assurance]:
    """One for each protected tool and each invariant, by id.

    ``invariants`` are the verdicts on invariants that are known already, by id; the others are proved here. The axioms
    must be consistent, for without any situation nothing opens anything.
    """
    for tool in protected(prover.graph):
        yield Assurance("tool", tool, tool_distance(prover, tool), always=_trusted_guard(prover.graph, tool))
    for invariant in sorted(prover.graph.policy.invariants, key=lambda each: each.id):
        yield _of_invariant(prover, invariant, (invariants or {}).get(invariant.id))


def known_verdicts(graph: PolicyGraph, proofs: Iterable[Proof]) -> dict[str, Verdict]:
    """What a check has found out of the invariants already, by id; for :func:`assurances`."""
    found = {proof.question: proof.verdict for proof in proofs if proof.check == broken_invariant.CHECK.name}
    questions = {each.id: f"always: {each.text}" for each in graph.policy.invariants}
    return {id_: found[question] for id_, question in questions.items() if question in found}


def tool_distance(prover: Prover, tool: str) -> Distance:
    """The safety distance of a tool."""
    calling = Calling(prover, tool)
    if not calling.paths:
        return Distance(None)
    opened = calling.possible()
    formula = prover.smt.formula(opened)
    copies = Copies(prover, opened)
    copies.solver.add(formula, negation(copies.real(formula)))

    def replay(graph: PolicyGraph, example: Misjudged, model: z3.ModelRef) -> bool:
        given = calling.chosen(model)
        judged, real = _resolved(graph, example)
        if given is None:
            return judged.in_force != real.in_force or judged.possible != real.possible
        return admits(graph, judged, tool, given) and not admits(graph, real, tool, given)

    return copies.distance(replay)


def _resolved(graph: PolicyGraph, example: Misjudged) -> tuple[Resolution, Resolution]:
    """What follows from the answers, and what would from right ones."""
    return resolve(graph, {**example.values, **example.answered}), resolve(graph, {**example.values, **example.real})


def _trusted_guard(graph: PolicyGraph, tool: str) -> str:
    """The parts of a guard that mention no observation."""
    guard = graph.vocabulary.tools[tool].guard
    if guard is None:
        return ""
    parts = guard.expr.operands if isinstance(guard.expr, And) else (guard.expr,)
    return " && ".join(show(part) for part in parts if not _observed([part]))


def _observed(exprs: Iterable[Expr]) -> list[Observation]:
    return sorted((atom for atom in mentioned_atoms(exprs) if isinstance(atom, Observation)), key=key_of)


# -- invariants --------------------------------------------------------------------------------------------------


def _of_invariant(prover: Prover, invariant: Invariant, known: Verdict | None) -> Assurance:
    holds = known or prove_always(prover, invariant.expr).verdict
    about = _observed([invariant.expr])
    if holds is Verdict.UNKNOWN:
        distance = Distance(0, verdict=Verdict.UNKNOWN, reason="it is not decided whether the invariant holds")
    elif not about:
        distance = Distance(None if holds is Verdict.PROVED else 0)
    elif any(isinstance(atom, History) for atom in mentioned_atoms([invariant.expr])):
        names = ", ".join(each.key for each in about)
        distance = Distance(0, verdict=Verdict.UNKNOWN, reason=f"it speaks of the past and of what is judged ({names})")
    else:
        distance = invariant_distance(prover, invariant)
    return Assurance("invariant", invariant.id, distance, holds)


def invariant_distance(prover: Prover, invariant: Invariant) -> Distance:
    """The safety distance of an invariant that does not speak of the past: the least one at a call of any tool."""
    found = [_at_call(prover, invariant, tool) for tool in _called(prover.graph, invariant)]
    open_ = [each for each in found if each.verdict is Verdict.UNKNOWN]
    numbers = [each for each in found if each.fewest is not None]
    if open_:
        least = min(each.fewest for each in numbers if each.fewest is not None)
        return Distance(least, verdict=Verdict.UNKNOWN, reason=open_[0].reason)
    return min(numbers, key=lambda each: each.fewest or 0, default=Distance(None))


def _called(graph: PolicyGraph, invariant: Invariant) -> list[str]:
    """The tools whose calls an invariant speaks of; all of them, if it speaks of any call or of none."""
    events = [atom for atom in mentioned_atoms([invariant.expr]) if isinstance(atom, Event) and atom.name == "called"]
    named = {event.argument for event in events}
    every_tool = sorted(graph.vocabulary.tools)
    return every_tool if not named or "*" in named else [tool for tool in every_tool if tool in named]


def _at_call(prover: Prover, invariant: Invariant, tool: str) -> Distance:
    """The fewest misjudged observations with which a tool is called where the invariant does not certainly hold."""
    calling = Calling(prover, tool)
    if not calling.paths:
        return Distance(None)
    broken = negation(truth(invariant.expr, _AtCall(prover.encoding.atoms, tool)).true)
    atoms = frozenset(atom for atom in mentioned_atoms([invariant.expr]) if not isinstance(atom, Event))
    opened = every(calling.possible(), Symbolic(YES, (), atoms))
    formula = prover.smt.formula(opened)
    copies = Copies(prover, opened)
    copies.solver.add(formula, copies.real(broken))

    def replay(graph: PolicyGraph, example: Misjudged, model: z3.ModelRef) -> bool:
        given = calling.chosen(model)
        judged, real = _resolved(graph, example)
        look = _look_at_call(real.settled.valuation.look, tool)
        return (given is None or admits(graph, judged, tool, given)) and evaluate(invariant.expr, look) is not True

    return copies.distance(replay)


def _happens(event: Event, tool: str) -> bool:
    """Of the events at the start of a call: that call, and no other event."""
    return event.name == "called" and event.argument in (tool, "*")


def _look_at_call(look: Look, tool: str) -> Look:
    def see(atom: Atom) -> Value | None:
        return _happens(atom, tool) if isinstance(atom, Event) else look(atom)

    return see


class _AtCall(Atoms):
    """The atoms of a policy at the position where a tool is called."""

    def __init__(self, base: Atoms, tool: str) -> None:
        super().__init__(base.defaults)
        self.base = base
        self.tool = tool

    def truth(self, atom: Atom) -> Truth:
        if isinstance(atom, Event):
            return Truth(YES, NO) if _happens(atom, self.tool) else Truth(NO, YES)
        return self.base.truth(atom)

    def term(self, atom: Atom) -> Term:
        return self.base.term(atom)

    def list(self, fact: Fact) -> ListTerm:
        return self.base.list(fact)

    def present(self, atom: Fact | JourneyState) -> z3.BoolRef:
        return self.base.present(atom)

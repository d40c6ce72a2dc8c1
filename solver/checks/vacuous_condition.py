"""A condition that always holds, or never does.

What it proves
    Each condition that an author wrote can be true and can be false, in admissible situations.

Why it matters
    A rule that can never match, or a guard that never refuses, looks like protection and is none.

Example
    `order.age_days >= 0`, where `order.age_days` is declared with `min: 0`, and `asks_refund && !asks_refund`.

Fix
    Say what was meant; a guideline that is to apply always needs no condition.

Limits
    "Always" means never false: a condition on an absent fact is unknown, which is not false. A guideline without a
    condition is not reported, nor a plain observation that no axiom speaks of, nor a guard that is constant because of what
    it says of its arguments. Of a goal only a condition that never holds is reported.
"""

from __future__ import annotations

from collections.abc import Iterator

from jurat.policies.expr import TRUE, Expr, Observation, arguments, mentioned_atoms
from jurat.policies.findings import Severity, Verdict
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Goal
from jurat.solver.checks.constant_comparison import constants_in
from jurat.solver.claims import Holds, Predicate
from jurat.solver.outcome import Check, Outcome, Report, exists, judged
from jurat.solver.prover import Prover
from jurat.solver.witness import Question
from jurat.solver.written import Written, conditions

CHECK = Check("J006", "vacuous-condition", Severity.WARNING)


def entities(graph: PolicyGraph) -> Iterator[tuple[str, ...]]:
    yield from ((each.guideline,) for each in written(graph) if each.guideline)


def written(graph: PolicyGraph) -> Iterator[Written]:
    """Every condition written down that does not speak of a call's arguments."""
    return (each for each in conditions(graph) if not arguments(each.expr))


def run(prover: Prover) -> Iterator[Outcome]:
    for each in written(prover.graph):
        if not _plain(prover, each.expr):
            yield from _both_ways(prover, each)


def of_goal(prover: Prover, goal: Goal) -> Iterator[Outcome]:
    """A goal whose condition never holds is met by anything; asked of the whole policy, which a goal is about."""
    if not _plain(prover, goal.condition):
        each = Written(f"goal `{goal.id}`", "condition", goal.condition, goal.span)
        question = Question((Holds(goal.condition),))
        proof = exists(prover, CHECK, f"not never true: the condition of goal {goal.id}", question)
        yield judged(prover.graph, CHECK, proof, lambda _: _told(prover, each, "never"))


def _plain(prover: Prover, expr: Expr) -> bool:
    """Lemma: an observation that no axiom speaks of can be true and can be false."""
    return expr == TRUE or (isinstance(expr, Observation) and not prover.cones.axioms_about(mentioned_atoms([expr])))


def _both_ways(prover: Prover, each: Written) -> Iterator[Outcome]:
    words = (("always", False),) if _seen_true(prover, each) else (("never", True), ("always", False))
    for word, reached in words:
        question = Question((Holds(each.expr, reached),))
        proof = exists(prover, CHECK, f"not {word} true: the {each.what} of {each.owner.replace('`', '')}", question)
        if word == "never" and proof.verdict is Verdict.REFUTED and _dead(prover, each):
            yield Outcome(proof)
        else:
            yield judged(prover.graph, CHECK, proof, lambda _, word=word: _told(prover, each, word))  # type: ignore[misc]  # bound now
        if proof.verdict is Verdict.REFUTED:
            return


def _dead(prover: Prover, each: Written) -> bool:
    """Whether the condition never holding is all that there is to say of a dead guideline, which is its own finding."""
    return bool(each.guideline) and not prover.ask(Predicate("entailed", each.guideline)).possible


def _seen_true(prover: Prover, each: Written) -> bool:
    """Lemma: what can be in force and nothing entails has a condition that can be true."""
    if not each.guideline or prover.graph.entailers[each.guideline]:
        return False
    answer = prover.can_be_in_force(each.guideline)
    return answer is None or answer.possible


def _told(prover: Prover, each: Written, word: str) -> Report:
    message = f"the {each.what} of {each.owner} is {word} true"
    notes = tuple(str(found) for found in constants_in(prover, each.expr))
    help_ = (
        "leave it out if it is to apply always"
        if word == "always"
        else "no situation that the axioms admit satisfies it"
    )
    subjects = (each.guideline,) if each.guideline else ()
    return Report(message, each.span, subjects, (), notes, help_, (each.subject,))

"""A goal that no guideline meets in some situations.

What it proves
    In every admissible situation in which the condition of a goal certainly holds, at least one of the things that the
    goal expects is in force or done. Where that is not so, the uncovered situations are shown as maximal regions: each
    is a conjunction of simple conditions, all of its admissible situations are uncovered, and no condition can be
    loosened without taking in a situation that is covered or no concern of the goal.

Why it matters
    Guidelines are written one by one, for the cases that come to mind. What lies between them is left to the language
    model.

Example
    The goal `refunds-decided: {when: asks_refund, expect: [{decide: refund}]}`, one guideline for orders of less than
    30 days and one for orders of more than 30.

Fix
    Add a guideline for the region, widen the condition of one that is there, or declare as an axiom why the region
    cannot arise. Where it arises only because the judge does not know something, `on_unknown: ask` has the agent ask: a
    guideline is not in force while it is open whether one that overrides it applies.

Limits
    A call, a reply or a decision counts as done where its guideline acts; whether a call's guard lets it happen is asked
    by `conflicting-actions`. At most eight regions are shown, and whether there are more is said. A condition that
    calculates, searches a text, or compares two facts stays one condition.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

from jurat.policies.findings import Proof, Severity, Verdict
from jurat.policies.goals import does, named_by, uncovered
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Expectation, Goal
from jurat.policies.resolution import Resolution
from jurat.solver.boxes import BOXES, Box, Cover, cover
from jurat.solver.checks import vacuous_condition
from jurat.solver.claims import Claim, Holds, Not, Predicate, Some, acts, every, in_force, possible
from jurat.solver.outcome import Check, Outcome, Report, absent, finding_of, quoted
from jurat.solver.phrases import phrase
from jurat.solver.prover import Prover
from jurat.solver.witness import Question, Shows

CHECK = Check("J017", "coverage-gap", Severity.ERROR)


def run(prover: Prover) -> Iterator[Outcome]:
    for goal in sorted(prover.graph.policy.goals, key=lambda each: each.id):
        yield from vacuous_condition.of_goal(prover, goal)
        yield _covered(prover, goal)


def _covered(prover: Prover, goal: Goal) -> Outcome:
    graph, region = prover.graph, gap(prover.graph, goal)
    text = f"covered: goal {goal.id}"
    proof = absent(prover, CHECK, text, Question((region,)), _shows(graph, goal, None))
    if proof.verdict is not Verdict.REFUTED:
        return Outcome(proof)
    found = cover(prover, region)
    if found.boxes:
        first = absent(
            prover, CHECK, text, Question((region, found.boxes[0].claim)), _shows(graph, goal, found.boxes[0])
        )
        proof = replace(proof, witness=first.witness or proof.witness)
    return Outcome(proof, finding_of(graph, CHECK, _told(graph, goal, found, proof), proof))


# -- what is expected --------------------------------------------------------------------------------------------


def gap(graph: PolicyGraph, goal: Goal) -> Claim:
    """The situations in which a goal's condition certainly holds and nothing that it expects is in force or done."""
    return every(Holds(goal.condition), *(Not(way) for each in goal.expect for way in ways(graph, each)))


def ways(graph: PolicyGraph, expectation: Expectation) -> Iterator[Claim]:
    """How an expectation can be met."""
    if named := named_by(graph, expectation):
        yield from (acts(graph, g) for g in named)
        return
    for g, entity in graph.entities.items():
        if any(does(action, expectation) for action in entity.actions):
            yield acts(graph, g)
    if expectation.kind == "answer":
        yield from _questions(graph)


def _questions(graph: PolicyGraph) -> Iterator[Claim]:
    """The situations in which the customer is asked something instead."""
    for g, entity in graph.entities.items():
        if entity.on_unknown == "ask":
            yield every(possible(g), Not(in_force(g)))
    for choice in graph.disambiguations:
        pairs = [(Predicate("live", one), Predicate("live", other)) for one, other in combinations(choice.targets, 2)]
        if pairs:
            yield every(Predicate("live", choice.by), Some(tuple(every(*pair) for pair in pairs)))


def _shows(graph: PolicyGraph, goal: Goal, box: Box | None) -> Shows:
    def shows(resolution: Resolution) -> bool:
        inside = box is None or box.contains(resolution.settled.valuation.look)
        return inside and uncovered(graph, goal, resolution)

    return shows


# -- what is said ------------------------------------------------------------------------------------------------


def _told(graph: PolicyGraph, goal: Goal, found: Cover, proof: Proof) -> Report:
    number = len(found.boxes)
    expected = quoted([str(each) for each in goal.expect])
    where = "a region" if found.complete and number == 1 else f"{'' if found.complete else 'at least '}{number} regions"
    message = f"goal `{goal.id}` is not met in {where}: nothing in force there is what it expects ({expected})"
    notes = [f"not covered: {phrase(box, graph.vocabulary)}" for box in found.boxes]
    if not found.complete:
        notes.append(f"not all regions are shown: {found.reason or f'there are more than {BOXES}'}")
    return Report(message, goal.span, (f"goal:{goal.id}",), (), tuple(notes), _help(proof))


def _help(proof: Proof) -> str:
    if proof.witness and proof.witness.unknown:
        name = quoted(proof.witness.unknown)
        return f"it takes that the judge does not know {name}: have a guideline ask then (`on_unknown: ask`), or act"
    return (
        "add a guideline for these situations, widen the condition of one, or declare as an axiom why they cannot arise"
    )

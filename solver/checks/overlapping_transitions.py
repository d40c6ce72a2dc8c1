"""Two transitions of one state that can be true together and lead to different states.

What it proves
    For each pair of transitions of a state that lead to different states, that no situation makes both certainly true.

Why it matters
    The first true transition wins, so the order of the list decides where the journey goes. Where that is not meant, moving
    a line changes what happens; and a transition behind one that is always true with it is never taken.

Example
    `when: order.total > 100, state: review` before `when: customer.tier == "gold", state: express`: a gold customer with a
    large order is reviewed, and would not be if the two lines were exchanged.

Fix
    Let the second condition exclude the first, use `otherwise`, or declare that the two exclude each other
    (`axioms: [{exclusive: [a, b]}]`).

Limits
    A warning where no judgement is involved; where the model judges one of the conditions it is a note for the whole state,
    because most judged conditions can be true together. No finding where the first condition implies the second: a
    special case before the general one is an order that says what is meant.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

from jurat.policies.diagnostics import Note
from jurat.policies.evaluation import evaluate
from jurat.policies.expr import Compare, Const, JourneyActive, JourneyState, Observation, mentioned_atoms
from jurat.policies.findings import Finding, Proof, Severity, Verdict
from jurat.policies.model import Journey, State, Transition
from jurat.policies.printing import show
from jurat.policies.resolution import Resolution
from jurat.policies.types import EnumType
from jurat.solver.claims import Claim, Holds
from jurat.solver.claims import Not as Negated
from jurat.solver.outcome import Check, Outcome, Report, absent, finding_of, quoted
from jurat.solver.prover import Prover
from jurat.solver.witness import Question

CHECK = Check("J024", "overlapping-transitions", Severity.WARNING)

Pair = tuple[Transition, Transition]


def run(prover: Prover) -> Iterator[Outcome]:
    for _, journey in sorted(prover.graph.journeys.items()):
        for state in journey.states.values() if journey.triggers else ():
            yield from _state(prover, journey, state)


def _state(prover: Prover, journey: Journey, state: State) -> Iterator[Outcome]:
    """A warning for each pair that trusted values let overlap, and one note for those that hang on judgements."""
    judged: list[tuple[Pair, Proof]] = []
    for pair in combinations([each for each in state.transitions if not each.otherwise], 2):
        if pair[0].target == pair[1].target:
            continue
        proof = _apart(prover, journey, state, pair)
        if proof.verdict is not Verdict.REFUTED or _special(prover, journey, state, pair):
            settled = proof if proof.verdict is not Verdict.REFUTED else replace(proof, verdict=Verdict.PROVED)
            yield Outcome(replace(settled, witness=None))
        elif _hang_on_judgements(pair):
            judged.append((pair, proof))
        else:
            yield Outcome(proof, _finding(prover, journey, state, [(pair, proof)], Severity.WARNING))
    yield from (Outcome(proof) for _, proof in judged[1:])
    if judged:
        yield Outcome(judged[0][1], _finding(prover, journey, state, judged, Severity.NOTE))


def _apart(prover: Prover, journey: Journey, state: State, pair: Pair) -> Proof:
    question = Question((*_here(journey, state), *(Holds(each.condition) for each in pair)))

    def shows(resolution: Resolution) -> bool:
        look = resolution.settled.valuation.look
        return all(evaluate(each.condition, look) is True for each in pair)

    name = f"{journey.id}/{state.id}: {_text(pair[0])} and {_text(pair[1])}"
    return replace(absent(prover, CHECK, f"never both, or in a stated order: {name}", question, shows), kind="check")


def _here(journey: Journey, state: State) -> tuple[Claim, ...]:
    type_ = EnumType(tuple(journey.states))
    return (
        Holds(JourneyActive(journey.id)),
        Holds(Compare("==", JourneyState(journey.id, type_), Const(state.id, type_))),
    )


def _special(prover: Prover, journey: Journey, state: State, pair: Pair) -> bool:
    """The first condition implies the second, and not the other way round: a special case before the general one."""
    here, (first, second) = _here(journey, state), pair
    special = prover.ask(*here, Holds(first.condition), Negated(Holds(second.condition)))
    general = prover.ask(*here, Holds(second.condition), Negated(Holds(first.condition)))
    return special.verdict is Verdict.PROVED and general.possible


def _hang_on_judgements(pair: Pair) -> bool:
    return any(isinstance(atom, Observation) for atom in mentioned_atoms(each.condition for each in pair))


def _finding(
    prover: Prover, journey: Journey, state: State, found: list[tuple[Pair, Proof]], severity: Severity
) -> Finding:
    (first, second), proof = found[0]
    targets = tuple(dict.fromkeys(each.target for pair, _ in found for each in pair))
    more = f" ({len(found)} pairs)" if len(found) > 1 else ""
    said = Report(
        f"from `{journey.id}/{state.id}` the ways to {quoted(targets)} can be open together{more}, and the first is taken",
        second.span,
        (f"{journey.id}/{state.id}",),
        (Note(first.span, f"this one comes first: {_text(first)}"),),
        (),
        "let the second condition exclude the first, or declare that the two exclude each other",
    )
    return replace(finding_of(prover.graph, CHECK, said, proof), severity=severity)


def _text(transition: Transition) -> str:
    return f"`{transition.text or show(transition.condition)}`"

"""A state of a journey that no session reaches.

What it proves
    Each state of each journey is reached in some session: a session is found and played through, move by move.

Why it matters
    What the state says or calls never happens, and what was meant to lead to it leads elsewhere.

Example
    The only transition to `refund` is `when: order.age_days < 0`, and `order.age_days` is declared with `min: 0`; or no
    transition leads to it at all.

Fix
    Add or mend the transition that should lead there, or delete the state.

Limits
    That a state is unreachable is proved by induction: from the states that can be reached, no single move leads to it,
    in whatever situation; where a move is possible in some situation but in no session that was found, it is tried to
    prove by induction over sessions that none makes it, for up to eight states of a journey. A state is shown to be
    reached by a session in which it may be passed within one round, as forks are, and not by one that takes it back, for
    the journey is held back (docs/policies.md). Sessions are looked for move by move,
    from one that came to the state before; where neither a session nor a proof is found, the answer is undecided.
"""

from __future__ import annotations

from collections.abc import Iterator

from jurat.policies.diagnostics import Note
from jurat.policies.findings import Proof, Severity, Verdict
from jurat.policies.model import Journey
from jurat.solver.outcome import Check, Outcome, Report, finding_of, quoted
from jurat.solver.prover import Prover
from jurat.solver.sessions.charts import charts
from jurat.solver.sessions.excluding import leaning
from jurat.solver.sessions.walking import Chart

CHECK = Check("J022", "unreachable-state", Severity.ERROR)

NOT_FOUND = "no session that reaches it was found, a few positions a move, and that there is none was not proved"


def run(prover: Prover) -> Iterator[Outcome]:
    for chart in charts(prover):
        reached, reachable = chart.walk.reached, chart.moves.reachable
        for state in chart.journey.states:
            yield _outcome(prover, chart, state, reached, reachable)


def _outcome(prover: Prover, chart: Chart, state: str, reached: set[str], reachable: set[str]) -> Outcome:
    question = f"reachable: {chart.journey.id}/{state}"
    if state in reached:
        return Outcome(Proof(question, CHECK.name, Verdict.PROVED))
    if state in reachable:
        return Outcome(Proof(question, CHECK.name, Verdict.UNKNOWN, reason=NOT_FOUND))
    on = leaning(each for move, each in chart.moves.refused.items() if move.source in reachable)
    proof = Proof(question, CHECK.name, Verdict.REFUTED, on.core, on.trust_base)
    return Outcome(proof, finding_of(prover.graph, CHECK, _told(chart.journey, state), proof))


def _told(journey: Journey, state: str) -> Report:
    ways = [(s.id, t) for s in journey.states.values() for t in s.transitions if t.target == state and s.id != state]
    notes = tuple(Note(t.span, f"this way from `{source}` is never taken") for source, t in ways)
    sources = sorted({source for source, _ in ways})
    said = f"no way from {quoted(sources)} to it is ever taken" if ways else "no transition leads to it"
    return Report(
        f"no session reaches `{journey.id}/{state}`: {said}",
        journey.states[state].span,
        (f"{journey.id}/{state}",),
        notes,
        (),
        "mend the transition that should lead to it, or delete the state"
        if ways
        else "add a transition to it, or delete it",
    )

"""A state of a journey that can never be left.

What it proves
    From each state but the ends some move leads on: a session is found that reaches the state and leaves it.

Why it matters
    A customer who comes there stays there: whatever they say, the journey says the same again, or waits for ever for a
    tool that is never called.

Example
    `verify: {tool: verify_identity, to: [{when: customer.verified, state: done}]}` where the guard of `verify_identity`
    can never hold; a state whose only transition contradicts an axiom; a state that is no `end` and leads nowhere.

Fix
    Mend the transition or the guard, add an `otherwise`, or make the state an `end: true`.

Limits
    That no move leads on is proved for every situation in which the journey is in the state, reachable or not; where some
    situation admits a move, by induction over sessions, for up to eight states of a journey. A tool state is stuck too if
    its tool is never called while the journey is in it. A way that is taken back whenever it is taken, for the journey is
    held back, leads nowhere (docs/policies.md). Where neither a session that leaves the state nor a proof is
    found, the answer is undecided.
"""

from __future__ import annotations

from collections.abc import Iterator

from jurat.policies.diagnostics import Note
from jurat.policies.findings import Proof, Severity, Verdict
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Call, State
from jurat.solver.outcome import Check, Outcome, Report, finding_of
from jurat.solver.prover import Prover
from jurat.solver.sessions.charts import charts
from jurat.solver.sessions.excluding import leaning
from jurat.solver.sessions.moves import moves_from
from jurat.solver.sessions.walking import Chart

CHECK = Check("J023", "stuck-state", Severity.ERROR)

NOT_FOUND = "no session that leaves it was found, a few positions a move, and that there is none was not proved"


def run(prover: Prover) -> Iterator[Outcome]:
    for chart in charts(prover):
        left, reachable = chart.walk.left, chart.moves.reachable
        for state in chart.journey.states.values():
            if state.kind != "end" and state.id in reachable:
                yield _outcome(prover, chart, state, left)


def _outcome(prover: Prover, chart: Chart, state: State, left: set[str]) -> Outcome:
    question = f"can be left: {chart.journey.id}/{state.id}"
    if state.id in left:
        return Outcome(Proof(question, CHECK.name, Verdict.PROVED))
    refused, moves = chart.moves.refused, moves_from(chart.journey, state.id)
    if any(move.target != state.id and move not in refused for move in moves):
        return Outcome(Proof(question, CHECK.name, Verdict.UNKNOWN, reason=NOT_FOUND))
    on = leaning(refused[move] for move in moves if move in refused)
    proof = Proof(question, CHECK.name, Verdict.REFUTED, on.core, on.trust_base)
    return Outcome(proof, finding_of(prover.graph, CHECK, _told(prover.graph, chart, state, on.core), proof))


def _shut(core: tuple[str, ...], tool: str) -> bool:
    """The proof leans on what a round decides about the calls of a tool."""
    return any(name == f"open:{tool}" or (name.startswith("wants:") and name.endswith(f":{tool}")) for name in core)


def _told(graph: PolicyGraph, chart: Chart, state: State, core: tuple[str, ...]) -> Report:
    name = f"{chart.journey.id}/{state.id}"
    notes = [Note(each.span, "this way is never taken") for each in state.transitions if each.target != state.id]
    said, help_ = "none of its transitions is ever taken", "mend a transition, or add an `otherwise`"
    if not notes:
        said, help_ = "no transition leads on", "add a transition, or make it an `end: true`"
    elif f"held:{chart.journey.id}" in core:
        said = "whenever one of its transitions is taken, the journey is held back"
        help_ = "mend what overrides or outranks the journey, or the transition"
    for action in state.actions:
        guard = graph.vocabulary.tools[action.tool].guard if isinstance(action, Call) else None
        if guard is not None and isinstance(action, Call) and f"guard:{action.tool}" in core:
            said, help_ = f"it waits for `{action.tool}`, whose guard never holds", "mend the guard"
            notes.append(Note(guard.span, "the guard is here"))
            break
        if isinstance(action, Call) and notes and _shut(core, action.tool):
            said, help_ = (
                f"it waits for `{action.tool}`, which is never called there",
                "mend what forbids or overrides it",
            )
    return Report(f"`{name}` can never be left: {said}", state.span, (name,), tuple(notes), (), help_)

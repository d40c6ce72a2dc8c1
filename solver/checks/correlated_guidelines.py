"""Two guidelines that contradict each other in some situations, where precedence decides.

What it proves
    Nothing is wrong: it notes pairs with contradicting actions of which each applies without the other, and both apply
    somewhere. There only the precedence between them says what is done. Firewalls call this correlation.

Why it matters
    A reader of one of the two does not see that it loses, or wins, somewhere. Whoever takes the precedence out makes a
    conflict.

Example
    `refund-gold: asks_refund && gold` decides `granted`, `refund-late: asks_refund && late` decides `declined` and
    overrides it: a gold customer who is late gets nothing.

Fix
    If the winner is the right one, nothing. Else turn the precedence around, or tell the conditions apart.

Limits
    As for `generalised-guideline`: only contradictions that a solver sees, decided between the two directly, at most 500
    pairs of a connected part. The situation shown is that of the first pair.
"""

from __future__ import annotations

from collections.abc import Iterator

from jurat.policies.diagnostics import Note
from jurat.policies.findings import Proof, Severity, Verdict
from jurat.policies.graph import PolicyGraph
from jurat.solver.contests import Contest, contests
from jurat.solver.outcome import Check, Outcome, Report, finding_of
from jurat.solver.prover import Prover
from jurat.solver.witness import witness_of
from jurat.solver.wording import few

CHECK = Check("J012", "correlated-guidelines", Severity.NOTE)


def entities(_: PolicyGraph) -> Iterator[tuple[str, ...]]:
    """The pairs are those that :mod:`generalised_guideline` asks about."""
    yield from ()


def run(prover: Prover) -> Iterator[Outcome]:
    winners: dict[str, list[Contest]] = {}
    for contest in contests(prover):
        if contest.kind == "correlated":
            winners.setdefault(contest.winner, []).append(contest)
    for winner, found in sorted(winners.items()):
        witness = witness_of(prover, found[0].overlap, found[0].shows)
        losers = sorted(each.loser for each in found)
        text = f"correlated: {winner} wins over {', '.join(losers)}"
        proof = Proof(text, CHECK.name, Verdict.PROVED, witness=witness)
        yield Outcome(proof, finding_of(prover.graph, CHECK, _told(prover.graph, winner, losers, found[0]), proof))


def _told(graph: PolicyGraph, winner: str, losers: list[str], first: Contest) -> Report:
    message = f"`{winner}` contradicts {few(losers)} where both apply, and wins; each applies without the other too"
    related = tuple(Note(graph.entities[h].span, f"`{h}` loses") for h in losers[:3])
    help_ = (
        f"if `{winner}` is to win, nothing is to be done; else turn the precedence around, or tell the conditions apart"
    )
    return Report(message, graph.entities[winner].span, (winner, *losers), related, (first.why,), help_)

"""A rule and its exceptions.

What it proves
    Nothing is wrong: it notes a guideline that another one overrides, with a contradicting action, where every situation
    of the other one is among its own, and not the other way round. Firewalls call this generalisation.

Why it matters
    It is usually meant, and worth reading once: the exception wins wherever it applies, and the rule holds elsewhere.
    Were the precedence the other way round, the exception would be dead.

Example
    `refund: asks_refund` decides `granted`, and `refund-late: asks_refund && order.age_days > 30`, which overrides it,
    decides `declined`.

Fix
    If it is meant, nothing. Else tell the conditions apart.

Limits
    Only contradictions that a solver sees count (decisions, hand-offs, strict replies, prohibitions, `exclusive_with`),
    decided by an `overrides` between the two, or by their ranks. At most 500 pairs of a connected part are looked at.
"""

from __future__ import annotations

from collections.abc import Iterator

from jurat.policies.diagnostics import Note
from jurat.policies.findings import Proof, Severity, Verdict
from jurat.policies.graph import PolicyGraph
from jurat.solver.contests import Contest, candidates, contests
from jurat.solver.outcome import Check, Outcome, Report, finding_of
from jurat.solver.prover import Prover
from jurat.solver.witness import witness_of
from jurat.solver.wording import few

CHECK = Check("J011", "generalised-guideline", Severity.NOTE)


def entities(graph: PolicyGraph) -> Iterator[tuple[str, ...]]:
    yield from ((each.winner, each.loser) for each in candidates(graph))


def run(prover: Prover) -> Iterator[Outcome]:
    rules: dict[str, list[Contest]] = {}
    for contest in contests(prover):
        if contest.kind == "general":
            rules.setdefault(contest.loser, []).append(contest)
    for rule, found in sorted(rules.items()):
        witness = witness_of(prover, found[0].overlap, found[0].shows)
        exceptions = sorted(each.winner for each in found)
        text = f"general: {rule}, but for {', '.join(exceptions)}"
        proof = Proof(text, CHECK.name, Verdict.PROVED, witness=witness)
        yield Outcome(proof, finding_of(prover.graph, CHECK, _told(prover.graph, rule, exceptions), proof))


def _told(graph: PolicyGraph, rule: str, exceptions: list[str]) -> Report:
    one = len(exceptions) == 1
    verbs = ("is an exception", "it applies", "wins") if one else ("are exceptions", "they apply", "win")
    message = f"{few(exceptions)} {verbs[0]} to `{rule}`: {verbs[1]} only where `{rule}` does, and {verbs[2]}"
    related = tuple(Note(graph.entities[h].span, f"`{h}`") for h in exceptions[:3])
    help_ = "if the exception is meant, nothing is to be done"
    return Report(message, graph.entities[rule].span, (rule, *exceptions), related, (), help_)

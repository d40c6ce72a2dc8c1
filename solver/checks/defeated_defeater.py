"""A guideline that blocks another one although it is itself blocked.

What it proves
    Nothing is wrong: it notes a guideline that is kept out of force by one that is not in force either, because a third
    one overrides or outranks it. Without the second one the first would be in force.

Why it matters
    Precedence works from whatever applies, in force or not: of a chain of guidelines that all apply only the top one is
    left. Authors who expect the third one to set the first one free again are surprised.

Example
    `calm` overrides `sell`, and `emergency` overrides `calm`. In an emergency, `sell` stays blocked by `calm`, which does
    nothing.

Fix
    If it is meant, nothing; `overrides: [sell]` in `emergency` says it openly. If not, let the condition of `calm` leave
    the emergency out.

Limits
    Guidelines that override each other in a circle are a finding of their own. Where more than 32 others outrank a
    guideline it is not looked at, nor are more than 500 pairs of a connected part.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from jurat.policies.diagnostics import Note
from jurat.policies.findings import Proof, Severity, Verdict
from jurat.policies.graph import PolicyGraph
from jurat.policies.resolution import Resolution
from jurat.policies.semantics import resolve
from jurat.solver.checks.override_cycle import tangles
from jurat.solver.claims import Claim, Not, Predicate, binds, every, possible, some
from jurat.solver.outcome import Check, Outcome, Report, finding_of
from jurat.solver.prover import Prover
from jurat.solver.witness import Question, Shows, witness_of
from jurat.solver.wording import few

CHECK = Check("J013", "defeated-defeater", Severity.NOTE)
MANY = 32
"""Those of higher rank that a question may speak of."""


def entities(graph: PolicyGraph) -> Iterator[tuple[str, ...]]:
    yield from ((blocked, defeater) for defeater, blocked in pairs(graph))


def pairs(graph: PolicyGraph) -> Iterator[tuple[str, str]]:
    """(defeater, blocked) where something can defeat the defeater."""
    circular = {g for tangle in tangles(graph) for g in tangle}
    for g in graph.entities:
        for h in graph.overriders[g]:
            beatable = set(graph.overriders[h]).union(graph.outrankers[h]) - {g, *graph.overriders[g]}
            if beatable and h not in circular and max(len(graph.outrankers[e]) for e in (g, h)) <= MANY:
                yield h, g


def run(prover: Prover) -> Iterator[Outcome]:
    found: dict[str, list[str]] = {}
    for h, g in islice(pairs(prover.graph), prover.limits.overlap_pairs):
        if question(prover.graph, h, g).put(prover).possible:
            found.setdefault(h, []).append(g)
    for defeater, blocked in sorted(found.items()):
        asked, shows = question(prover.graph, defeater, blocked[0]), _shows(defeater, blocked[0])
        witness = witness_of(prover, asked, shows)
        text = f"defeated, and blocks: {defeater} of {', '.join(blocked)}"
        proof = Proof(text, CHECK.name, Verdict.PROVED, witness=witness)
        yield Outcome(proof, finding_of(prover.graph, CHECK, _told(prover, defeater, blocked, proof), proof))


def question(graph: PolicyGraph, defeater: str, blocked: str) -> Question:
    """Both apply, the defeater is defeated, and nothing but the defeater keeps the other one from being in force."""
    others = (h for h in graph.overriders[blocked] if h != defeater)
    return Question((
        Predicate("live", blocked),
        Predicate("live", defeater),
        Not(possible(defeater)),
        Not(Predicate("ambiguous", defeater, "possible")),
        *(Not(Predicate("live", h, "possible")) for h in others),
        Not(Predicate("ambiguous", blocked, "possible")),
        *_unranked(graph, blocked),
    ))  # fmt: skip


def _unranked(graph: PolicyGraph, g: str) -> Iterator[Claim]:
    """Nothing outranks it."""
    higher = graph.outrankers[g]
    if higher:
        contenders = (every(Predicate("matched", h, "possible"), binds(h)) for h in higher)
        yield some(Predicate("entailed", g), Not(some(*contenders)))


def _shows(defeater: str, blocked: str) -> Shows:
    def shows(resolution: Resolution) -> bool:
        drop, defeat = resolution.dropped.get(blocked), resolution.dropped.get(defeater)
        alone = drop is not None and drop.reason == "overridden" and drop.by == (defeater,)
        beaten = defeat is not None and defeat.reason in ("overridden", "outranked")
        return alone and beaten and defeater not in resolution.possible

    return shows


def _told(prover: Prover, defeater: str, blocked: list[str], proof: Proof) -> Report:
    graph, by = prover.graph, _by(prover, defeater, proof)
    verb = "overrides" if set(by).intersection(graph.overriders[defeater]) else "outranks"
    verb = verb if len(by) == 1 else verb[:-1]
    one = len(blocked) == 1
    message = (
        f"{few(blocked)} stay{'s' if one else ''} blocked by `{defeater}` where `{defeater}` is not in force itself, "
        f"because {few(by)} {verb} it"
    )
    related = tuple(Note(graph.entities[g].span, f"`{g}`") for g in (*blocked[:3], *by[:1]))
    help_ = f"if it is meant, nothing is to be done; else leave these situations out of the condition of `{defeater}`"
    return Report(message, graph.entities[defeater].span, (defeater, *blocked), related, (), help_)


def _by(prover: Prover, defeater: str, proof: Proof) -> list[str]:
    """Who defeats it in the situation shown, or could."""
    if proof.witness is None:
        return sorted({*prover.graph.overriders[defeater], *prover.graph.outrankers[defeater]})
    by = resolve(prover.graph, proof.witness.values).dropped[defeater].by
    return [k for k in by if k in proof.witness.in_force] or list(by)

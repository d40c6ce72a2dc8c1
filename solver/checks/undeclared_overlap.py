"""Two instructions that can apply at once, with nothing said of how they go together.

What it proves
    Nothing: it notes pairs of guidelines with instructions in plain words, about related situations, that can be in
    force together although no relation says how.

Why it matters
    A solver cannot tell whether "offer a discount" and "quote the full price" contradict each other. Their author can.

Example
    `frequent-flyer: asks_upgrade && member` and `sold-out: asks_upgrade && sold_out`.

Fix
    If they go well together, leave it or allow it. If not, declare `overrides` or `exclusive_with`.

Limits
    Related means that their conditions share an observation, event or journey. Pairs are looked for up to a limit, and the note says so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations, islice

import networkx as nx

from jurat.policies.diagnostics import Note
from jurat.policies.expr import Expr, Fact, atoms, key_of
from jurat.policies.findings import Proof, Severity, Verdict
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Action, Decide, HandOff, Instruct
from jurat.solver.claims import in_force
from jurat.solver.outcome import Check, Outcome, Report, finding_of, quoted
from jurat.solver.prover import Prover

CHECK = Check("J008", "undeclared-overlap", Severity.NOTE)
NAMED = 5
"""How many guidelines of a group a note names."""


def entities(_: PolicyGraph) -> Iterator[tuple[str, ...]]:
    yield from ()  # the pairs share their clusters with other checks or are asked one by one


def pairs(graph: PolicyGraph) -> Iterator[tuple[str, str]]:
    """Pairs of instructing guidelines whose conditions share a name, with no relation between them."""
    about: dict[str, list[str]] = defaultdict(list)
    for g in graph.guidelines:
        if any(isinstance(action, Instruct) for action in graph.entities[g].actions):
            for key in _situations(graph.entities[g].condition):
                about[key].append(g)
    seen: set[tuple[str, str]] = set()
    for members in sorted(about.values(), key=lambda each: (len(each), each)):  # the most particular names first
        for g, h in combinations(sorted(members), 2):
            if (g, h) not in seen and not _related(graph, g, h):
                seen.add((g, h))
                yield g, h


def _situations(condition: Expr) -> list[str]:
    """What a condition looks at that comes and goes: not the facts, which concern every guideline alike."""
    return sorted(key_of(atom) for atom in atoms(condition) if not isinstance(atom, Fact))


def _related(graph: PolicyGraph, g: str, h: str) -> bool:
    direct = h in graph.overriders[g] or g in graph.overriders[h] or (g, h) in graph.exclusive
    return direct or h in graph.kin[g] or _disambiguated(graph, g, h) or _clash(graph, g, h)


def _clash(graph: PolicyGraph, g: str, h: str) -> bool:
    """Their conflict is proved or shown elsewhere."""
    return any(_different(a, b) for a in graph.entities[g].actions for b in graph.entities[h].actions)


def _different(a: Action, b: Action) -> bool:
    if isinstance(a, Decide) and isinstance(b, Decide):
        return a.decision == b.decision and a.value != b.value
    return isinstance(a, HandOff) and isinstance(b, HandOff) and a.to != b.to


def _disambiguated(graph: PolicyGraph, g: str, h: str) -> bool:
    return any(g in choice.targets and h in choice.targets for choice in graph.disambiguations)


def run(prover: Prover) -> Iterator[Outcome]:
    graph = prover.graph
    limit = prover.limits.overlap_pairs
    found: nx.Graph[str] = nx.Graph()
    looked = 0
    for g, h in islice(pairs(graph), limit):
        looked += 1
        if prover.ask(in_force(g), in_force(h)).possible:
            found.add_edge(g, h)
    for group in sorted(sorted(members) for members in nx.connected_components(found)):
        count = found.subgraph(group).number_of_edges()
        yield _noted(graph, group, count, partial=looked == limit)


def _noted(graph: PolicyGraph, group: list[str], count: int, *, partial: bool) -> Outcome:
    proof = Proof(f"overlap: {', '.join(group)}", CHECK.name, Verdict.PROVED)
    shown = group[:NAMED]
    names = quoted(shown) + (f" and {len(group) - NAMED} more" if len(group) > NAMED else "")
    message = (
        f"{names} can be in force together ({count} pair{'s' if count > 1 else ''}), and nothing says how they combine"
    )
    notes = ("only part of the pairs was looked at",) if partial else ()
    related = tuple(Note(graph.entities[g].span, f"`{g}`") for g in shown[1:])
    help_ = "if their instructions go well together, nothing is to be done; else add `overrides` or `exclusive_with`"
    said = Report(message, graph.entities[group[0]].span, tuple(group), related, notes, help_)
    return Outcome(proof, finding_of(graph, CHECK, said, proof))

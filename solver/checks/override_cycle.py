"""Guidelines override each other in a circle.

What it proves
    After tags and journeys are expanded, no chain of `overrides` leads from a guideline back to itself.

Why it matters
    Where all of a circle's guidelines match, each is blocked by another, and none of them does anything.

Example
    Everything tagged `urgent` overrides everything tagged `sales`, everything tagged `sales` overrides everything
    tagged `urgent`.

Fix
    Take one of the relations out, or say by conditions which of the guidelines is meant when.

Limits
    The circle is reported even if its guidelines can never match at the same time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import networkx as nx

from jurat.policies.diagnostics import Note
from jurat.policies.findings import Proof, Severity, Verdict
from jurat.policies.graph import PolicyGraph
from jurat.policies.resolution import Resolution
from jurat.solver.claims import Predicate
from jurat.solver.outcome import Check, Outcome, Report, judged, quoted
from jurat.solver.prover import Prover
from jurat.solver.witness import Question, witness_of

CHECK = Check("J003", "override-cycle", Severity.ERROR)


def entities(graph: PolicyGraph) -> Iterator[tuple[str, ...]]:
    yield from _cycles(graph)


def run(prover: Prover) -> Iterator[Outcome]:
    for cycle in _cycles(prover.graph):
        text = "no circle: " + " > ".join((*cycle, cycle[0]))
        proof = _illustrated(
            prover,
            cycle,
            Proof(text, CHECK.name, Verdict.REFUTED, tuple(f"rule:{g}" for g in cycle), kind="obligation"),
        )
        yield judged(prover.graph, CHECK, proof, lambda _, c=cycle: _told(prover.graph, c))  # type: ignore[misc]  # bound now


def _cycles(graph: PolicyGraph) -> list[tuple[str, ...]]:
    """A shortest circle of each tangle, from its smallest id on."""
    overrides = _overrides(graph)
    return sorted(_shortest(overrides.subgraph(tangle)) for tangle in tangles(graph))


def tangles(graph: PolicyGraph) -> list[frozenset[str]]:
    """The entities that override each other in circles, circle by circle with what is tied up in it."""
    found = nx.strongly_connected_components(_overrides(graph))
    return [frozenset(tangle) for tangle in found if len(tangle) > 1]


def _overrides(graph: PolicyGraph) -> nx.DiGraph[str]:
    overrides: nx.DiGraph[str] = nx.DiGraph()
    overrides.add_edges_from((h, g) for g, above in graph.overriders.items() for h in above)
    return overrides


def _shortest(tangle: nx.DiGraph[str]) -> tuple[str, ...]:
    circles = (nx.shortest_path(tangle, target, source) for source, target in sorted(tangle.edges))
    best = min(circles, key=lambda path: (len(path), path))
    start = best.index(min(best))
    return tuple(best[start:] + best[:start])


def _illustrated(prover: Prover, cycle: tuple[str, ...], proof: Proof) -> Proof:
    """With a situation in which all of them are triggered, if there is one."""
    question = Question(tuple(Predicate("live", g) for g in cycle))

    def shows(resolution: Resolution) -> bool:
        return all(g in resolution.dropped and resolution.dropped[g].reason == "overridden" for g in cycle)

    return replace(proof, witness=witness_of(prover, question, shows)) if question.put(prover).possible else proof


def _told(graph: PolicyGraph, cycle: tuple[str, ...]) -> Report:
    chain = [graph.entities[g] for g in cycle]
    message = f"{quoted(cycle)} override each other in a circle"
    around = zip(chain, chain[1:] + chain[:1], strict=True)
    related = tuple(Note(entity.span, f"`{entity.id}` overrides `{other.id}`") for entity, other in around)
    notes = ("where all of them match, none of them is in force",)
    return Report(message, chain[0].span, cycle, related[1:], notes, "take one of these relations out")

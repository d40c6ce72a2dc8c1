"""Guidelines that wait for each other.

What it proves
    No guideline can be in force only by way of itself: along `requires`, `requires_any` and `entails` nothing holds
    itself up.

Why it matters
    A circle of requirements is dead as a whole, however its conditions are written, and each of its guidelines looks
    right on its own.

Example
    `greet` requires `identify`, and `identify` requires `greet`.

Fix
    Take one of the relations out, or let one of the guidelines be triggered without the others.

Limits
    A circle that a condition or another guideline can start from outside is no fault. The guidelines on the circle, and
    those that need them, are not reported as `dead-guideline` again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import networkx as nx

from jurat.policies.diagnostics import Note
from jurat.policies.findings import Proof, Severity, Verdict
from jurat.policies.graph import PolicyGraph
from jurat.solver.claims import Predicate
from jurat.solver.outcome import Check, Outcome, Report, judged, quoted
from jurat.solver.prover import Prover

CHECK = Check("J014", "circular-support", Severity.ERROR)


@dataclass(frozen=True, slots=True)
class Circle:
    """Entities that can be in force only by each other, in the order in which each needs the next.

    ``tangle``: all that are tied up with them; ``dependents``: those that can be in force only by way of the tangle.
    """

    members: tuple[str, ...]
    tangle: tuple[str, ...]
    dependents: tuple[str, ...]


def entities(graph: PolicyGraph) -> Iterator[tuple[str, ...]]:
    yield from _tangles(graph)


def run(prover: Prover) -> Iterator[Outcome]:
    dead = {circle.tangle: circle for circle in circles(prover)}
    for tangle in _tangles(prover.graph):
        if not any(set(tangle).issuperset(each) for each in dead):
            text = f"something starts it: {', '.join(tangle)}"
            yield Outcome(Proof(text, CHECK.name, Verdict.PROVED))
    for circle in dead.values():
        core = tuple(f"rule:{g}" for g in circle.tangle)
        text = "nothing holds itself up: " + ", ".join(circle.tangle)
        proof = Proof(text, CHECK.name, Verdict.REFUTED, core)
        yield judged(prover.graph, CHECK, proof, lambda _, c=circle: _told(prover.graph, c))  # type: ignore[misc]  # bound now


def explained(prover: Prover) -> frozenset[str]:
    """The entities whose being dead a circle explains."""
    return frozenset(g for circle in circles(prover) for g in (*circle.tangle, *circle.dependents))


def circles(prover: Prover) -> list[Circle]:
    """The circles that nothing outside of them can start."""
    graph = prover.graph
    if not _tangles(graph):
        return []
    startable = {g: _startable(prover, g) for tangle in _tangles(graph) for g in tangle}
    grounded = _least(graph, startable)
    held_down = _greatest(graph, startable) - grounded
    needs = _needs(graph).subgraph(held_down)
    tied = {g for tangle in _strong(needs) for g in tangle}
    return [_circle(needs, tangle, tied) for tangle in _strong(needs)]


def _tangles(graph: PolicyGraph) -> list[tuple[str, ...]]:
    """What hangs together in circles of requirements and entailments."""
    return _strong(_needs(graph))


def _strong(needs: nx.DiGraph[str]) -> list[tuple[str, ...]]:
    return sorted(tuple(sorted(each)) for each in nx.strongly_connected_components(needs) if len(each) > 1)


def _needs(graph: PolicyGraph) -> nx.DiGraph[str]:
    """*g* -> *d* where *d* can help to put *g* in force; ``kind`` says how."""
    found: nx.DiGraph[str] = nx.DiGraph()
    for g in graph.entities:
        found.add_edges_from(((g, e) for e in graph.entailers[g]), kind="is entailed by")
        members = (d for group in graph.alternatives[g] for alternative in group for d in alternative)
        found.add_edges_from(((g, d) for d in members), kind="requires one of several, among them")
        found.add_edges_from(((g, d) for d in graph.requirements[g]), kind="requires")
    return found


def _startable(prover: Prover, g: str) -> bool:
    """Whether the entity's own condition can hold."""
    return prover.ask(Predicate("matched", g)).verdict is not Verdict.PROVED


def _least(graph: PolicyGraph, startable: Mapping[str, bool]) -> frozenset[str]:
    """What could be in force if nothing stood in its way and nothing held itself up."""
    found: set[str] = set()
    before = -1
    while before != len(found):
        before = len(found)
        found.update(g for g in _in_order(graph) if _could_be(graph, g, startable, found))
    return frozenset(found)


def _greatest(graph: PolicyGraph, startable: Mapping[str, bool]) -> frozenset[str]:
    """The same, were circles allowed to hold themselves up."""
    found = set(graph.entities)
    before = -1
    while before != len(found):
        before = len(found)
        for g in _in_order(graph):
            if not _could_be(graph, g, startable, found):
                found.discard(g)
    return frozenset(found)


def _in_order(graph: PolicyGraph) -> Iterator[str]:
    """What others depend on first, so that one pass does nearly all."""
    return (g for stratum in graph.strata for g in stratum)


def _could_be(graph: PolicyGraph, g: str, startable: Mapping[str, bool], given: set[str]) -> bool:
    triggered = startable.get(g, True) or any(e in given for e in graph.entailers[g])
    groups = graph.alternatives[g]
    needed = given.issuperset(graph.requirements[g])
    return triggered and needed and all(any(given.issuperset(each) for each in group) for group in groups)


def _circle(needs: nx.DiGraph[str], tangle: tuple[str, ...], tied: set[str]) -> Circle:
    inside = needs.subgraph(tangle)
    paths = (nx.shortest_path(inside, target, source) for source, target in sorted(inside.edges))
    best = min(paths, key=lambda path: (len(path), path))
    start = best.index(min(best))
    others = nx.ancestors(needs, best[0]) - tied
    return Circle(tuple(best[start:] + best[:start]), tangle, tuple(sorted(others)))


def _told(graph: PolicyGraph, circle: Circle) -> Report:
    members, spans = circle.members, [graph.entities[g].span for g in circle.members]
    around = list(zip(members, members[1:] + members[:1], strict=True))
    needs = _needs(graph)
    chain = [f"`{g}` {needs.edges[g, d]['kind']} `{d}`" for g, d in around]
    related = tuple(Note(span, text) for span, text in zip(spans, chain, strict=True))
    also = [*(g for g in circle.tangle if g not in members), *circle.dependents]
    notes = (f"nor can {quoted(also)}, which need{'s' if len(also) == 1 else ''} them",) if also else ()
    message = f"{quoted(members)} can be in force only by way of each other, so {'neither' if len(members) == 2 else 'none'} of them ever is"
    return Report(message, spans[0], members, related, notes, "take one of these relations out")

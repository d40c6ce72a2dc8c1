"""A guideline that is in force exactly when it is not.

What it proves
    Whatever is known, it is decided for each guideline whether it is in force: the well-founded model leaves nothing
    undefined, even though precedence and support run in a circle.

Why it matters
    An undefined guideline neither acts nor fails to act for any reason that an author could give.

Example
    `a` entails `b`, and `b` overrides `a`: were `a` in force, `b` would be live and block it; were it not, nothing
    would block it.

Fix
    Break the circle: take out the `overrides`, or the `entails` or `requires` that leads back.

Limits
    Only circles that contain an `overrides`, a rank or a disambiguation need this proof; other policies are stratified
    and have it for free.
"""

from __future__ import annotations

from collections.abc import Iterator

from jurat.policies.diagnostics import Note
from jurat.policies.findings import Proof, Severity
from jurat.policies.graph import PolicyGraph
from jurat.policies.resolution import Resolution
from jurat.solver.claims import Claim, Not, Predicate, every, in_force, possible, some
from jurat.solver.outcome import Check, Outcome, Report, absent, judged, quoted
from jurat.solver.prover import Prover
from jurat.solver.witness import Question

CHECK = Check("J002", "paradox", Severity.ERROR)


def entities(graph: PolicyGraph) -> Iterator[tuple[str, ...]]:
    yield from _unstratified(graph)


def _unstratified(graph: PolicyGraph) -> list[tuple[str, ...]]:
    """The strata in which a negative edge runs in a circle."""
    if graph.stratified:
        return []
    home = {g: number for number, stratum in enumerate(graph.strata) for g in stratum}
    edges = graph.influence.edges
    guilty = {home[h] for h, g in edges if edges[h, g]["negative"] and home[h] == home[g]}
    return [graph.strata[number] for number in sorted(guilty)]


def run(prover: Prover) -> Iterator[Outcome]:
    for stratum in _unstratified(prover.graph):
        undefined = some(*(every(possible(g), Not(in_force(g))) for g in stratum))
        everything = map(known, sorted(prover.cones.cone(stratum).conditions))
        question = Question((undefined, *everything))
        proof = absent(prover, CHECK, f"decided: {', '.join(stratum)}", question, lambda r, s=stratum: _shows(r, s))  # type: ignore[misc]  # bound now
        yield judged(prover.graph, CHECK, proof, lambda p, s=stratum: _told(prover.graph, s, p))  # type: ignore[misc]  # bound now


def undecided(prover: Prover, g: str) -> bool:
    """Whether it is undecided in some situation whether an entity is in force, although everything is known."""
    if prover.graph.stratified:
        return False
    conditions = sorted(prover.cones.cone((g,)).conditions)
    return prover.ask(possible(g), Not(in_force(g)), *map(known, conditions)).possible


def known(g: str) -> Claim:
    """It is known whether its condition holds."""
    return some(Predicate("matched", g), Not(Predicate("matched", g, "possible")))


def _shows(resolution: Resolution, stratum: tuple[str, ...]) -> bool:
    return any(g in resolution.undefined for g in stratum)


def _told(graph: PolicyGraph, stratum: tuple[str, ...], proof: Proof) -> Report:
    assert proof.witness is not None
    undecided = tuple(g for g in stratum if g in proof.witness.possible and g not in proof.witness.in_force) or stratum
    message = f"it is undecided whether {quoted(undecided)} {'is' if len(undecided) == 1 else 'are'} in force"
    return Report(
        message,
        graph.entities[undecided[0]].span,
        undecided,
        tuple(_chain(graph, undecided)),
        (),
        "break the circle: take out one of these relations",
    )


def _chain(graph: PolicyGraph, members: tuple[str, ...]) -> Iterator[Note]:
    for h, g, kind in sorted(graph.network.edges(keys=True)):
        if h in members and g in members and kind in _WORDS:
            yield Note(graph.entities[h].span, f"`{h}` {_WORDS[kind]} `{g}`")


_WORDS = {"overrides": "overrides", "entails": "entails", "requires": "requires", "requires_any": "may need"}

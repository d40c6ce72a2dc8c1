"""A guideline without which everything would be the same.

What it proves
    For each guideline that can be in force, and whose actions others have too, there is a situation in which something
    else is done once the guideline is gone, with its relations: `overrides`, `requires`, `entails` and ranks are taken
    into account on both sides.

Why it matters
    It looks like a rule and changes nothing. Often its author meant an exception that the rest of the policy already
    makes.

Example
    `sorry-twice` applies after `failed("pay")`, where it overrides `sorry` and gives the same instruction. Or a guideline
    without actions overrides another one, which never applies at the same time.

Fix
    Delete it, or change what it does.

Limits
    Actions are compared as written, in situations in which the judge does not know something too: an exception that holds
    its rule back while nobody knows whether it applies is missed when it is gone. A guideline whose actions are always done by others that are in force with it is a
    `shadowed-guideline`, one that is never in force a `dead-guideline`; neither is reported here again. Guidelines that
    questions to the customer depend on, and those that influence more than 100 others, are not looked at.
"""

from __future__ import annotations

from collections.abc import Iterator

import networkx as nx

from jurat.policies.diagnostics import Note
from jurat.policies.findings import Severity, Verdict
from jurat.policies.graph import PolicyGraph
from jurat.solver.checks.shadowed_guideline import shadows
from jurat.solver.effects import Doers, effects_of
from jurat.solver.outcome import Check, Outcome, Report, judged, possible
from jurat.solver.prover import Prover
from jurat.solver.twins import MANY_AFTER, after, difference

CHECK = Check("J010", "redundant-guideline", Severity.WARNING)


def entities(graph: PolicyGraph) -> Iterator[tuple[str, ...]]:
    doers = Doers(graph)
    for g in candidates(graph):
        changed = after(graph, g)
        if len(changed) <= MANY_AFTER:
            yield g, *(h for x in (g, *changed) for e in effects_of(graph.entities[x]) for h in doers.others(x, e))


def candidates(graph: PolicyGraph) -> list[str]:
    """Guidelines that do nothing themselves, or influence others and do nothing that others do not do too."""
    doers = Doers(graph)
    idle = {g for g in graph.guidelines if not graph.entities[g].actions}
    return sorted(idle | {g for g in graph.guidelines if graph.influence.succ[g] and doers.shared(g)})


def run(prover: Prover) -> Iterator[Outcome]:
    gone = {each.guideline for each in shadows(prover) if each.by} if candidates(prover.graph) else set()
    for g in candidates(prover.graph):
        answer = prover.can_be_in_force(g) if g not in gone else None
        if g in gone or (answer and not answer.possible) or _leans_on(prover.graph, g, gone):
            continue
        if (found := difference(prover, g)) is None:
            continue
        proof = possible(prover, CHECK, f"something is different without it: {g}", found)
        if proof.verdict is Verdict.REFUTED:
            gone.add(g)
        yield judged(prover.graph, CHECK, proof, lambda _, g=g: _told(prover.graph, g))  # type: ignore[misc]  # bound now


def _leans_on(graph: PolicyGraph, g: str, gone: set[str]) -> bool:
    """Whether something found to be superfluous could be what makes this one superfluous too; only one of them is."""
    effects = {effect for h in (g, *after(graph, g)) for effect in effects_of(graph.entities[h])}
    near = {*after(graph, g), *nx.ancestors(graph.influence, g)}
    return any(h in near or effects.intersection(effects_of(graph.entities[h])) for h in gone)


def _told(graph: PolicyGraph, g: str) -> Report:
    touched = sorted(graph.influence.succ[g])
    related = tuple(Note(graph.entities[h].span, f"`{h}` is the same without it") for h in touched[:3])
    why = "others do what it does" if graph.entities[g].actions else "it does nothing itself"
    message = f"nothing changes without `{g}`: {why}, and its relations make no difference"
    return Report(message, graph.entities[g].span, (g,), related, (), f"delete `{g}`, or change what it does")

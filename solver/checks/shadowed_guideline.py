"""A guideline that never adds anything.

What it proves
    For each guideline that can be in force: there is a situation in which it is and no other guideline that is in
    force with it already does all that it does; and one in which its own condition puts it in force.

Why it matters
    It can be deleted without any change in behaviour, or, more likely, it does not say what its author meant.

Example
    `refund-vip` gives the same instruction as `refund`, and applies only where `refund` applies anyway.

Fix
    Delete it, let it override the other one, or change what it does.

Limits
    Actions are compared as written; two instructions that mean the same in other words are two.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from jurat.policies.diagnostics import Note
from jurat.policies.findings import Proof, Severity, Verdict
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Action, Instruct
from jurat.solver.claims import Not, Predicate, in_force
from jurat.solver.outcome import Check, Outcome, Report, exists, judged
from jurat.solver.prover import Prover
from jurat.solver.witness import Question

CHECK = Check("J005", "shadowed-guideline", Severity.WARNING)


def entities(graph: PolicyGraph) -> Iterator[tuple[str, ...]]:
    yield from candidates(graph)
    yield from ((g,) for g in entailed_and_blocked(graph))


def candidates(graph: PolicyGraph) -> list[tuple[str, str]]:
    """(g, h) where *h* does all that *g* does."""
    does = {g: _effects(graph.entities[g].actions) for g in graph.guidelines if graph.entities[g].actions}
    doers: dict[object, set[str]] = defaultdict(set)
    for g, effects in does.items():
        for effect in effects:
            doers[effect].add(g)
    found = []
    for g, effects in does.items():
        others = set.intersection(*(doers[effect] for effect in effects)) - {g}
        found += [(g, h) for h in others]
    return sorted(found)


def _effects(actions: tuple[Action, ...]) -> frozenset[object]:
    return frozenset(" ".join(a.text.casefold().split()) if isinstance(a, Instruct) else a for a in actions)


def entailed_and_blocked(graph: PolicyGraph) -> list[str]:
    """Those whose own condition could be idle, because others bring them in force as well."""
    return [g for g in graph.guidelines if graph.entailers[g] and (graph.overriders[g] or graph.outrankers[g])]


def run(prover: Prover) -> Iterator[Outcome]:
    shadowed: set[str] = set()
    for g, h in candidates(prover.graph):
        if g in shadowed or h in shadowed or not _alive(prover, g):
            continue  # of two that shadow each other one is enough
        apart = Question((in_force(g), Not(in_force(h))))
        proof = exists(prover, CHECK, f"adds something to {h}: {g}", apart)
        if proof.verdict is Verdict.REFUTED:
            shadowed.add(g)
        yield judged(prover.graph, CHECK, proof, lambda _, g=g, h=h: _told(prover.graph, g, h))  # type: ignore[misc]  # bound now
    for g in entailed_and_blocked(prover.graph):
        if _alive(prover, g) and prover.ask(Predicate("matched", g)).possible:
            yield _own_condition(prover, g)


def _alive(prover: Prover, g: str) -> bool:
    """A dead guideline is another finding."""
    answer = prover.can_be_in_force(g)
    return answer is None or answer.possible


def _own_condition(prover: Prover, g: str) -> Outcome:
    both = Question((in_force(g), Predicate("matched", g)))
    proof = exists(prover, CHECK, f"its condition counts: {g}", both)
    return judged(prover.graph, CHECK, proof, lambda p: _idle(prover.graph, g, p))


def _told(graph: PolicyGraph, g: str, h: str) -> Report:
    return Report(
        f"`{g}` never adds anything: whenever it is in force so is `{h}`, which does all that it does",
        graph.entities[g].span,
        (g,),
        (Note(graph.entities[h].span, f"`{h}` does the same"),),
        (),
        f"delete `{g}`, let it override `{h}`, or change what it does",
    )


def _idle(graph: PolicyGraph, g: str, proof: Proof) -> Report:
    assert proof.verdict is Verdict.REFUTED
    related = tuple(Note(graph.entities[h].span, f"`{h}` overrides it") for h in graph.overriders[g])
    message = f"the condition of `{g}` never counts: whenever it holds, `{g}` is blocked"
    return Report(message, graph.entities[g].condition_span, (g,), related, (), "drop the condition, or the precedence")

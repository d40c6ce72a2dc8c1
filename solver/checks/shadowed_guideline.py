"""A guideline that never adds anything.

What it proves
    For each guideline that can be in force: there is a situation in which it does something that no other guideline
    does there, neither one alone nor several between them; and one in which its own condition puts it in force.

Why it matters
    What it does is done without it. Most likely it does not say what its author meant.

Example
    `refund-vip` gives the same instruction as `refund`, and applies only where `refund` applies anyway. Or `help-gold`
    applies to gold and platinum customers, where `help-a` or `help-b` says the same to each of them.

Fix
    Delete it, let it override the others, or change what it does. The finding says whether its relations would be
    missed.

Limits
    Actions are compared as written; two instructions that mean the same in other words are two. Where more than 32
    guidelines do the same, those about the most similar situations are looked at. A guideline that adds nothing because
    others step in when it is gone is a `redundant-guideline`; one that is never in force is a `dead-guideline`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from jurat.policies.diagnostics import Note
from jurat.policies.findings import Proof, Severity, Verdict
from jurat.policies.graph import PolicyGraph
from jurat.solver.claims import Not, Predicate, every, in_force, some
from jurat.solver.effects import Doers, does, effects_of
from jurat.solver.outcome import Check, Outcome, Report, exists, judged, quoted
from jurat.solver.prover import Prover
from jurat.solver.twins import after, difference
from jurat.solver.witness import Question

CHECK = Check("J005", "shadowed-guideline", Severity.WARNING)


@dataclass(frozen=True, slots=True)
class Shadow:
    """The answer about one guideline; ``by``: a smallest set of those that do all that it does, where it is refuted."""

    guideline: str
    proof: Proof
    by: tuple[str, ...] = ()


def entities(graph: PolicyGraph) -> Iterator[tuple[str, ...]]:
    doers = Doers(graph)
    yield from ((g, *_others(doers, g)) for g in candidates(graph))
    yield from ((g,) for g in entailed_and_blocked(graph))


def candidates(graph: PolicyGraph) -> list[str]:
    """The guidelines of which everything that they do is done by others too."""
    doers = Doers(graph)
    return [g for g in sorted(graph.guidelines) if graph.entities[g].actions and doers.shared(g)]


def _others(doers: Doers, g: str, without: Iterable[str] = ()) -> tuple[str, ...]:
    effects = effects_of(doers.graph.entities[g])
    return tuple(sorted({h for effect in effects for h in doers.others(g, effect, without)}))


def entailed_and_blocked(graph: PolicyGraph) -> list[str]:
    """Those whose own condition could be idle, because others bring them in force as well."""
    return [g for g in graph.guidelines if graph.entailers[g] and (graph.overriders[g] or graph.outrankers[g])]


def run(prover: Prover) -> Iterator[Outcome]:
    for found in shadows(prover):
        yield judged(prover.graph, CHECK, found.proof, lambda _, f=found: _told(prover, f))  # type: ignore[misc]  # bound now
    for g in entailed_and_blocked(prover.graph):
        if _alive(prover, g) and prover.ask(Predicate("matched", g)).possible:
            yield _own_condition(prover, g)


_FOUND: WeakKeyDictionary[Prover, list[Shadow]] = WeakKeyDictionary()


def shadows(prover: Prover) -> list[Shadow]:
    """The answers about every candidate; found once for each prover."""
    if prover not in _FOUND:
        _FOUND[prover] = list(_shadows(prover))
    return _FOUND[prover]


def _shadows(prover: Prover) -> Iterator[Shadow]:
    """Each given that the guidelines found to be shadowed so far are gone: of two equal ones, one stays."""
    doers, gone = Doers(prover.graph), list[str]()
    for g in candidates(prover.graph):
        others = _others(doers, g, gone)
        if others and _alive(prover, g):
            proof = exists(prover, CHECK, f"adds something: {g}", _apart(prover.graph, g, others))
            refuted = proof.verdict is Verdict.REFUTED
            gone += [g] if refuted else []
            yield Shadow(g, proof, _smallest(prover, g, others) if refuted else ())


def _apart(graph: PolicyGraph, g: str, others: tuple[str, ...]) -> Question:
    """It does something that none of the others does."""
    alone = []
    for effect in effects_of(graph.entities[g]):
        doing = (h for h in others if effect in effects_of(graph.entities[h]))
        alone.append(every(does(graph, g, effect), *(Not(does(graph, h, effect)) for h in doing)))
    return Question((some(*alone),))


def _smallest(prover: Prover, g: str, others: tuple[str, ...]) -> tuple[str, ...]:
    """One that does all of it, or a set from which none can be left out."""
    wanted = set(effects_of(prover.graph.entities[g]))
    for h in others:
        able = wanted.issubset(effects_of(prover.graph.entities[h]))
        if able and _apart(prover.graph, g, (h,)).put(prover).verdict is Verdict.PROVED:
            return (h,)
    kept = others
    for h in others:
        rest = tuple(each for each in kept if each != h)
        if _apart(prover.graph, g, rest).put(prover).verdict is Verdict.PROVED:
            kept = rest
    return kept


def _alive(prover: Prover, g: str) -> bool:
    """A dead guideline is another finding."""
    answer = prover.can_be_in_force(g)
    return answer is None or answer.possible


def _own_condition(prover: Prover, g: str) -> Outcome:
    both = Question((in_force(g), Predicate("matched", g)))
    proof = exists(prover, CHECK, f"its condition counts: {g}", both)
    return judged(prover.graph, CHECK, proof, lambda p: _idle(prover.graph, g, p))


def _told(prover: Prover, found: Shadow) -> Report:
    graph, g, by = prover.graph, found.guideline, found.by
    message = f"`{g}` never adds anything: whenever it is in force so is {quoted(by)}, which does all that it does"
    if len(by) > 1:
        message = f"`{g}` never adds anything: whenever it is in force, {quoted(by)} between them do all that it does"
    related = tuple(Note(graph.entities[h].span, f"`{h}` does the same") for h in by)
    help_ = f"delete `{g}`, let it override {quoted(by)}, or change what it does"
    return Report(message, graph.entities[g].span, (g,), related, (_missed(prover, g),), help_)


def _missed(prover: Prover, g: str) -> str:
    alone = not after(prover.graph, g) and prover.graph.entities[g].on_unknown != "ask"
    answer = None if alone else difference(prover, g)
    if alone or (answer is not None and answer.verdict is Verdict.PROVED):
        return "nothing at all changes without it"
    return "its relations may be missed all the same"


def _idle(graph: PolicyGraph, g: str, proof: Proof) -> Report:
    assert proof.verdict is Verdict.REFUTED
    related = tuple(Note(graph.entities[h].span, f"`{h}` overrides it") for h in graph.overriders[g])
    message = f"the condition of `{g}` never counts: whenever it holds, `{g}` is blocked"
    return Report(message, graph.entities[g].condition_span, (g,), related, (), "drop the condition, or the precedence")

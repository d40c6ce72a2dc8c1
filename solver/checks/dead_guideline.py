"""A guideline that is never in force.

What it proves
    For every guideline there is an admissible situation in which it is in force. Where there is none, the reason is
    named: its condition never holds (and nothing entails it), what it requires is never in force with it, or it is
    overridden or outranked whenever it applies, with a smallest set of those that block it.

Why it matters
    Its author believes that it does something.

Example
    `standard-upgrade` is overridden by `upsell`, whose condition is implied by its own.

Fix
    Depends on the reason: mend the condition, the requirement, or the precedence; or delete the guideline.

Limits
    A guideline that is in force in a single odd situation is not dead. Guidelines that wait for each other in a circle are
    reported as `circular-support`, once for the whole circle; one that is dead because guidelines override each other in a
    circle, or because it is undecided whether it is in force, is part of an `override-cycle` or a `paradox`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from jurat.policies.diagnostics import Note
from jurat.policies.findings import Proof, Severity, Verdict
from jurat.policies.graph import PolicyGraph
from jurat.policies.resolution import Resolution
from jurat.solver.checks import circular_support
from jurat.solver.checks.constant_comparison import constants_in
from jurat.solver.checks.override_cycle import tangles
from jurat.solver.checks.paradox import undecided
from jurat.solver.claims import Claim, Not, Predicate, binds, every, in_force, some
from jurat.solver.outcome import Check, Outcome, Report, finding_of, possible, quoted
from jurat.solver.prover import Prover
from jurat.solver.witness import Question, witness_of

CHECK = Check("J004", "dead-guideline", Severity.ERROR)


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a guideline is dead; a situation in which it comes closest to being in force."""

    text: str
    blockers: tuple[str, ...]
    help: str
    closest: Question | None = None
    notes: tuple[str, ...] = ()


def entities(graph: PolicyGraph) -> Iterator[tuple[str, ...]]:
    yield from ((g,) for g in graph.guidelines)


def run(prover: Prover) -> Iterator[Outcome]:
    for g in sorted(prover.graph.guidelines.keys() - circular_support.explained(prover)):
        proof = possible(prover, CHECK, f"can be in force: {g}", prover.can_be_in_force(g))
        if proof.verdict is not Verdict.REFUTED:
            yield Outcome(proof)
            continue
        cause = _cause(prover, g)
        if _said_elsewhere(prover, g, cause):
            yield Outcome(proof)
            continue
        shown = _illustrated(prover, g, cause, proof)
        yield Outcome(shown, finding_of(prover.graph, CHECK, _told(prover.graph, g, cause), shown))


def _said_elsewhere(prover: Prover, g: str, cause: Cause) -> bool:
    """Whether it is dead only because of a circle that is a finding of its own: of overrides, or a paradox."""
    circular = any({g, *cause.blockers} <= tangle for tangle in tangles(prover.graph))
    return (circular and bool(cause.blockers)) or undecided(prover, g)


def _cause(prover: Prover, g: str) -> Cause:
    matched, entailed = Predicate("matched", g), Predicate("entailed", g)
    if not _can(prover, matched) and not _can(prover, entailed):
        entailers = prover.graph.entailers[g]
        also = f", and what entails it ({quoted(entailers)}) is never in force either" if entailers else ""
        notes = tuple(str(each) for each in constants_in(prover, prover.graph.entities[g].condition))
        return Cause(f"its condition never holds{also}", entailers, "mend its condition, or delete it", notes=notes)
    triggered = some(matched, entailed)
    if not _can(prover, triggered, Predicate("supported", g)):
        return _unsupported(prover, g, triggered)
    return _blocked(prover, g)


def _can(prover: Prover, *claims: Claim) -> bool:
    return prover.ask(*claims).possible


def _unsupported(prover: Prover, g: str, triggered: Claim) -> Cause:
    graph = prover.graph
    needed = graph.requirements[g]
    missing = tuple(d for d in needed if not _can(prover, triggered, in_force(d)))
    if any(not group for group in graph.alternatives[g]):
        text = "it requires a tag that nothing else carries"
    elif missing:
        text = f"{quoted(missing)}, which it requires, {'is' if len(missing) == 1 else 'are'} never in force when it applies"
    else:
        text = "what it requires is never in force all at once when it applies"
    help_ = "drop the requirement, or mend the conditions so that both can hold"
    return Cause(text, missing or needed, help_, Question((triggered,)))


def _blocked(prover: Prover, g: str) -> Cause:
    graph = prover.graph
    blockers = _smallest(prover, g)
    closest = Question((Predicate("live", g),))
    if not blockers:
        return Cause(
            "it is always ambiguous when it applies", (), "give the customer fewer choices to tell apart", closest
        )
    outranked = all(h not in graph.overriders[g] for h in blockers)
    verb = "outranked" if outranked else "overridden"
    return Cause(
        f"it is {verb} by {quoted(blockers)} whenever it applies",
        blockers,
        f"drop the precedence, or let `{g}` apply where {quoted(blockers)} {'does' if len(blockers) == 1 else 'do'} not",
        closest,
    )


def _ways(graph: PolicyGraph, g: str) -> dict[str, Claim]:
    """What may block a guideline, and when."""
    ways: dict[str, Claim] = {h: Predicate("live", h, "possible") for h in graph.overriders[g]}
    for h in graph.outrankers[g]:
        ways.setdefault(h, every(Predicate("matched", h, "possible"), binds(h)))
    return ways


def _smallest(prover: Prover, g: str) -> tuple[str, ...]:
    """A set of blockers from which none can be left out: without one of them the guideline could be in force."""
    ways = _ways(prover.graph, g)
    clear = Predicate("live", g), Not(Predicate("ambiguous", g, "possible"))
    kept = sorted(ways)
    for h in list(kept):
        rest = [each for each in kept if each != h]
        if not _can(prover, *clear, *(Not(ways[each]) for each in rest)):
            kept = rest
    return tuple(kept)


def _illustrated(prover: Prover, g: str, cause: Cause, proof: Proof) -> Proof:
    """With a situation in which the guideline applies and yet is not in force."""
    if cause.closest is None or not cause.closest.put(prover).possible:
        return proof

    def shows(resolution: Resolution) -> bool:
        return g in resolution.dropped

    return replace(proof, witness=witness_of(prover, cause.closest, shows))


def _told(graph: PolicyGraph, g: str, cause: Cause) -> Report:
    related = tuple(Note(graph.entities[h].span, f"`{h}` stands here") for h in cause.blockers)
    guideline = graph.entities[g]
    return Report(f"`{g}` is never in force: {cause.text}", guideline.span, (g,), related, cause.notes, cause.help)

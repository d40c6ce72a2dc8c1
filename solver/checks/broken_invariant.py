"""An invariant that some session breaks.

What it proves
    Each formula under `invariants` is certainly true at every position of every session: whenever a message or an event
    arrives, a tool call starts or ends, or a reply is sent, whatever the customer says, the judge answers, the
    application knows and the tools return.

Why it matters
    An invariant is what must hold however a conversation goes: no refund without a verified identity, no second call of
    a consequential tool. A condition speaks of one moment; an invariant of everything that led to it.

Example
    `called("issue_refund") implies once(succeeded("verify_identity"))`, where the guard of `issue_refund` is
    `customer.verified || customer.tier == "gold"`: a gold customer who asks for a refund gets one unverified.

Fix
    Make the guard of the tool say what the invariant says, or take back the rule that calls it; the session that is
    shown says which call it was. An invariant that is meant for certain moments begins with them: `called("t") implies …`.

Limits
    Events in an invariant are those of its position. What is not known is not true: an invariant about an absent fact is
    broken. The proof counts with more than the engine does (docs/invariants.md), and a counterexample is shown only after
    it was played through the reference semantics; where neither a proof nor such a session is found, the answer is
    undecided, which does not pass. Sessions in which facts contradict the axioms are refused and not considered. Invariants
    that make calls wait for each other are an `ordering-conflict`.
"""

from __future__ import annotations

from collections.abc import Iterator

from jurat.policies.findings import Proof, Severity, Verdict
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Invariant
from jurat.solver.checks import ordering_conflict
from jurat.solver.outcome import Check, Outcome, Report, finding_of
from jurat.solver.prover import Prover
from jurat.solver.sessions import SessionProof, prove_always

CHECK = Check("J021", "broken-invariant", Severity.ERROR)


def run(prover: Prover) -> Iterator[Outcome]:
    circular = ordering_conflict.invariants(prover)
    for invariant in prover.graph.policy.invariants:
        found = prove_always(prover, invariant.expr)
        proof = Proof(
            f"always: {invariant.text}",
            CHECK.name,
            found.verdict,
            found.core,
            found.trust_base,
            found.witness,
            found.said,
            "obligation",
        )
        refuted = found.verdict is Verdict.REFUTED and invariant.id not in circular
        finding = finding_of(prover.graph, CHECK, _told(prover.graph, invariant, found), proof) if refuted else None
        yield Outcome(proof, finding)


def _told(graph: PolicyGraph, invariant: Invariant, found: SessionProof) -> Report:
    last = found.trace[-1]
    where = {
        "message": "a message arrives",
        "event": f"`{last.happening.name}` takes place",
        "reply": "a reply is sent",
    }
    where |= {"call": f"`{last.happening.name}` is called", "success": f"`{last.happening.name}` succeeds"}
    where |= {"failure": f"`{last.happening.name}` fails"}
    guard = graph.vocabulary.tools[last.happening.name].guard if last.happening.kind == "call" else None
    helps = {True: "let its guard say what the invariant says", False: "give the tool a guard that says so"}
    help_ = helps[guard is not None] if last.happening.kind == "call" else "rule out the session that is shown"
    return Report(
        f"`{invariant.id}` does not hold in every session: it is broken when {where[last.happening.kind]}",
        invariant.span,
        (invariant.id,),
        (),
        tuple(_notes(found)),
        help_,
        (f"invariant:{invariant.id}",),
    )


def _notes(found: SessionProof) -> Iterator[str]:
    yield f"the session has {found.bound} position{'s' if found.bound > 1 else ''}"
    if found.unknown:
        yield "it is not false there but unknown, for something that it speaks of is absent or not judged"

"""A tool that guidelines call or offer, and that its guard never lets run.

What it proves
    For every tool with a guard that something calls or offers there is an admissible situation in which it can be called:
    a caller acts, nothing forbids the tool, and some arguments satisfy the guard and what is asked of them. Facts that
    tools provide may have any value.

Why it matters
    What the guideline promises never happens, and nobody is told: an offer is never taken up, a call waits for a guard
    that opens only where the guideline no longer applies.

Example
    `pay: {when: "!has(customer.verified)", tools: [verify_identity, pay]}` with `guard: customer.verified` on `pay`: once
    the customer is verified, `pay` is not in force any more.

Fix
    Let the guideline apply where the guard holds, or correct the guard.

Limits
    One fault is reported once. A call that is impossible in some situation, whatever else is in force, is reported there
    by `conflicting-actions`, and so is one that would open the guard of such a call; a guard that is never true by itself by `vacuous-condition`; guidelines that never act by
    `dead-guideline`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from jurat.policies.beforehand import openers
from jurat.policies.diagnostics import Note
from jurat.policies.expr import arguments
from jurat.policies.findings import Proof, Severity, Verdict
from jurat.policies.graph import PolicyGraph
from jurat.policies.resolution import Resolution
from jurat.solver.calls import blocked_calls
from jurat.solver.checks import conflicting_actions
from jurat.solver.claims import Holds, acts, every, some
from jurat.solver.known import can_be_called, users
from jurat.solver.outcome import Check, Outcome, Report, exists, finding_of, quoted
from jurat.solver.paths import Calling, users_of
from jurat.solver.prover import Prover
from jurat.solver.witness import Question, witness_of

CHECK = Check("J019", "unopenable-guard", Severity.ERROR)


def entities(graph: PolicyGraph) -> Iterator[tuple[str, ...]]:
    yield from (users_of(graph, tool) for tool in graph.vocabulary.tools)


def run(prover: Prover) -> Iterator[Outcome]:
    for id_, tool in sorted(prover.graph.vocabulary.tools.items()):
        if tool.guard and prover.graph.users[id_][0]:
            yield _opened(Calling(prover, id_))


def _opened(calling: Calling) -> Outcome:
    prover, tool = calling.prover, calling.tool.id
    proof = exists(prover, CHECK, f"can be opened: {tool}", Question((calling.possible(),)))
    if proof.verdict is not Verdict.REFUTED:
        return Outcome(proof)
    if elsewhere := _reported_elsewhere(calling):
        return Outcome(replace(proof, verdict=Verdict.PROVED, reason=elsewhere))
    proof = _illustrated(calling, proof)
    return Outcome(proof, finding_of(prover.graph, CHECK, _told(calling), proof))


def _reported_elsewhere(calling: Calling) -> str:
    """Which other check says what is wrong here; empty if none does."""
    guard = calling.tool.guard
    assert guard is not None
    if not _tried(calling).put(calling.prover).possible:
        return "nothing that calls or offers it ever acts while nothing forbids it"
    if not arguments(guard.expr) and not calling.prover.ask(Holds(guard.expr)).possible:
        return "its guard is never true, which `vacuous-condition` says"
    callers = [path.entity for path in calling.paths if path.kind == "calls"]
    if callers and any(outcome.finding for outcome in blocked_calls(calling.prover, CHECK, calling.tool.id, callers)):
        return "its calls are impossible where `conflicting-actions` says"
    if waiting := next(_waiting(calling), ""):
        return f"it is to open the guard of `{waiting}`, whose calls are impossible where `conflicting-actions` says"
    return ""


def _waiting(calling: Calling) -> Iterator[str]:
    """The tools whose calls are impossible where this one could open the guard, if it could be called itself."""
    graph, users = calling.graph, {path.entity for path in calling.paths}
    for tool, callers in conflicting_actions.callers_of(graph).items():
        guard = graph.vocabulary.tools[tool].guard
        if guard and calling.tool.id in openers(graph, guard.expr):
            found = (outcome.proof.witness for outcome in blocked_calls(calling.prover, CHECK, tool, callers))
            if any(witness and not users.isdisjoint(witness.in_force) for witness in found):
                yield tool


def _tried(calling: Calling) -> Question:
    """A caller acts, and nothing forbids the tool."""
    acting = some(*(acts(calling.graph, path.entity) for path in calling.paths))
    return Question((every(acting, *calling.unforbidden()),))


def _illustrated(calling: Calling, proof: Proof) -> Proof:
    """With a situation in which the tool would be called if its guard let it."""
    tool = calling.tool.id

    def shows(resolution: Resolution) -> bool:
        return bool(users(resolution, tool)) and not can_be_called(calling.graph, resolution, tool)

    return replace(proof, witness=witness_of(calling.prover, _tried(calling), shows))


def _told(calling: Calling) -> Report:
    guard, paths = calling.tool.guard, calling.paths
    assert guard is not None
    names = quoted([path.entity for path in paths])
    verb = _verb(paths[0].kind, len(paths)) if len({path.kind for path in paths}) == 1 else "call or offer"
    message = f"{names} {verb} `{calling.tool.id}`, and its guard holds in no situation in which that happens"
    related = [Note(guard.span, "the guard"), *(Note(path.span, "and here") for path in paths[1:])]
    help_ = f"let {names} apply where `{guard.text}` holds, or correct the guard"
    owners = (f"tool:{calling.tool.id}",)
    return Report(message, paths[0].span, tuple(path.entity for path in paths), tuple(related), (), help_, owners)


def _verb(kind: str, count: int) -> str:
    return kind if count == 1 else kind.removesuffix("s")

"""Agents that hand one and the same message on to each other in a circle.

What it proves
    In no situation is there a circle of agents each of which, if it answered, would hand the message on to the next.

Why it matters
    Nobody would answer. The engine ends such a circle with the agent that would have closed it, which then answers what it
    was to hand on, and offers the customer a human.

Example
    `sales` hands whoever mentions an invoice to `billing`, and `billing` hands whoever wants to buy to `sales`. "I want to
    buy what is on this invoice" goes round.

Fix
    Say by a condition, or by `overrides`, which of the two keeps such a message; or route in one agent only.

Limits
    The situation is the same for all agents of a circle but for who answers: what their tools find out in between is not
    followed. Of circles that share a transfer the shortest is reported, and the first 200 circles are looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, pairwise

import networkx as nx

from jurat.policies.agents import AGENT
from jurat.policies.diagnostics import Note
from jurat.policies.errors import InternalError
from jurat.policies.findings import Proof, Severity, Verdict, Witness
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import HandOff
from jurat.policies.resolution import Resolution
from jurat.policies.semantics import resolve
from jurat.solver.claims import every
from jurat.solver.handing import Edge, Transfers, transfers
from jurat.solver.narration import narrate
from jurat.solver.outcome import Check, Outcome, Report, judged, proof_of, quoted
from jurat.solver.prover import Prover
from jurat.solver.witness import Question, witness_of

CHECK = Check("J027", "transfer-loop", Severity.WARNING)
MOST = 200
"""Circles that are looked at."""


def entities(_: PolicyGraph) -> Iterator[tuple[str, ...]]:
    """Its questions are about a policy of its own."""
    yield from ()


def run(prover: Prover) -> Iterator[Outcome]:
    if sum(1 for _ in _hand_offs(prover.graph)) < 2:
        return
    found = transfers(prover)
    beside = Prover(found.graph, prover.limits)
    reported: set[Edge] = set()
    for circle in islice(_circles(found), MOST):
        if reported.isdisjoint(pairwise(circle)):
            proof = _asked(prover, beside, found, circle)
            reported |= set(pairwise(circle)) if proof.verdict is Verdict.REFUTED else set()
            yield judged(prover.graph, CHECK, proof, lambda p, c=circle: _told(prover.graph, found, c, p))  # type: ignore[misc]  # bound now


def _hand_offs(graph: PolicyGraph) -> Iterator[str]:
    for g, entity in graph.entities.items():
        if any(isinstance(each, HandOff) and each.to in graph.policy.agents for each in entity.actions):
            yield g


def _circles(found: Transfers) -> Iterator[tuple[str, ...]]:
    """Circles of agents, the first one again at the end; short ones first."""
    agents = found.graph.policy.agents
    network: nx.DiGraph[str] = nx.DiGraph()
    network.add_edges_from(edge for edge in sorted(found.edges) if edge[1] in agents)
    for length in range(2, len(network) + 1):
        for circle in nx.simple_cycles(network, length_bound=length):
            if len(circle) == length:
                start = circle.index(min(circle))
                yield (*circle[start:], *circle[:start], circle[start])


def _asked(prover: Prover, beside: Prover, found: Transfers, circle: tuple[str, ...]) -> Proof:
    text = f"no circle of transfers: {' > '.join(circle)}"
    question = Question((every(*(found.handed(*edge) for edge in pairwise(circle))),))
    answer = question.put(beside)
    if not answer.possible:
        return proof_of(beside, CHECK, text, answer)
    seen = witness_of(beside, question, lambda _: True)
    if seen is None:
        reason = "every situation that the solver finds needs a value that cannot be written down"
        return Proof(text, CHECK.name, Verdict.UNKNOWN, reason=reason)
    return Proof(text, CHECK.name, Verdict.REFUTED, witness=_witness(prover.graph, circle, seen))


def _witness(graph: PolicyGraph, circle: tuple[str, ...], seen: Witness) -> Witness:
    """The situation as the first agent of the circle meets it; the reference agrees that each of them hands it on."""
    for source, target in pairwise(circle):
        resolution = resolve(graph, {**seen.values, AGENT: source})
        if target not in _receivers(resolution):
            raise InternalError(f"the solver found a circle of transfers that does not replay: {seen.values}")
    values = {**seen.values, AGENT: circle[0]}
    resolution = resolve(graph, values)
    told = narrate(graph, values, resolution)
    return Witness(values, resolution.in_force, resolution.possible, told, seen.unknown, seen.absent)


def _receivers(resolution: Resolution) -> set[str]:
    return {each.action.to for each in resolution.actions if isinstance(each.action, HandOff)}


def _told(graph: PolicyGraph, found: Transfers, circle: tuple[str, ...], proof: Proof) -> Report:
    """Each transfer with what makes it in the situation found."""
    assert proof.witness is not None
    by = []
    for source, target in pairwise(circle):
        force = set(resolve(graph, {**proof.witness.values, AGENT: source}).in_force)
        by.append(next((g for g in found.edges[source, target] if g in force), found.edges[source, target][0]))
    around = zip(pairwise(circle), by, strict=True)
    related = tuple(Note(graph.entities[g].span, f"`{a}` hands it on to `{b}`") for (a, b), g in around)
    subjects = tuple(dict.fromkeys(by))
    return Report(
        f"the agents {quoted(list(circle[:-1]))} can hand one message on in a circle",
        graph.entities[by[0]].span,
        subjects,
        related[1:],
        ("the engine ends the circle where it would close, and that agent answers",),
        "say by a condition or by `overrides` who keeps such a message",
    )

"""A journey that can go on for ever.

What it proves
    Every session that keeps moving leaves the journey: its possible moves contain no circle. What is reported otherwise is
    the circle: as a warning where no end can be reached from it, as a note where a session may go round it and still
    can come out.

Why it matters
    A circle without a way out keeps the customer in the journey for good. One with a way out is often meant (ask again),
    and worth knowing.

Example
    `ask` leads to `check` and `check` back to `ask`, and neither leads to the state that ends the journey.

Fix
    Give one of the states in the circle a transition that leads to an end.

Limits
    A move is possible if some situation admits it, so the circle is one of the moves and not of a single session. A
    journey without any `end: true` is meant to last, and its circles are notes. Staying in a state is no circle, and
    whether the customer comes back at all is no question for a policy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import networkx as nx

from jurat.policies.diagnostics import Note
from jurat.policies.findings import Proof, Severity, Verdict
from jurat.solver.outcome import Check, Outcome, Report, finding_of
from jurat.solver.prover import Prover
from jurat.solver.sessions.charts import charts
from jurat.solver.sessions.walking import Chart

CHECK = Check("J025", "endless-journey", Severity.WARNING)


def run(prover: Prover) -> Iterator[Outcome]:
    for chart in charts(prover):
        yield from _outcomes(prover, chart)


def _outcomes(prover: Prover, chart: Chart) -> Iterator[Outcome]:
    states = chart.moves.graph.subgraph(chart.moves.reachable)
    circles = [members for members in nx.strongly_connected_components(states) if len(members) > 1]
    question = f"comes to an end: {chart.journey.id}"
    if not circles:
        yield Outcome(Proof(question, CHECK.name, Verdict.PROVED))
    for members in sorted(circles, key=min):
        proof = Proof(f"{question}, by {min(members)}", CHECK.name, Verdict.REFUTED)
        finding = finding_of(prover.graph, CHECK, _told(chart, states, members), proof)
        yield Outcome(proof, finding if _caught(chart, states, members) else replace(finding, severity=Severity.NOTE))


def _caught(chart: Chart, states: nx.DiGraph[str], members: set[str]) -> bool:
    """The journey has ends, and none can be reached from the circle."""
    ends = {name for name, state in chart.journey.states.items() if state.kind == "end"}
    reached: set[str] = nx.descendants(states, min(members))
    return bool(ends) and not ends & reached


def _told(chart: Chart, states: nx.DiGraph[str], members: set[str]) -> Report:
    journey = chart.journey
    circle = [source for source, _ in nx.find_cycle(states.subgraph(members), min(members))]
    drawn = " → ".join(f"`{name}`" for name in [*circle, circle[0]])
    caught = _caught(chart, states, members)
    said = "for ever: no end can be reached from there" if caught else "as long as they like"
    return Report(
        f"in `{journey.id}` a customer can go round {drawn} {said}",
        journey.states[circle[0]].span,
        tuple(f"{journey.id}/{name}" for name in sorted(members)),
        tuple(_chain(chart, circle)),
        (),
        "give one of these states a transition that leads to an end" if caught else "nothing, if this is meant",
    )


def _chain(chart: Chart, circle: list[str]) -> Iterator[Note]:
    for source, target in zip(circle, [*circle[1:], circle[0]], strict=True):
        way = next(each for each in chart.journey.states[source].transitions if each.target == target)
        yield Note(way.span, f"from `{source}` to `{target}`")

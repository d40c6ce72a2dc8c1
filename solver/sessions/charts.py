"""What is known of each journey of a policy, computed once for all checks of a prover."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from jurat.solver.prover import Prover
from jurat.solver.sessions.parts import Parts
from jurat.solver.sessions.walking import Chart, Walker

_CHARTS: WeakKeyDictionary[Prover, list[Chart]] = WeakKeyDictionary()


def charts(prover: Prover) -> list[Chart]:
    """A chart for each journey, by name."""
    if prover not in _CHARTS:
        parts = Parts(prover.graph, prover.cones)
        _CHARTS[prover] = [
            Walker(prover, parts, journey).walk()
            for _, journey in sorted(prover.graph.journeys.items())
            if journey.triggers
        ]
    return _CHARTS[prover]

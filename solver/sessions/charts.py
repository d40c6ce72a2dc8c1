"""What is known of each journey of a policy, computed once for all checks of a prover."""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

from jurat.policies.model import Journey
from jurat.solver.prover import Prover
from jurat.solver.sessions.walking import Moves, Walk, moves_of_journey, walk


@dataclass(frozen=True, slots=True)
class Chart:
    """A journey, its possible moves, and the sessions that walk it."""

    journey: Journey
    moves: Moves
    walk: Walk


_CHARTS: WeakKeyDictionary[Prover, dict[str, Chart]] = WeakKeyDictionary()


def charts(prover: Prover) -> list[Chart]:
    """A chart for each journey, by name."""
    known = _CHARTS.setdefault(prover, {})
    for name, journey in sorted(prover.graph.journeys.items()):
        if name not in known:
            moves = moves_of_journey(prover, journey)
            known[name] = Chart(journey, moves, walk(prover, journey, moves))
    return [known[name] for name in sorted(known)]

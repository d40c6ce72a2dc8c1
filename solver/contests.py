"""Pairs of guidelines whose actions contradict each other, and that precedence keeps apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal
from weakref import WeakKeyDictionary

from jurat.policies.graph import PolicyGraph
from jurat.policies.resolution import Resolution
from jurat.solver.checks.conflicting_actions import Clash, clashes
from jurat.solver.claims import Claim, Not, Predicate, in_force, possible
from jurat.solver.prover import Prover
from jurat.solver.witness import Question, Shows

Kind = Literal["general", "correlated"]


@dataclass(frozen=True, slots=True)
class Contest:
    """Where both apply, the winner is in force and the loser is not.

    ``general``: the loser applies wherever the winner does, and elsewhere; ``correlated``: each applies without the other.
    """

    winner: str
    loser: str
    why: str
    ranked: bool = False
    """Whether ranks decide, which concern only what is triggered by its own condition."""
    kind: Kind = "general"

    @property
    def overlap(self) -> Question:
        """A situation in which both apply, and the winner is in force."""
        winner, loser = self.winner, self.loser
        own = (Predicate("matched", winner), Not(Predicate("entailed", loser, "possible"))) if self.ranked else ()
        return Question((live(winner), live(loser), in_force(winner), Not(possible(loser)), *own))

    @property
    def shows(self) -> Shows:
        """Whether a resolution shows the winner in force, and the loser not, although it applies."""

        def shows(resolution: Resolution) -> bool:
            drop = resolution.dropped.get(self.loser)
            beaten = drop is not None and drop.reason not in ("requirement-not-met", "undefined")
            return beaten and self.loser not in resolution.possible and self.winner in resolution.in_force

        return shows


def live(g: str) -> Predicate:
    """It certainly applies: triggered, and all that it requires is in force."""
    return Predicate("live", g)


def candidates(graph: PolicyGraph) -> Iterator[Contest]:
    """The contradicting pairs that precedence or ranks decide, each once."""
    if not graph.ranked and not any(graph.overriders.values()):
        return
    seen: set[tuple[str, str]] = set()
    for clash in clashes(graph):
        found = _decided(graph, clash)
        if found and (found.winner, found.loser) not in seen:
            seen.add((found.winner, found.loser))
            yield found


def _decided(graph: PolicyGraph, clash: Clash) -> Contest | None:
    left, right = clash.left, clash.right
    down, up = left in graph.overriders[right], right in graph.overriders[left]
    if down != up:
        return Contest(left, right, clash.why) if down else Contest(right, left, clash.why)
    low, high = sorted((left, right), key=lambda g: graph.entities[g].rank)
    ranked = graph.entities[low].rank < graph.entities[high].rank and high not in graph.kin[low]
    if clash.when == "binds" and low == right:
        return None  # an outranked guideline keeps its prohibitions, so that ranks decide nothing here
    return Contest(high, low, clash.why, ranked=True) if ranked and not down else None


_FOUND: WeakKeyDictionary[Prover, tuple[Contest, ...]] = WeakKeyDictionary()


def contests(prover: Prover) -> tuple[Contest, ...]:
    """Those of a policy whose winner and loser can apply at once, up to a limit; found once for each prover."""
    if prover not in _FOUND:
        pairs = islice(candidates(prover.graph), prover.limits.overlap_pairs)
        _FOUND[prover] = tuple(found for pair in pairs if (found := _classed(prover, pair)))
    return _FOUND[prover]


def _classed(prover: Prover, contest: Contest) -> Contest | None:
    """What kind of contest it is; None where the two never meet, or the loser never applies without the winner."""
    if not contest.overlap.put(prover).possible or not _without(prover, contest.loser, contest.winner):
        return None
    return replace(contest, kind="correlated") if _without(prover, contest.winner, contest.loser) else contest


def _without(prover: Prover, g: str, h: str) -> bool:
    """Whether one can certainly apply where the other certainly does not."""
    neither: Claim = Not(Predicate("live", h, "possible"))
    return prover.ask(live(g), neither).possible

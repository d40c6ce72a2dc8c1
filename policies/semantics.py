"""What a policy means: section 3 of the semantics in code, and nothing else.

Each predicate of the page is the method of the same name. A :class:`Bound` is one of the two readings, *certain* or
*possible*; negated predicates are read from the other bound. Strata are solved one after the other; within one, least
solutions taken in turn until nothing changes are the well-founded model (Van Gelder's alternating fixpoint), which for
a stratified policy is its one least solution.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from jurat.policies.axioms import settle
from jurat.policies.evaluation import evaluate
from jurat.policies.graph import PolicyGraph
from jurat.policies.resolution import Resolution, describe
from jurat.policies.valuation import Valuation, valuation_of


@dataclass(slots=True)
class Bound:
    """One reading of the predicates: for the matched guidelines given, with negation read from ``other``."""

    graph: PolicyGraph
    matches: frozenset[str]
    other: Bound | None
    in_force: set[str]

    def matched(self, g: str) -> bool:
        return g in self.matches

    def entailed(self, g: str) -> bool:
        return any(e in self.in_force for e in self.graph.entailers[g])

    def live(self, g: str) -> bool:
        return (self.matched(g) or self.entailed(g)) and self.supported(g)

    def supported(self, g: str) -> bool:
        return all(d in self.in_force for d in self.graph.requirements[g]) and all(
            any(self.in_force.issuperset(alternative) for alternative in group) for group in self.graph.alternatives[g]
        )

    def blocked(self, g: str) -> bool:
        return any(self.live(h) for h in self.graph.overriders[g]) or self.ambiguous(g)

    def ambiguous(self, g: str) -> bool:
        return any(
            self.live(d) and self.live(target) and any(self.live(rival) for rival in rivals)
            for d, target, rivals in self.graph.ambiguities[g]
        )

    def outranked(self, g: str, reader: Bound) -> bool:
        """As the bound ``reader`` asks, which reads it negated; its own ``entailed`` is negated twice, so not at all."""
        return (
            self.matched(g)
            and not reader.entailed(g)
            and any(self.matched(h) and self.live(h) and not self.negated.blocked(h) for h in self.graph.outrankers[g])
        )

    def inforce(self, g: str) -> bool:
        return self.live(g) and not self.negated.blocked(g) and not self.negated.outranked(g, self)

    @property
    def negated(self) -> Bound:
        assert self.other is not None
        return self.other

    def grow(self, stratum: tuple[str, ...]) -> Bound:
        """Add the least solution of a stratum, those before it being solved; repeated while a cycle adds something."""
        before = -1
        while before != len(self.in_force):
            before = len(self.in_force)
            self.in_force.update(g for g in stratum if self.inforce(g))
        return self


def bounds(graph: PolicyGraph, certain: frozenset[str], possible: frozenset[str]) -> tuple[Bound, Bound]:
    """The certain and the possible reading, given the guidelines certainly and possibly matched.

    Stratum by stratum: the well-founded model of one hangs on those before it alone (modularity; Lifschitz and Turner,
    Splitting a Logic Program, 1994). A single entity has nothing in it to wait for.
    """
    low, high = Bound(graph, certain, None, set()), Bound(graph, possible, None, set())
    low.other, high.other = high, low
    for stratum in graph.strata:
        if len(stratum) > 1:
            _alternate(low, high, stratum)
            continue
        (g,) = stratum
        for bound in (low, high):
            if bound.inforce(g):
                bound.in_force.add(g)
    return low, high


def _alternate(low: Bound, high: Bound, stratum: tuple[str, ...]) -> None:
    """Least solutions in turn, each with negation read from the one before, until nothing changes."""
    high.in_force.update(stratum)
    while True:
        upper = Bound(high.graph, high.matches, low, high.in_force.difference(stratum)).grow(stratum)
        lower = Bound(low.graph, low.matches, upper, low.in_force.difference(stratum)).grow(stratum)
        stable = (lower.in_force, upper.in_force) == (low.in_force, high.in_force)
        low.in_force, high.in_force = lower.in_force, upper.in_force
        if stable:
            return


def matched(graph: PolicyGraph, valuation: Valuation) -> tuple[frozenset[str], frozenset[str]]:
    """The guidelines whose condition is true, and those whose condition is not false."""
    truth = {g: evaluate(entity.condition, valuation.look) for g, entity in graph.entities.items()}
    return (
        frozenset(g for g, value in truth.items() if value is True),
        frozenset(g for g, value in truth.items() if value is not False),
    )


def resolve(graph: PolicyGraph, valuation: Valuation | Mapping[str, object]) -> Resolution:
    """What is in force in a situation, what may be, what was dropped and why.

    An observation left out is unknown, a fact left out absent, an event left out did not happen, and history left
    out is that of a session without a past.

    Raises:
        ValuationError: the valuation does not fit the vocabulary.
        RefusedTurn: facts alone falsify an axiom.
    """
    given = valuation if isinstance(valuation, Valuation) else valuation_of(graph, valuation)
    settled = settle(graph, given)
    sure, maybe = matched(graph, settled.valuation)
    low, high = bounds(graph, sure, maybe)
    return describe(graph, low, high, settled, undefined(graph, sure))


def undefined(graph: PolicyGraph, sure: frozenset[str]) -> frozenset[str]:
    """What the well-founded model leaves undecided where nothing is unknown; nothing if the policy is stratified."""
    if graph.stratified:
        return frozenset()
    low, high = bounds(graph, sure, sure)
    return frozenset(high.in_force - low.in_force)

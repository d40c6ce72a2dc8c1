"""Section 3 of the semantics as literals, predicate by predicate.

A :class:`Reading` is one of the two bounds, certain or possible, over what is matched and what is in force; negated
predicates are read from the other one. What does not depend on itself is defined outright. A cycle is solved as the
semantics says, symbolically: least solutions of the two readings in turn (Van Gelder's alternating fixpoint), each by
as many rounds as it has members. Completion alone (Clark, 1978) would let a cycle hold itself up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from jurat.solver.sat.clauses import FALSE, TRUE, Clauses
from jurat.solver.sat.network import Network
from jurat.solver.sat.ranks import Node

MOST_ROUNDS = 40_000
"""Definitions that a cycle may be unrolled into; above it the cycle is left open."""


class Reading:
    """One bound, as literals; each predicate is built once."""

    def __init__(
        self,
        clauses: Clauses,
        network: Network,
        matched: Callable[[str], int],
        in_force: Callable[[str], int],
        *,
        base: Reading | None = None,
        members: Mapping[str, int] | None = None,
        shallow: bool = False,
    ) -> None:
        """``members``: what is in force of a cycle, in place of what ``base`` says of it.

        ``shallow``: who is of higher rank is not looked at, but for those put up by :meth:`put_up`.
        """
        self.clauses = clauses
        self.network = network
        self.matched = matched
        self.other = self
        self._outer = in_force
        self._base = base
        self._shallow = shallow
        self.members = members or {}
        self._live: dict[str, int] = {}
        self._blocked: dict[str, int] = {}
        self._contending: dict[Node, int] = {}
        self._above: dict[tuple[Node, ...], int] = {}
        self._put_up: set[str] = set()

    def over(self, members: Mapping[str, int], other: Reading | None = None) -> Reading:
        """The same reading with other values for the members of a cycle."""
        found = Reading(
            self.clauses,
            self.network,
            self.matched,
            self._outer,
            base=self._base or self,
            members=members,
            shallow=self._shallow,
        )
        found.other = other or self.other
        return found

    def in_force(self, g: str) -> int:
        value = self.members.get(g)
        return self._outer(g) if value is None else value

    def entailed(self, g: str) -> int:
        return self.clauses.any_of([self.in_force(e) for e in self.network.graph.entailers[g]])

    def supported(self, g: str) -> int:
        graph, both, one = self.network.graph, self.clauses.all_of, self.clauses.any_of
        groups = [one([both([self.in_force(d) for d in way]) for way in group]) for group in graph.alternatives[g]]
        return both([*[self.in_force(d) for d in graph.requirements[g]], *groups])

    def live(self, g: str) -> int:
        found = self._live.get(g)
        if found is None:
            if self._base is not None and self.members.keys().isdisjoint(self.network.supports(g)):
                found = self._base.live(g)
            else:
                triggered = self.clauses.any_of((self.matched(g), self.entailed(g)))
                found = self.clauses.all_of((triggered, self.supported(g)))
            self._live[g] = found
        return found

    def ambiguous(self, g: str) -> int:
        both, one = self.clauses.all_of, self.clauses.any_of
        return one(
            [
                both((self.live(by), self.live(target), one([self.live(rival) for rival in rivals])))
                for by, target, rivals in self.network.graph.ambiguities[g]
            ]
        )

    def blocked(self, g: str) -> int:
        found = self._blocked.get(g)
        if found is None:
            overriders = [self.live(h) for h in self.network.graph.overriders[g]]
            found = self._blocked[g] = self.clauses.any_of([*overriders, self.ambiguous(g)])
        return found

    def outranked(self, g: str, reader: Reading) -> int:
        """As ``reader`` asks, which negates it: its own ``entailed`` is negated twice, so it is read from itself."""
        nodes = self.network.ranks.outranking(g)
        if not nodes:
            return FALSE
        above = self._above.get(nodes)
        if above is None:
            above = self._above[nodes] = self.clauses.any_of([self._contended(node) for node in nodes])
        return self.clauses.all_of((self.matched(g), -reader.entailed(g), above))

    def _contended(self, node: Node) -> int:
        """Whether some contender of a node of the tree of ranks could outrank."""
        found = self._contending.get(node)
        if found is None:
            found = self._contending[node] = self.clauses.new() if self._shallow else self._some_contender(node)
        return found

    def _some_contender(self, node: Node) -> int:
        if node[0]:
            return self.clauses.any_of([self._contended(half) for half in self.network.ranks.children(node)])
        return self._contends(self.network.ranks.contenders[node[1]])

    def _contends(self, h: str) -> int:
        return self.clauses.all_of((self.matched(h), self.live(h), -self.other.blocked(h)))

    def put_up(self, h: str) -> None:
        """Let one contender count in a shallow reading: it outranks whatever it stands above."""
        if h not in self._put_up:
            self._put_up.add(h)
            contends = self._contends(h)
            for node in self.network.ranks.standing_for(h):
                self.clauses.add(-contends, self._contended(node))

    def holds(self, g: str) -> int:
        """What being in force comes to."""
        live = self.live(g)
        if live == FALSE:
            return FALSE
        return self.clauses.all_of((live, -self.other.blocked(g), -self.other.outranked(g, self)))

    def least(self, cycle: tuple[str, ...], other: Reading) -> Reading:
        """The least solution of a cycle, with negation read from ``other``."""
        found = self.over(dict.fromkeys(cycle, FALSE), other)
        for _ in cycle:
            values = {g: found.holds(g) for g in cycle}
            if values == found.members:
                break
            found = self.over(values, other)
        return found


def solved(low: Reading, high: Reading, cycle: tuple[str, ...]) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """What is certainly and what is possibly in force of a cycle."""
    upper = high.over(dict.fromkeys(cycle, TRUE))
    lower = low.over(dict.fromkeys(cycle, FALSE), upper)
    for _ in range(len(cycle) + 1):
        new_upper = high.least(cycle, lower)
        new_lower = low.least(cycle, new_upper)
        settled = (new_lower.members, new_upper.members) == (lower.members, upper.members)
        lower, upper = new_lower, new_upper
        if settled:
            break
    return lower.members, upper.members


def too_long(network: Network, cycle: tuple[str, ...]) -> bool:
    """Whether a cycle is left open: a circle of requirements is quickly unrolled, one with precedence is not."""
    return len(cycle) ** (2 if network.positive(cycle) else 3) > MOST_ROUNDS

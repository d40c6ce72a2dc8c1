"""Who outranks whom, in one binary tree over all that have a rank: not a list for each, which is quadratic.

Whoever is matched, live and not blocked outranks everything of lower rank that is not kin. Sorted by rank, those above
a rank are the end of a list, less some kin: a few intervals, each a few nodes of the tree (a segment tree).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from functools import cached_property
from itertools import pairwise

from jurat.policies.graph import PolicyGraph

Node = tuple[int, int]
"""Level and place: the node stands for the contenders from ``place << level`` on, ``1 << level`` of them."""


class Ranks:
    """The contenders of a policy, lowest rank first."""

    def __init__(self, graph: PolicyGraph) -> None:
        self._graph = graph
        self._outranking: dict[str, tuple[Node, ...]] = {}

    @cached_property
    def contenders(self) -> list[str]:
        """All but those of the lowest rank, who outrank nobody."""
        entities = self._graph.entities
        lowest = min((entity.rank for entity in entities.values()), default=0)
        return sorted(
            (g for g, entity in entities.items() if entity.rank > lowest), key=lambda g: (entities[g].rank, g)
        )

    @cached_property
    def _lowest(self) -> int:
        return min((entity.rank for entity in self._graph.entities.values()), default=0)

    @cached_property
    def _ranks(self) -> list[int]:
        return [self._graph.entities[g].rank for g in self.contenders]

    def outranking(self, g: str) -> tuple[Node, ...]:
        """Nodes that together stand for those of higher rank that are not kin of *g*."""
        found = self._outranking.get(g)
        if found is None:
            found = self._outranking[g] = self._nodes(g)
        return found

    def standing_for(self, g: str) -> list[Node]:
        """All nodes that stand for *g*, among others; none if it outranks nobody."""
        if self._graph.entities[g].rank == self._lowest:
            return []
        place = self._place(g)
        return [(level, place >> level) for level in range(len(self.contenders).bit_length() + 1)]

    def _nodes(self, g: str) -> tuple[Node, ...]:
        if not self.contenders:
            return ()
        rank = self._graph.entities[g].rank
        start, end = bisect_right(self._ranks, rank), len(self.contenders)
        if start == end:
            return ()
        kin = sorted(self._place(h) for h in self._graph.kin[g] if self._graph.entities[h].rank > rank)
        edges = [start - 1, *kin, end]
        return tuple(node for before, after in pairwise(edges) for node in cover(before + 1, after))

    def _place(self, g: str) -> int:
        entities = self._graph.entities
        return bisect_left(self.contenders, (entities[g].rank, g), key=lambda h: (entities[h].rank, h))

    def children(self, node: Node) -> list[Node]:
        """The two halves of a node that is not a leaf, as far as there are contenders."""
        level, place = node
        halves = ((level - 1, 2 * place), (level - 1, 2 * place + 1))
        return [(below, half) for below, half in halves if half << below < len(self.contenders)]


def cover(start: int, end: int) -> list[Node]:
    """The fewest nodes that together stand for the places from ``start`` to before ``end``."""
    found, level = [], 0
    while start < end:
        if start & 1:
            found.append((level, start))
            start += 1
        if end & 1:
            end -= 1
            found.append((level, end))
        start, end, level = start >> 1, end >> 1, level + 1
    return found

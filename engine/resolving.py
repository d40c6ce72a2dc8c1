"""The reference semantics, asked once for all situations that make the same conditions true and leave the same ones open.

Section 3 of the semantics speaks of a situation only by which conditions are true and which may be. A policy has far fewer
of such patterns than there are situations: an order of three days and one of four are seldom told apart.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from jurat.policies.axioms import Settled, settle
from jurat.policies.graph import PolicyGraph
from jurat.policies.resolution import Resolution, describe
from jurat.policies.semantics import bounds, matched, undefined
from jurat.policies.valuation import Valuation

PATTERNS, ENTITIES = 4_096, 262_144
"""Remembered at most, the latest ones, and how many entities they may have together: of a large policy only a few."""


class Resolver:
    """Resolves under one policy."""

    def __init__(self, graph: PolicyGraph) -> None:
        self._graph = graph
        self._followed = lru_cache(min(PATTERNS, ENTITIES // (len(graph.entities) + 1)))(self._follow)

    def resolve(self, given: Valuation) -> Resolution:
        """As :func:`jurat.policies.resolve`; what it returns is shared, so it is not to be changed.

        Raises:
            RefusedTurn: facts alone falsify an axiom.
        """
        settled = settle(self._graph, given)
        return replace(self._followed(*matched(self._graph, settled.valuation)), settled=settled)

    def _follow(self, sure: frozenset[str], maybe: frozenset[str]) -> Resolution:
        """What follows of the conditions that are true and those that may be; of no valuation yet."""
        low, high = bounds(self._graph, sure, maybe)
        return describe(self._graph, low, high, _NOTHING, undefined(self._graph, sure))


_NOTHING = Settled(Valuation({}, {}), (), (), ())

"""Random policies and situations for Hypothesis, which shrinks them; see :mod:`tests.properties.random_policies`."""

from __future__ import annotations

from random import Random

from hypothesis import strategies as st
from tests.properties.random_policies import STANDARD, Sizes, random_policy, random_values

from jurat.policies.graph import PolicyGraph, build_graph
from jurat.policies.model import Policy


def randoms() -> st.SearchStrategy[Random]:
    """Sources of chance that Hypothesis steers."""
    return st.randoms(use_true_random=False)


def policies(sizes: Sizes = STANDARD) -> st.SearchStrategy[Policy]:
    return randoms().map(lambda random: random_policy(random, sizes))


def graphs(sizes: Sizes = STANDARD) -> st.SearchStrategy[PolicyGraph]:
    return policies(sizes).map(build_graph)


def situations(graph: PolicyGraph) -> st.SearchStrategy[dict[str, object]]:
    """What an application and a judge could say of a policy's vocabulary, known or not."""
    return randoms().map(lambda random: random_values(random, graph))


@st.composite
def cases(draw: st.DrawFn, sizes: Sizes = STANDARD, number: int = 3) -> tuple[PolicyGraph, list[dict[str, object]]]:
    """A policy with a few situations for it."""
    graph = draw(graphs(sizes))
    return graph, [draw(situations(graph)) for _ in range(number)]

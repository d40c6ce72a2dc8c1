"""A shortcut that is wrong leaves an instruction out; it never lets one in, and changes nothing else."""

from __future__ import annotations

from random import Random

from hypothesis import event, given, settings
from tests.properties.random_policies import Sizes, random_values
from tests.properties.strategies import graphs, randoms

from jurat.engine.shortcuts import skippable
from jurat.policies import resolve
from jurat.policies.errors import RefusedTurn
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Instruct
from jurat.policies.resolution import Resolution

SPARSE = Sizes(guidelines=(2, 6), observations=(3, 7), journeys=0.2, axioms=0.2)


def done(found: Resolution) -> set[tuple[str, str]]:
    return {(each.guideline, repr(each.action)) for each in found.actions if not isinstance(each.action, Instruct)}


@given(graphs(SPARSE), randoms())
@settings(max_examples=600)
def test_what_is_taken_for_false_lets_nothing_in(graph: PolicyGraph, random: Random) -> None:
    values = random_values(random, graph)
    skipped = {key for key in sorted(skippable(graph)) if random.random() < 0.7}
    event(f"{len(skipped)} skipped")
    try:
        asked, short = resolve(graph, values), resolve(graph, {**values, **dict.fromkeys(skipped, False)})
    except RefusedTurn:
        return
    assert set(short.in_force) <= set(asked.in_force)
    assert set(short.possible) <= set(asked.possible)
    assert done(short) == done(asked)

"""Section 7 of the semantics: a whole turn of the engine resolves as the reference does, whatever it did not ask."""

from __future__ import annotations

import asyncio
from random import Random

from hypothesis import given, settings
from tests.properties.random_policies import FACTS, Sizes, random_values
from tests.properties.strategies import graphs, randoms

from jurat.engine import Engine, Toolbox, Turn
from jurat.llm.scripted import ScriptedJudge, ScriptedVoice
from jurat.policies.axioms import settle
from jurat.policies.errors import RefusedTurn
from jurat.policies.expr import Observation
from jurat.policies.graph import PolicyGraph
from jurat.policies.resolution import Resolution
from jurat.policies.semantics import resolve
from jurat.policies.valuation import valuation_of

SIZES = Sizes(journeys=0, axioms=0.4)
"""Journeys move in a turn, which is not what is compared here."""


@given(graphs(SIZES), randoms())
@settings(max_examples=200)
def test_a_turn_resolves_as_the_reference_does(graph: PolicyGraph, random: Random) -> None:
    values = random_values(random, graph)
    facts = {key: value for key, value in values.items() if key in FACTS}
    answers = {key: bool(value) for key, value in values.items() if key in graph.vocabulary.observations}
    try:
        expected = _asked_everything(graph, facts, answers)
    except RefusedTurn:
        return
    found = _turn(graph, facts, answers).resolution
    assert found is not None
    assert (found.in_force, found.possible) == (expected.in_force, expected.possible)
    assert found.actions == expected.actions


def _asked_everything(graph: PolicyGraph, facts: dict[str, object], answers: dict[str, bool]) -> Resolution:
    """The customer has spoken; what trusted values decide by the axioms is not for the judge to say."""
    trusted = valuation_of(graph, {**facts, "message.received": True, "session.started": True})
    decided = settle(graph, trusted).valuation
    asked = {key: answers.get(key) for key in graph.vocabulary.observations if decided.look(Observation(key)) is None}
    return resolve(graph, trusted.with_observations(asked))


def _turn(graph: PolicyGraph, facts: dict[str, object], answers: dict[str, bool]) -> Turn:
    judge = ScriptedJudge({**dict.fromkeys(graph.vocabulary.observations), **answers}, default=False)
    engine = Engine(graph, judge, ScriptedVoice(["certainly"] * 9), Toolbox(graph), unproved=True)
    return asyncio.run(engine.turn(engine.start_session(facts), "hello"))

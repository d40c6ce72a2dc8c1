"""What is read from YAML means what the same policy built in Python means."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from hypothesis import given, settings
from tests.properties.random_policies import random_values
from tests.properties.strategies import policies, randoms
from tests.properties.writing import writable, written

from jurat.policies import load
from jurat.policies.errors import RefusedTurn
from jurat.policies.graph import PolicyGraph, build_graph
from jurat.policies.model import Policy
from jurat.policies.resolution import Resolution
from jurat.policies.semantics import resolve


@given(policies(), randoms())
@settings(max_examples=150)
def test_a_written_policy_means_what_the_built_one_does(policy: Policy, random: Random) -> None:
    policy = replace(policy, relations=tuple(filter(writable, policy.relations)))
    built, read = build_graph(policy), load(written(policy))
    assert read.stratified == built.stratified
    for _ in range(3):
        values = random_values(random, built)
        assert said(read, values) == said(built, values), values


def said(graph: PolicyGraph, values: dict[str, object]) -> tuple[object, ...]:
    """Everything that a policy says of a situation."""
    try:
        found: Resolution = resolve(graph, values)
    except RefusedTurn:
        return ("refused",)
    return (
        found.in_force,
        found.possible,
        found.dropped,
        found.actions,
        found.ask,
        found.clarifications,
        found.undefined,
    )

"""What is declared in Python means what the same policy in memory means, and reads the same once it is exported."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from random import Random

from hypothesis import given, settings
from tests.properties.declaring import declarable, declare
from tests.properties.random_policies import random_values
from tests.properties.strategies import policies, randoms
from tests.properties.test_written_policies import said

from jurat.policies import load
from jurat.policies.graph import build_graph
from jurat.policies.model import Policy


@given(policies(), randoms())
@settings(max_examples=100)
def test_a_declared_policy_means_what_it_says_and_is_exported_as_itself(policy: Policy, random: Random) -> None:
    policy = replace(policy, relations=tuple(filter(declarable, policy.relations)))
    server = asyncio.run(declare(policy))
    built, declared = build_graph(policy), build_graph(server.policy)
    assert load(server.as_yaml()).digest == declared.digest
    for _ in range(3):
        values = random_values(random, built)
        assert said(declared, values) == said(built, values), values

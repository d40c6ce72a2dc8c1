"""What agents include: one policy for all of them says of each what a policy of its own would say.

The other side is written here from the page: of what an agent does not have nothing matches.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from tests.properties.comparing import Symbolic, reference
from tests.properties.random_policies import Sizes, random_policy, random_values
from tests.properties.strategies import randoms

from jurat.policies import agents
from jurat.policies.agents import AGENT
from jurat.policies.axioms import settle
from jurat.policies.errors import RefusedTurn
from jurat.policies.expr import FALSE
from jurat.policies.graph import PolicyGraph, build_graph
from jurat.policies.model import Agent, Policy, Ref
from jurat.policies.valuation import Valuation, valuation_of
from jurat.solver.encoding import Encoding

SIZES = Sizes(guidelines=(2, 5), journeys=0.3, axioms=0.2)
NAMES = ("ada", "bob", "cleo")


def with_agents(random: Random, policy: Policy) -> Policy:
    """The policy for a few agents; the last one has everything."""
    refs = [Ref("guideline", g) for g in policy.guidelines] + [Ref("journey", j) for j in policy.journeys]
    carried = {tag for each in (*policy.guidelines.values(), *policy.journeys.values()) for tag in each.tags}
    refs += [Ref("tag", tag) for tag in sorted(carried)]
    includes = [tuple(random.sample(refs, random.randint(1, max(1, len(refs) // 2)))) for _ in NAMES[1:]]
    return replace(
        policy, agents={name: Agent(name, name, include=i) for name, i in zip(NAMES, (*includes, ()), strict=True)}
    )


def had(policy: Policy, agent: Agent) -> set[str]:
    """Guidelines and journeys by name and by tag, those in scope, and what all these entail, one step after the other."""
    everything = {**policy.guidelines, **policy.journeys}
    if not agent.include:
        return set(everything)

    def named(ref: Ref) -> set[str]:
        return {id_ for id_, each in everything.items() if ref.id in each.tags} if ref.kind == "tag" else {ref.id}

    found = set().union(*map(named, agent.include))
    for _ in range(len(everything) + 1):
        found |= {id_ for id_, each in policy.guidelines.items() if each.scope.split("/")[0] in found}
        for relation in (each for each in policy.relations if each.kind == "entails"):
            for source in named(relation.source):
                if source.split("/")[0] in found:
                    found |= named(relation.target) - {source}
    return found & set(everything)


def of_its_own(policy: Policy, agent: Agent) -> PolicyGraph:
    """A policy in which nothing that an agent does not have ever matches."""
    kept = had(policy, agent)
    return build_graph(
        replace(
            policy,
            agents={},
            guidelines={g: e if g in kept else replace(e, condition=FALSE) for g, e in policy.guidelines.items()},
            journeys={j: e if j in kept else replace(e, condition=FALSE) for j, e in policy.journeys.items()},
        )
    )


def settled(graph: PolicyGraph, values: dict[str, object]) -> Valuation | None:
    try:
        return settle(graph, valuation_of(graph, {k: v for k, v in values.items() if k in graph.types})).valuation
    except RefusedTurn:
        return None


def differences(random: Random) -> Iterator[str]:
    policy = with_agents(random, random_policy(random, SIZES))
    graph = build_graph(policy)
    values, symbolic = random_values(random, graph), Symbolic(Encoding(graph))
    for name, agent in policy.agents.items():
        alone = of_its_own(policy, agent)
        here, there = settled(graph, {**values, AGENT: name}), settled(alone, values)
        if here is None or there is None:
            continue
        expected = reference(alone, there)
        if (found := reference(graph, here)) != expected:
            yield f"{name}: {expected} and {found}"
        yield from symbolic.differences(here, expected)


@given(randoms())
@settings(max_examples=40)
def test_an_agent_s_slice_is_what_runs_and_what_is_proved(random: Random) -> None:
    assert list(differences(random)) == []


def test_this_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where what is entailed is forgotten it is found at once, on policies by seed."""
    right = agents._included
    monkeypatch.setattr(agents, "_included", lambda policy, agent, _: right(policy, agent, []))
    assert any(list(differences(Random(seed))) for seed in range(30))

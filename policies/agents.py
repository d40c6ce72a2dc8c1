"""What an agent's `include` means: of everything else nothing is in force, and no journey moves, while that agent answers.

Which agent answers is a fact, ``session.agent``, that the engine alone writes. So a policy with several agents is one
policy: `include` becomes conditions on that fact, and whatever is proved is proved for every agent and every transfer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from jurat.policies.expand import expand
from jurat.policies.expr import FALSE, Compare, Const, Expr, Fact, Formula, Or, conjunction
from jurat.policies.model import Agent, FactDeclaration, Guideline, Journey, Policy, State
from jurat.policies.types import EnumType

AGENT = "session.agent"
"""The fact that says which agent answers."""


def agent_fact(agents: Iterable[str]) -> FactDeclaration:
    """The declaration of the fact; it is never absent."""
    ids = tuple(sorted(agents))
    return FactDeclaration(AGENT, EnumType(ids), "application", ids[0])


def limited(policy: Policy) -> Policy:
    """The policy with what agents include written as conditions; the same one where there is nothing to write.

    An agent has the guidelines and journeys that it names or whose tags it names, what is scoped to those journeys, and
    what these entail.
    """
    if len(policy.agents) > 1 and AGENT not in policy.vocabulary.facts:
        facts = {**policy.vocabulary.facts, AGENT: agent_fact(policy.agents)}
        policy = replace(policy, vocabulary=replace(policy.vocabulary, facts=facts))
    if not any(agent.include for agent in policy.agents.values()):
        return policy
    fact, owners = agent_fact(policy.agents), _owners(policy)
    conditions = {entity: _while(fact, ids) for entity, ids in owners.items() if len(ids) < len(policy.agents)}
    return replace(
        policy,
        vocabulary=replace(policy.vocabulary, facts={**policy.vocabulary.facts, AGENT: fact}),
        guidelines={
            g: _guideline(each, conditions[g]) if g in conditions else each for g, each in policy.guidelines.items()
        },
        journeys={j: _journey(each, conditions[j]) if j in conditions else each for j, each in policy.journeys.items()},
        agents={name: replace(agent, include=()) for name, agent in policy.agents.items()},
    )


def _owners(policy: Policy) -> dict[str, list[str]]:
    """For each guideline and journey the agents that have it."""
    found: dict[str, list[str]] = {entity: [] for entity in (*policy.guidelines, *policy.journeys)}
    entailed = [pair for pair in expand(policy).entails if pair[1] in found]
    for name, agent in sorted(policy.agents.items()):
        for entity in _included(policy, agent, entailed) if agent.include else found:
            found[entity].append(name)
    return found


def _included(policy: Policy, agent: Agent, entailed: Iterable[tuple[str, str]]) -> set[str]:
    tags = {ref.id for ref in agent.include if ref.kind == "tag"}
    members: list[Guideline | Journey] = [*policy.guidelines.values(), *policy.journeys.values()]
    found = {ref.id for ref in agent.include if ref.kind != "tag"}
    found |= {each.id for each in members if not tags.isdisjoint(each.tags)}
    while True:
        inner = {root for j in found & policy.journeys.keys() for root in _within(policy.journeys[j])}
        homes = found | inner
        further = {g for g, each in policy.guidelines.items() if each.scope and each.scope.partition("/")[0] in homes}
        further |= {target for source, target in entailed if source.partition("/")[0] in found}
        if further <= found:
            return found
        found |= further


def _within(journey: Journey) -> set[str]:
    """The journeys that run within one."""
    return {origin.partition("/")[0] for state in journey.states.values() for origin in state.origins}


def _while(fact: FactDeclaration, ids: list[str]) -> Expr:
    atom = Fact(AGENT, fact.type)
    alternatives = tuple(Compare("==", atom, Const(each, fact.type)) for each in ids)
    return FALSE if not alternatives else alternatives[0] if len(alternatives) == 1 else Or(alternatives)


def _guideline(guideline: Guideline, condition: Expr) -> Guideline:
    return replace(guideline, condition=conjunction(condition, guideline.condition))


def _journey(journey: Journey, condition: Expr) -> Journey:
    triggers = tuple(Formula(conjunction(condition, each.expr), each.span, each.text) for each in journey.triggers)
    states = {name: _state(state, condition) for name, state in journey.states.items()}
    return replace(journey, triggers=triggers, states=states, condition=conjunction(condition, journey.condition))


def _state(state: State, condition: Expr) -> State:
    moves = tuple(replace(each, condition=conjunction(condition, each.condition)) for each in state.transitions)
    return replace(state, transitions=moves)

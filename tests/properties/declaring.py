"""A random policy as the calls that a program would make."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from tests.properties.writing import TYPES
from tests.server.served import NOBODY

import jurat.sdk as p
from jurat.policies.expr import TRUE
from jurat.policies.model import Forbid, Guideline, Instruct, Journey, Policy, Ref, Relation
from jurat.policies.printing import show

Home = p.Agent | p.Journey | p.JourneyState


@p.tool
async def refund(context: p.ToolContext) -> str:
    """Refund."""
    return "refunded"


METHODS = {
    "overrides": "prioritize_over",
    "requires": "depend_on",
    "entails": "entail",
    "exclusive_with": "exclusive_with",
}


def declarable(relation: Relation) -> bool:
    """Whether a program can state it: of a state nothing starts."""
    return relation.source.kind != "state"


async def declare(policy: Policy) -> p.Server:
    """A server on which all of the policy was declared."""
    server = p.Server(script=NOBODY)
    agent = await server.create_agent("Agent", id="agent")
    await _vocabulary(server, policy)
    homes: dict[str, Any] = {"": agent}
    for journey in policy.journeys.values():
        homes |= await _journey(agent, journey)
    named: dict[Ref, Any] = {Ref("tag", tag): await server.create_tag(tag) for tag in ("t", "u", "nobody")}
    for guideline in policy.guidelines.values():
        named[Ref("guideline", guideline.id)] = await _guideline(homes[guideline.scope], guideline)
    for id_, home in homes.items():
        named[Ref("state" if "/" in id_ else "journey", id_)] = home
    await _relations(policy, named)
    return server


async def _vocabulary(server: p.Server, policy: Policy) -> None:
    for path, type_ in TYPES.items():
        await server.create_fact(path, type_, default=policy.vocabulary.facts[path].default)
    for key, observation in policy.vocabulary.observations.items():
        await server.create_condition(key, observation.text)
    for name, event in policy.vocabulary.events.items():
        await server.create_event(name, event.text)
    await server.create_tool(refund)
    for text in sorted({show(axiom.expr) for axiom in policy.axioms}):
        await server.create_axiom(text)


async def _guideline(home: Home, guideline: Guideline) -> p.Guideline:
    action = next((each.text for each in guideline.actions if isinstance(each, Instruct)), None)
    forbid = [p.Topic(each.target) for each in guideline.actions if isinstance(each, Forbid)]
    bare = guideline.condition == TRUE and guideline.actions
    return await home.create_guideline(
        action=action,
        when=None if bare else show(guideline.condition),
        forbid=forbid,
        tags=sorted(guideline.tags),
        priority=guideline.rank,
        on_unknown=guideline.on_unknown,
        id=guideline.id,
    )


async def _journey(agent: p.Agent, journey: Journey) -> dict[str, Any]:
    triggers = [p.formula(show(trigger.expr)) for trigger in journey.triggers]
    found = await agent.create_journey(
        journey.id, triggers=triggers, id=journey.id, tags=sorted(journey.tags), priority=journey.rank
    )
    states = {name: found.add_state(name, name, {"say": f"be in {name}"}) for name in journey.states}
    await found.initial_state.transition_to(state=states[journey.initial])
    for name, state in journey.states.items():
        for way in state.transitions:
            await states[name].transition_to(state=states[way.target], when=show(way.condition))
    return {journey.id: found} | {f"{journey.id}/{name}": state for name, state in states.items()}


async def _relations(policy: Policy, named: dict[Ref, Any]) -> None:
    groups: dict[tuple[Ref, str, int], list[Any]] = defaultdict(list)
    for relation in policy.relations:
        if declarable(relation):
            target = named.get(relation.target) or p.AnyOf(named[Ref("tag", relation.target.id)])
            groups[relation.source, relation.kind, relation.group].append(target)
    for (source, kind, _), targets in groups.items():
        if kind == "requires_any":
            await named[source].depend_on_any(*targets)
        elif kind == "disambiguates":
            await named[source].disambiguate([*targets, *targets])
        else:
            await getattr(named[source], METHODS[kind])(*targets)

"""How the reply of a turn may be phrased: the most restrictive composition that applies, and the replies at hand."""

from __future__ import annotations

from collections.abc import Iterator

from jurat.engine.match import Decision
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import COMPOSITIONS, Agent, Composition, Forbid, Phrasing, Reply

SAFE_REPLY = "safe"
"""The id of the canned reply that a policy may declare for when no draft passes the check."""

NO_MATCH_REPLY = "no_match"
"""The id of the one for when no canned reply fits, and only canned ones may be said."""


def composition_of(graph: PolicyGraph, agent: Agent, decision: Decision) -> Composition:
    """The most restrictive one that the agent states, or anything that is in force or may be: not knowing frees nothing."""
    stated = [agent.phrasing, *(_of(graph, g) for g in decision.resolution.possible)]
    given = [each.composition for each in stated if each.composition is not None]
    return max(given, key=COMPOSITIONS.index, default="fluid")


def candidates(graph: PolicyGraph, agent: Agent, decision: Decision) -> tuple[str, ...]:
    """The canned replies that may be said: what is in force lists them, or the agent does; none that is forbidden.

    Of those that nothing else names an agent has its own, and if it lists none, those that are nobody's.
    """
    listed = [id_ for g in decision.resolution.in_force for id_ in _of(graph, g).replies]
    listed += [each.action.id for each in decision.actions if isinstance(each.action, Reply)]
    listed += agent.phrasing.replies or _unnamed(graph, None)
    listed += _unnamed(graph, agent.id)
    banned = {each.action.target for each in decision.actions if isinstance(each.action, Forbid)}
    return tuple(each for each in dict.fromkeys(listed) if each not in banned)


def _of(graph: PolicyGraph, g: str) -> Phrasing:
    if g in graph.guidelines:
        return graph.guidelines[g].phrasing
    journey, _, state = g.partition("/")
    here = graph.journeys[journey]
    return here.states[state].phrasing if state else here.phrasing


def _unnamed(graph: PolicyGraph, agent: str | None) -> tuple[str, ...]:
    """Those of an agent, or of nobody, that no agent, guideline or state names."""
    named = {SAFE_REPLY, NO_MATCH_REPLY, *_named(graph)}
    replies = graph.vocabulary.replies
    return tuple(id_ for id_ in sorted(replies) if replies[id_].agent == agent and id_ not in named)


def _named(graph: PolicyGraph) -> Iterator[str]:
    for agent in graph.policy.agents.values():
        yield from (*agent.phrasing.replies, *agent.preamble)
    for g, entity in graph.entities.items():
        yield from _of(graph, g).replies
        yield from (action.id for action in entity.actions if isinstance(action, Reply))

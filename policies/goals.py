"""Whether a situation meets a goal: what is in force or done there, against what the author expects."""

from __future__ import annotations

from jurat.policies.evaluation import evaluate
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Action, Call, Decide, Expectation, Goal, HandOff, Instruct, Reply
from jurat.policies.resolution import Resolution


def uncovered(graph: PolicyGraph, goal: Goal, resolution: Resolution) -> bool:
    """Whether the goal's condition certainly holds, and nothing that it expects is in force or done."""
    holds = evaluate(goal.condition, resolution.settled.valuation.look) is True
    return holds and not any(met(graph, each, resolution) for each in goal.expect)


def met(graph: PolicyGraph, expectation: Expectation, resolution: Resolution) -> bool:
    """Whether one expectation is met: by the entities that it names, or by an action of its kind."""
    if named := named_by(graph, expectation):
        return any(_acts(graph, g, resolution) for g in named)
    asked = expectation.kind == "answer" and bool(resolution.ask or resolution.clarifications)
    return asked or any(does(each.action, expectation) for each in resolution.actions)


def named_by(graph: PolicyGraph, expectation: Expectation) -> tuple[str, ...]:
    """The entities that an expectation names, one of which is to be in force; none if it is about an action."""
    if expectation.kind in ("guideline", "journey", "state"):
        return (expectation.target,)
    if expectation.kind == "tag":
        return tuple(g for g, entity in graph.entities.items() if expectation.target in entity.tags)
    return ()


def does(action: Action, expectation: Expectation) -> bool:
    """Whether an action is of the kind expected."""
    match expectation.kind:
        case "answer":
            return isinstance(action, Instruct | Reply | HandOff)
        case "hand_off":
            return isinstance(action, HandOff)
        case "call":
            return isinstance(action, Call) and action.tool == expectation.target
        case "decide":
            return isinstance(action, Decide) and action.decision == expectation.target
        case "reply":
            return isinstance(action, Reply) and action.id == expectation.target
        case _:
            return False


def _acts(graph: PolicyGraph, g: str, resolution: Resolution) -> bool:
    """Whether it is in force, or could be and acts all the same."""
    acting = resolution.possible if graph.entities[g].on_unknown == "act" else resolution.in_force
    return g in acting

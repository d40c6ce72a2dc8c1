"""When actions in force contradict each other in a situation (semantics, section 4).

The solver proves that this finds nothing in any admissible situation; its witnesses are replayed here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from jurat.policies.arguments import argument_types, constraint_of
from jurat.policies.beforehand import MAX_STEPS, openers, ways
from jurat.policies.expr import Expr
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Call, Constraint, Decide, Forbid, HandOff, Offer, Reply
from jurat.policies.resolution import ActionInForce, Resolution
from jurat.policies.satisfaction import MAX_TRIALS, Free, satisfiable

Kind = Literal["exclusive", "forbidden-call", "forbidden-reply", "decision", "hand-off", "reply", "arguments"]


@dataclass(frozen=True, slots=True)
class Conflict:
    """The guidelines whose actions no behaviour satisfies together, sorted, and what they disagree on."""

    kind: Kind
    subjects: tuple[str, ...]
    about: str


def conflicts(graph: PolicyGraph, resolution: Resolution) -> list[Conflict]:
    """Every contradiction among the actions in force, pairs first."""
    found = [*_exclusive(graph, resolution), *_pairs(graph, resolution), *_calls(graph, resolution)]
    return sorted(set(found), key=lambda each: (len(each.subjects), each.subjects, each.kind, each.about))


def contradiction(graph: PolicyGraph, left: ActionInForce, right: ActionInForce) -> tuple[Kind, str] | None:
    """Why two actions cannot both be done, or None."""
    a, b = left.action, right.action
    if isinstance(a, Decide) and isinstance(b, Decide) and a.decision == b.decision and a.value != b.value:
        return "decision", a.decision
    if isinstance(a, HandOff) and isinstance(b, HandOff) and a.to != b.to:
        return "hand-off", ""
    if isinstance(a, Reply) and isinstance(b, Reply) and a.id != b.id and _strict(graph, a) and _strict(graph, b):
        return "reply", ""
    if isinstance(a, Call) and isinstance(b, Forbid) and (b.what, b.target) == ("tool", a.tool):
        return "forbidden-call", a.tool
    if isinstance(a, Reply) and isinstance(b, Forbid) and (b.what, b.target) == ("reply", a.id):
        return "forbidden-reply", a.id
    return None


def _strict(graph: PolicyGraph, reply: Reply) -> bool:
    return graph.vocabulary.replies[reply.id].mode == "strict"


def _exclusive(graph: PolicyGraph, resolution: Resolution) -> Iterator[Conflict]:
    in_force = set(resolution.in_force)
    for pair in graph.exclusive:
        if in_force.issuperset(pair):
            yield Conflict("exclusive", pair, "")


def _pairs(graph: PolicyGraph, resolution: Resolution) -> Iterator[Conflict]:
    for left, right in combinations(resolution.actions, 2):
        found = contradiction(graph, left, right) or contradiction(graph, right, left)
        if found:
            yield Conflict(found[0], tuple(sorted({left.guideline, right.guideline})), found[1])


def _calls(graph: PolicyGraph, resolution: Resolution) -> Iterator[Conflict]:
    callers: dict[str, list[ActionInForce]] = {}
    for each in resolution.actions:
        if isinstance(each.action, Call):
            callers.setdefault(each.action.tool, []).append(each)
    for tool, calls in callers.items():
        if callable_now(graph, resolution, tool, calls) is False:
            yield Conflict("arguments", tuple(sorted({call.guideline for call in calls})), tool)


def callable_now(
    graph: PolicyGraph, resolution: Resolution, tool: str, calls: list[ActionInForce], before: tuple[str, ...] = ()
) -> bool | None:
    """Whether some arguments satisfy what these calls say of them and the tool's guard; None if hard to tell.

    The guard may yet come true: by what other tools in force provide, or by their having been called, if nothing
    forbids those tools and they could be called themselves, without the tools ``before``.
    """
    declaration = graph.vocabulary.tools[tool]
    required = [constraint_of(each, declaration) for call in calls for each in _constraints(call)]
    guard = declaration.guard.expr if declaration.guard else None
    formulas = [*required, *([guard] if guard else [])]
    if not formulas:
        return True
    first = _first(graph, resolution, guard, (*before, tool)) if guard and len(before) < MAX_STEPS else []
    look = resolution.settled.valuation.look
    if 3 ** len(first) > MAX_TRIALS:
        return True if satisfiable(required, guard, look, Free(argument_types(formulas))) else None
    free = Free(argument_types(formulas), tuple(ways(graph, guard, look, first)) if guard else ({},))
    return satisfiable(required, guard, look, free)


def _constraints(call: ActionInForce) -> tuple[Constraint, ...]:
    return call.action.constraints if isinstance(call.action, Call) else ()


def _first(graph: PolicyGraph, resolution: Resolution, guard: Expr, before: tuple[str, ...]) -> list[str]:
    """The tools called or offered that could open a guard, that nothing forbids, and that could be called first."""
    actions = [each.action for each in resolution.actions]
    forbidden = {action.target for action in actions if isinstance(action, Forbid) and action.what == "tool"}
    used = {action.tool for action in actions if isinstance(action, Call | Offer)} - forbidden - {*before}
    able = openers(graph, guard) & used
    return [tool for tool in sorted(able) if callable_now(graph, resolution, tool, [], before) is not False]


__all__ = ["Conflict", "callable_now", "conflicts", "contradiction"]

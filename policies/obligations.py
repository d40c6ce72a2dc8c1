"""What has to be shown of a policy for it to be free of conflict and well-formed, and what it takes to show it.

A claim is a tuple of its kind and whom it is about:

``consistent``   some situation satisfies all axioms
``no circle``    no chain of ``overrides`` leads back to where it began
``acts``         the two never act together
``binds``        never does the first act while a prohibition of the second binds
``in force``     the two are never both in force
``callable``     whoever calls the tool can: some arguments satisfy them all, and the guard is open or can be opened
``decided``      it is decided whether each of these is in force
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from itertools import combinations, product
from typing import Any

from jurat.policies import model as m
from jurat.policies.arguments import argument_types, constraint_of
from jurat.policies.conflicts import callable_now, conflicts
from jurat.policies.expr import TRUE, Argument, Const, Expr, arguments, walk
from jurat.policies.graph import PolicyGraph
from jurat.policies.resolution import Resolution
from jurat.policies.types import DecimalType, IntType, Type

Claim = tuple[str, ...]
Part = tuple[int, str, str, str] | Expr
"""1 or -1 (not), one of the bounds, a predicate of the semantics and an entity; or a formula that is not certainly true.

The bounds are ``certain`` and ``possible``, of what is in force or of what would be were nothing unknown (``if known``).
"""


def claims(graph: PolicyGraph) -> list[Claim]:
    """Every claim that a policy needs, in a fixed order."""
    found: set[Claim] = {("in force", *pair) for pair in graph.exclusive}
    found |= {*_pairs(graph), *_decided(graph), *(("callable", tool) for tool in _limited(graph))}
    return [("consistent",), ("no circle",), *sorted(found)]


def _pairs(graph: PolicyGraph) -> Iterator[Claim]:
    """Who says different things of one subject, and who does what another one forbids."""
    said: dict[tuple[str, str], dict[object, set[str]]] = defaultdict(lambda: defaultdict(set))
    for g, action in _actions(graph):
        for subject, value in _says(graph, action):
            said[subject][value].add(g)
    for (kind, _), values in said.items():
        if kind.startswith("do "):
            yield from (("binds", a, b) for a in values[True] for b in values[False])
        else:
            pairs = (pair for one, other in combinations(values.values(), 2) for pair in product(one, other))
            yield from (("acts", *sorted(pair)) for pair in pairs)


def _says(graph: PolicyGraph, action: m.Action) -> Iterator[tuple[tuple[str, str], object]]:
    match action:
        case m.Decide(decision, value):
            yield ("decide", decision), value
        case m.HandOff(to):
            yield ("hand off", ""), to
        case m.Reply(reply):
            yield ("do reply", reply), True
            if graph.vocabulary.replies[reply].mode == "strict":
                yield ("reply", ""), reply
        case m.Call(tool):
            yield ("do tool", tool), True
        case m.Forbid(what, target):
            yield (f"do {what}", target), False


def _actions(graph: PolicyGraph) -> Iterator[tuple[str, m.Action]]:
    return ((g, action) for g, entity in graph.entities.items() for action in entity.actions)


def _decided(graph: PolicyGraph) -> Iterator[Claim]:
    """Circles that a precedence is part of."""
    home = {g: stratum for stratum in graph.strata for g in stratum}
    for h, g in graph.influence.edges:
        if home[h] is home[g] and graph.influence.edges[h, g]["negative"]:
            yield ("decided", *home[g])


def _limited(graph: PolicyGraph) -> set[str]:
    """The tools that are called and not every call of which can be made."""
    tools = graph.vocabulary.tools
    calls = (action for _, action in _actions(graph) if isinstance(action, m.Call))
    return {call.tool for call in calls if call.constraints or tools[call.tool].guard}


# -- what is enough ----------------------------------------------------------------------------------------------


def goals(graph: PolicyGraph, claim: Claim) -> list[tuple[Part, ...]] | None:
    """Things of which, for the claim to hold, it is enough that none of these sets is ever true; None if unknown."""
    match claim:
        case ("acts", a, b):
            return [(_acts(graph, a), _acts(graph, b))]
        case ("binds", a, b):
            return [(_acts(graph, a), (1, "possible", "live", b), (-1, "certain", "blocked", b))]
        case ("in force", a, b):
            return [((1, "certain", "in force", a), (1, "certain", "in force", b))]
        case ("decided", *stratum):
            return [((1, "possible if known", "in force", g), (-1, "certain if known", "in force", g)) for g in stratum]
        case ("callable", tool):
            return _opened(graph, graph.vocabulary.tools[tool])
    return None


def _acts(graph: PolicyGraph, g: str) -> Part:
    bound = "possible" if graph.entities[g].on_unknown == "act" else "certain"
    return 1, bound, "in force", g


def _opened(graph: PolicyGraph, tool: m.ToolDeclaration) -> list[tuple[Part, ...]] | None:
    """Each caller states values that fit and open the guard, and no two that act together state different ones."""
    calls = [(g, action) for g, action in _actions(graph) if isinstance(action, m.Call) and action.tool == tool.id]
    guard = tool.guard.expr if tool.guard else TRUE
    types = argument_types([guard, *(constraint_of(each, tool) for _, call in calls for each in call.constraints)])
    stated = [{each.argument: each.value for each in call.constraints} for _, call in calls]
    if any(len(values) < len(call.constraints) for values, (_, call) in zip(stated, calls, strict=True)):
        return None
    if not all(_fits(value, types[name]) for values in stated for name, value in values.items()):
        return None
    every = list(zip(stated, (g for g, _ in calls), strict=True))
    apart = [
        (g, h) for (one, g), (other, h) in combinations(every, 2) if any(one[n] != other[n] for n in one.keys() & other)
    ]
    opened = [(_acts(graph, g), with_arguments(guard, values)) for values, g in every]
    return [*opened, *((_acts(graph, g), _acts(graph, h)) for g, h in apart)]


def _fits(value: Expr | None, type_: Type) -> bool:
    """Whether an argument of the type can have any value that the formula can have."""
    if value is None or arguments(value):
        return False
    if value.type == type_:
        return True
    if not isinstance(type_, IntType | DecimalType) or not isinstance(value.type, IntType | type(type_)):
        return False
    if isinstance(value, Const) and isinstance(value.value, int):
        return (type_.min is None or type_.min <= value.value) and (type_.max is None or value.value <= type_.max)
    return type_.min is None and type_.max is None


def with_arguments(expr: Expr, given: Mapping[str, Expr | None]) -> Expr:
    """A formula with these arguments replaced by what is given for them."""
    mentioned = [each for each in walk(expr) if isinstance(each, Argument)]
    table: dict[Expr, Expr] = {each: value for each in mentioned if (value := given.get(each.name))}
    return replaced(expr, table)


def replaced(expr: Expr, table: Mapping[Expr, Expr]) -> Expr:
    """A formula with parts of it replaced."""
    if expr in table:
        return table[expr]
    return replace(expr, **{each.name: _each(getattr(expr, each.name), table) for each in fields(expr)})


def _each(value: Any, table: Mapping[Expr, Expr]) -> Any:
    if isinstance(value, tuple):
        return tuple(_each(each, table) for each in value)
    return replaced(value, table) if isinstance(value, Expr) else value


# -- what shows the opposite -------------------------------------------------------------------------------------


def broken(graph: PolicyGraph, claim: Claim, resolution: Resolution) -> bool | None:
    """Whether a situation contradicts a claim; None where that is hard to tell."""
    kind, *who = claim
    if kind == "decided":
        return any(g in resolution.undefined for g in who)
    if kind == "callable":
        calls = [each for each in resolution.actions if isinstance(each.action, m.Call) and each.action.tool == who[0]]
        able = callable_now(graph, resolution, who[0], calls) if calls else True
        return None if able is None else not able
    return any(each.kind in _SHOWN[kind] and set(each.subjects) == set(who) for each in conflicts(graph, resolution))


_SHOWN = {
    "acts": {"decision", "hand-off", "reply"},
    "binds": {"forbidden-call", "forbidden-reply"},
    "in force": {"exclusive"},
}

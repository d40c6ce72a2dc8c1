"""One vocabulary for two policies, so that one formula can speak of both.

Names are matched by key and type. Where a range or an enum differs, situations are those whose values both policies
have; what has another type altogether becomes a fact of its own, free where the other policy reads its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

import networkx as nx

from jurat.policies.expr import Const, Expr, Fact, Has, Implies, In, JourneyState, ListOf, Not
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Axiom, FactDeclaration, Vocabulary
from jurat.policies.types import DecimalType, EnumType, IntType, ListType, Type
from jurat.solver.diff.names import Names, widened

AFTER = " (after)"
"""Ends the name of what the second policy means by a name that the first one means otherwise."""

Facts = Mapping[str, FactDeclaration]
Enums = Mapping[EnumType, EnumType]
Each = TypeVar("Each")


@dataclass(frozen=True, slots=True)
class Merge:
    """The shared vocabulary, and how each policy is read in it.

    ``journeys``: the states of both. ``bounds``: that values are ones which both policies have. ``notes``: what of the
    vocabulary differs, as sentences.
    """

    vocabulary: Vocabulary
    journeys: Mapping[str, EnumType]
    before: Names
    after: Names
    bounds: tuple[Axiom, ...]
    notes: tuple[str, ...]


def merge(before: PolicyGraph, after: PolicyGraph) -> Merge:
    """The vocabulary of two policies together."""
    old, new = before.vocabulary.facts, after.vocabulary.facts
    states = states_of(before), states_of(after)
    enums = _wider([(a.type, b.type) for _, a, b in _both(old, new)] + [(a, b) for _, a, b in _both(*states)])
    shared = {path: type_ for path, a, b in _both(old, new) if (type_ := _common(a, b, enums)) is not None}
    first = {path: Fact(path, shared.get(path, widened(a.type, enums))) for path, a in old.items()}
    second = {path: _second(path, b.type, old, shared, enums) for path, b in new.items()}
    return Merge(
        _vocabulary(before.vocabulary, after.vocabulary, _declared(old, new, first, second)),
        {id_: enums.get(type_, type_) for found in states for id_, type_ in found.items()},
        Names(first, enums, _own_defaults(old, new, shared)),
        Names(second, enums, _own_defaults(new, old, shared)),
        (*_bounds(old, new, shared), *_state_bounds(*states, enums)),
        tuple(_notes(before, after, shared)),
    )


def _both(old: Mapping[str, Each], new: Mapping[str, Each]) -> Iterator[tuple[str, Each, Each]]:
    return ((name, old[name], new[name]) for name in sorted(old.keys() & new.keys()))


def states_of(graph: PolicyGraph) -> dict[str, EnumType]:
    """The type of each journey's state."""
    return {id_: EnumType(tuple(journey.states)) for id_, journey in graph.journeys.items()}


# -- types -------------------------------------------------------------------------------------------------------


def _wider(pairs: list[tuple[Type, Type]]) -> dict[EnumType, EnumType]:
    """For each enum that differs between the policies one that has the values of both, where their orders agree."""
    alike: nx.Graph[EnumType] = nx.Graph()
    for a, b in pairs:
        if isinstance(a, EnumType) and isinstance(b, EnumType) and a != b and a.ordered == b.ordered:
            alike.add_edge(a, b)
    found: dict[EnumType, EnumType] = {}
    for component in nx.connected_components(alike):
        members = sorted(component, key=lambda each: each.values)
        values = _in_order(members)
        if values is not None:
            found |= dict.fromkeys(members, EnumType(values, members[0].ordered))
    return found


def _in_order(enums: list[EnumType]) -> tuple[str, ...] | None:
    """All values of some enums, in an order that agrees with each ordered one; None if there is no such order."""
    order: nx.DiGraph[str] = nx.DiGraph()
    for enum in enums:
        nx.add_path(order, enum.values) if enum.ordered else order.add_nodes_from(enum.values)
    return tuple(nx.topological_sort(order)) if nx.is_directed_acyclic_graph(order) else None


def _common(old: FactDeclaration, new: FactDeclaration, enums: Enums) -> Type | None:
    """The type of the values that a fact can have in both policies; None where it is not the same fact."""
    a, b = old.type, new.type
    if isinstance(a, ListType) and old.default != new.default:
        return None  # a list cannot be chosen between inside a formula
    if a == b:
        return widened(a, enums)
    if isinstance(a, EnumType) and isinstance(b, EnumType) and a in enums:
        return enums[a]
    low, high = _range(a, b)
    if isinstance(a, IntType) and isinstance(b, IntType) and not _empty(low, high):
        return IntType(low, high)
    if isinstance(a, DecimalType) and isinstance(b, DecimalType) and not _empty(low, high):
        return DecimalType(low, high)
    return None


def _range(*types: Type):  # type: ignore[no-untyped-def]  # ints for ints, decimals for decimals
    numeric = [each for each in types if isinstance(each, IntType | DecimalType)]
    lows = [each.min for each in numeric if each.min is not None]
    highs = [each.max for each in numeric if each.max is not None]
    return max(lows, default=None), min(highs, default=None)


def _empty(low: object, high: object) -> bool:
    return low is not None and high is not None and bool(low > high)  # type: ignore[operator]  # both are numbers


# -- facts -------------------------------------------------------------------------------------------------------


def _second(path: str, type_: Type, old: Facts, shared: Mapping[str, Type], enums: Enums) -> Fact:
    if path in shared:
        return Fact(path, shared[path])
    return Fact(path + AFTER if path in old else path, widened(type_, enums))


def _own_defaults(mine: Facts, theirs: Facts, shared: Mapping[str, Type]):  # type: ignore[no-untyped-def]  # values by path
    return {
        path: each.default
        for path, each in mine.items()
        if path in shared and each.default is not None and each.default != theirs[path].default
    }


def _declared(
    old: Facts, new: Facts, first: Mapping[str, Fact], second: Mapping[str, Fact]
) -> dict[str, FactDeclaration]:
    """The shared facts; a default stays where nothing else is said of the fact."""
    found: dict[str, FactDeclaration] = {}
    for facts, names in ((old, first), (new, second)):
        for path, fact in names.items():
            declared = FactDeclaration(fact.path, fact.type, facts[path].source, facts[path].default)
            before = found.setdefault(fact.path, declared)
            if before.default != declared.default:
                found[fact.path] = replace(declared, default=None)
    return found


def _vocabulary(old: Vocabulary, new: Vocabulary, facts: dict[str, FactDeclaration]) -> Vocabulary:
    return Vocabulary(
        facts=facts,
        observations=new.observations | old.observations,
        events=new.events | old.events,
        constants=old.constants | new.constants,
        decisions=new.decisions | old.decisions,
        tools=new.tools | old.tools,
        replies=new.replies | old.replies,
    )


# -- values that both have ---------------------------------------------------------------------------------------


def _bounds(old: Facts, new: Facts, shared: Mapping[str, Type]) -> Iterator[Axiom]:
    for path, a, b in _both(old, new):
        if path in shared and a.type != b.type and isinstance(a.type, EnumType) and isinstance(b.type, EnumType):
            yield _bound(Fact(path, shared[path]), a.type, b.type, path)


def _state_bounds(old: Mapping[str, EnumType], new: Mapping[str, EnumType], enums: Enums) -> Iterator[Axiom]:
    for id_, a, b in _both(old, new):
        if set(a.values) != set(b.values):
            state = JourneyState(id_, enums[a])
            yield _bound(state, a, b, state.key)


def _bound(it: Fact | JourneyState, a: EnumType, b: EnumType, name: str) -> Axiom:
    assert isinstance(it.type, EnumType)
    common = [value for value in it.type.values if value in a.values and value in b.values]
    among: Expr = In(it, ListOf(tuple(Const(value, it.type) for value in common), ListType(it.type)))
    return Axiom(f"both policies have the value of {name}", Implies(Has(it), among) if common else Not(Has(it)))


# -- what differs ------------------------------------------------------------------------------------------------


def _notes(before: PolicyGraph, after: PolicyGraph, shared: Mapping[str, Type]) -> Iterator[str]:
    a, b = before.vocabulary, after.vocabulary
    for path, old, new in _both(a.facts, b.facts):
        if path not in shared:
            yield f"the fact `{path}` is {old.type} before and {new.type} after, so each policy reads its own"
        elif old.type != new.type:
            yield f"the fact `{path}` is {old.type} before and {new.type} after; compared on the values of both"
        elif old.default != new.default:
            yield f"the default of the fact `{path}` changes"
    for id_, one, other in _both(states_of(before), states_of(after)):
        if missing := sorted(set(one.values) ^ set(other.values)):
            states = ", ".join(f"`{state}`" for state in missing)
            yield f"the journey `{id_}` has {states} in one policy only; compared on the states of both"
    kinds: Iterable[tuple[str, Mapping[str, object], Mapping[str, object]]] = (
        ("fact", a.facts, b.facts), ("observation", a.observations, b.observations), ("event", a.events, b.events),
        ("journey", before.journeys, after.journeys),
    )  # fmt: skip
    for kind, olds, news in kinds:
        yield from (f"the {kind} `{name}` is gone after" for name in sorted(olds.keys() - news.keys()))
        yield from (f"the {kind} `{name}` is new" for name in sorted(news.keys() - olds.keys()))

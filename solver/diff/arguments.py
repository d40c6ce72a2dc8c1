"""The arguments of calls as facts, so that a situation gives them values: a comparison is over situations and calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, cast

from jurat.policies.arguments import argument_types, constraint_of
from jurat.policies.expr import Argument, Expr, Fact
from jurat.policies.model import Call
from jurat.policies.types import DECIMAL, INT, DecimalType, IntType, Type, Value
from jurat.solver.diff.sides import Side
from jurat.solver.diff.vocabulary import AFTER


@dataclass(frozen=True, slots=True)
class Arguments:
    """The facts that stand for the arguments of one tool; calling it with a formula reads that about them."""

    facts: Mapping[str, Fact]

    def __call__(self, expr: Expr) -> Expr:
        if isinstance(expr, Argument):
            return self.facts[expr.name]
        found = {each.name: (getattr(expr, each.name), self._part(getattr(expr, each.name))) for each in fields(expr)}
        changed = {name: new for name, (old, new) in found.items() if new != old}
        return cast("Expr", replace(cast("Any", expr), **changed)) if changed else expr

    def _part(self, value: object) -> object:
        if isinstance(value, Expr):
            return self(value)
        if isinstance(value, tuple):
            return tuple(self(each) if isinstance(each, Expr) else each for each in value)
        return value

    @property
    def paths(self) -> frozenset[str]:
        """The names of the facts."""
        return frozenset(fact.path for fact in self.facts.values())

    def given(self, values: Mapping[str, Value]) -> dict[str, Value]:
        """The arguments of a call, by their own names."""
        return {name: values[fact.path] for name, fact in self.facts.items() if fact.path in values}


def arguments_of(old: Side, new: Side) -> dict[tuple[str, str], Arguments]:
    """The arguments of each tool in either policy, by the side's word and the tool; alike if their types are."""
    found: dict[tuple[str, str], Arguments] = {}
    types = [_types(side) for side in (old, new)]
    for tool in sorted(types[0].keys() | types[1].keys()):
        before, after = (each.get(tool, {}) for each in types)
        common = {name: type_ for name, type_ in before.items() if name in after and _alike(type_, after[name])}
        for side, mine, other in ((old, before, after), (new, after, before)):
            facts = {}
            for name, type_ in mine.items():
                apart = side is new and name in other and name not in common
                facts[name] = Fact(_path(tool, name) + (AFTER if apart else ""), _type(type_, other.get(name, type_)))
            if tool in side.graph.vocabulary.tools:
                found[side.word, tool] = Arguments(facts)
    return found


def _path(tool: str, name: str) -> str:
    return f"{tool}.arguments.{name}"


def _types(side: Side) -> dict[str, dict[str, Type]]:
    formulas: dict[str, list[Expr]] = {tool: [] for tool in side.graph.vocabulary.tools}
    for tool, formula in _formulas(side):
        formulas[tool].append(side.names(formula))
    return {tool: argument_types(each) for tool, each in formulas.items()}


def _formulas(side: Side) -> Iterator[tuple[str, Expr]]:
    tools = side.graph.vocabulary.tools
    yield from ((tool.id, tool.guard.expr) for tool in tools.values() if tool.guard)
    for entity in side.graph.entities.values():
        for call in entity.actions:
            if isinstance(call, Call):
                yield from ((call.tool, constraint_of(each, tools[call.tool])) for each in call.constraints)


def _alike(left: Type, right: Type) -> bool:
    """Whether two types of an argument have values in common; what one of them does not allow is no call to compare."""
    return left == right or (isinstance(left, IntType | DecimalType) and type(left) is type(right))


def _type(mine: Type, other: Type) -> Type:
    if mine == other or not _alike(mine, other):
        return mine
    return INT if isinstance(mine, IntType) else DECIMAL if isinstance(mine, DecimalType) else mine

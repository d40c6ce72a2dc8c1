"""How one policy's formulas are read in a vocabulary that it shares with another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, cast

from jurat.policies.expr import TRUE, Const, Expr, Fact, Has, If
from jurat.policies.types import EnumType, ListType, Type, Value


@dataclass(slots=True)
class Names:
    """Reads formulas; calling it with one gives that formula in shared names and types.

    ``facts``: what each of this policy's facts is called; ``enums``: the wider enums that stand for its own;
    ``defaults``: those that the other policy does not have, written into formulas.
    """

    facts: Mapping[str, Fact]
    enums: Mapping[EnumType, EnumType]
    defaults: Mapping[str, Value]
    _read: dict[Expr, Expr] = field(default_factory=dict)

    def __call__(self, expr: Expr) -> Expr:
        if expr not in self._read:
            self._read[expr] = self._reading(expr)
        return self._read[expr]

    def _reading(self, expr: Expr) -> Expr:
        if isinstance(expr, Fact):
            return self._fact(expr)
        if isinstance(expr, Has) and isinstance(expr.of, Fact):
            return TRUE if expr.of.path in self.defaults else Has(self.facts[expr.of.path])
        found = {each.name: (getattr(expr, each.name), self._part(getattr(expr, each.name))) for each in fields(expr)}
        changed = {name: new for name, (old, new) in found.items() if new != old}
        return cast("Expr", replace(cast("Any", expr), **changed)) if changed else expr

    def _fact(self, fact: Fact) -> Expr:
        """The fact; a default that only this policy gives it stands beside it, but for lists, which no formula chooses."""
        shared = self.facts[fact.path]
        if fact.path not in self.defaults:
            return shared
        return If(Has(shared), shared, Const(self.defaults[fact.path], shared.type), shared.type)

    def _part(self, value: object) -> object:
        if isinstance(value, Expr):
            return self(value)
        if isinstance(value, EnumType | ListType):
            return widened(value, self.enums)
        if isinstance(value, tuple):
            return tuple(self(each) if isinstance(each, Expr) else each for each in value)
        return value


def widened(type_: Type, enums: Mapping[EnumType, EnumType]) -> Type:
    """A type in which an enum that differs between the policies has the values of both."""
    if isinstance(type_, EnumType):
        return enums.get(type_, type_)
    if isinstance(type_, ListType) and isinstance(type_.element, EnumType):
        return replace(type_, element=enums.get(type_.element, type_.element))
    return type_

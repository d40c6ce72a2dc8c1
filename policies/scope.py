"""What a formula can name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from jurat.policies.diagnostics import near_miss
from jurat.policies.expr import Const, Event, Expr, Fact, JourneyActive, JourneyState, ListOf, Observation
from jurat.policies.model import ConstantDeclaration, Vocabulary
from jurat.policies.types import DECIMAL, INT, DecimalType, EnumType, IntType, ListType, ScalarType, Type
from jurat.policies.values import journey_name

if TYPE_CHECKING:
    from jurat.policies.cel import Node
    from jurat.policies.meaning import Checker

    Function = Callable[[Checker, Node], Expr | None]
    """What a call means, to whoever checks the formula; None where its faults were reported."""

BUILT_IN_EVENTS = ("session.started", "session.ended", "message.received", "message.pii")
TOOL_EVENTS = ("called", "succeeded", "failed")


@dataclass(frozen=True, slots=True)
class Scope:
    """The names of a policy, and what is allowed where the formula stands.

    ``names`` are what dotted names stand for; ``tables`` the constant maps, which are only read at a key.
    ``arguments`` are the declared types of a tool's arguments, or None where no call is spoken of. ``functions`` are those
    that only this scope has, with how many arguments they take and what they mean. ``suggest`` finds
    near misses; a reader of many formulas may pass one that stops when there is too much to compare.
    """

    names: Mapping[str, Expr]
    tables: Mapping[str, ConstantDeclaration] = field(default_factory=dict)
    tools: frozenset[str] = frozenset()
    observations: frozenset[str] = frozenset()
    arguments: Mapping[str, Type] | None = None
    history: bool = True
    suggest: Callable[[str, list[str]], str] = near_miss
    functions: Mapping[str, tuple[tuple[int, ...], Function]] = field(default_factory=dict)

    def with_arguments(self, types: Mapping[str, Type] | Iterable[tuple[str, Type]]) -> Scope:
        """The same names, where ``arguments.<name>`` of a tool can be spoken of too."""
        return replace(self, arguments=dict(types))

    def known(self) -> list[str]:
        """Every name that could have been meant."""
        return [*self.names, *self.tables, *(f"arguments.{name}" for name in self.arguments or ())]


def scope_of(
    vocabulary: Vocabulary,
    journeys: Mapping[str, EnumType] | None = None,
    *,
    history: bool = True,
    suggest: Callable[[str, list[str]], str] = near_miss,
) -> Scope:
    """The scope of a policy's formulas; ``journeys`` are the states of each."""
    constants = vocabulary.constants
    names: dict[str, Expr] = {name: Event(name) for name in (*BUILT_IN_EVENTS, *vocabulary.events)}
    for id_, states in (journeys or {}).items():
        names[journey_name(id_, "active")] = JourneyActive(id_)
        names[journey_name(id_, "state")] = JourneyState(id_, states)
    names |= {name: constant(each) for name, each in constants.items() if each.value is not None}
    names |= {key: Observation(key) for key, each in vocabulary.observations.items() if not each.inline}
    names |= {path: Fact(path, each.type) for path, each in vocabulary.facts.items()}
    return Scope(
        names=names,
        tables={name: each for name, each in constants.items() if each.value is None},
        tools=frozenset(vocabulary.tools),
        observations=frozenset(vocabulary.observations),
        history=history,
        suggest=suggest,
    )


def constant(declaration: ConstantDeclaration) -> Expr:
    """A constant as it stands in formulas: its value, written out."""
    value, type_ = declaration.value, declaration.type
    assert value is not None, "a constant map is no constant"
    if isinstance(type_, ListType):
        assert isinstance(value, tuple)
        element = unbounded(type_.element)
        return ListOf(tuple(Const(item, element) for item in value), ListType(element))
    return Const(value, unbounded(type_))


def unbounded(type_: ScalarType) -> ScalarType:
    """The type without a range: what is computed or written out has none."""
    return INT if isinstance(type_, IntType) else DECIMAL if isinstance(type_, DecimalType) else type_

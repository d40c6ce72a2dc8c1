"""Formulas: a small typed tree, parsed from CEL by :mod:`jurat.policies.cel`.

Every node is frozen and hashable; equal formulas are equal nodes wherever they were written. Spans live beside the
tree (``Formula``), not in it, so that they do not take part in equality.

Boolean nodes are evaluated in Kleene's three values (:mod:`jurat.policies.evaluation`) and encoded by their twin in
the solver. *Atoms* are the leaves that a situation gives a value to: facts, observations, events, history, journeys;
``Argument`` is given by a tool call, in guards and argument constraints only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from functools import cache, lru_cache
from typing import Any, Literal, TypeVar

from jurat.policies.spans import Span
from jurat.policies.types import BOOL, INT, EnumType, ScalarType, Type, Value

Kind = TypeVar("Kind", bound=type)


class _Node:
    """What all formulas are: hashed once, and asked once for atoms and name, since these may take all of a tree."""

    __slots__ = ("_atoms", "_hash", "_key")
    _atoms: frozenset[Atom]
    _hash: int
    _key: str


def _hashed_once(kind: Kind) -> Kind:
    computed: Callable[[_Node], int] = kind.__hash__  # type: ignore[assignment]  # of what is made, not of the class

    def hashed(self: _Node) -> int:
        try:
            return self._hash
        except AttributeError:
            object.__setattr__(self, "_hash", computed(self))
            return self._hash

    kind.__hash__ = hashed  # type: ignore[method-assign, assignment]
    return kind


@_hashed_once
@dataclass(frozen=True, slots=True)
class Const(_Node):
    """A literal. Enum literals are strings whose type is the enum they were compared with."""

    value: Value
    type: Type


@_hashed_once
@dataclass(frozen=True, slots=True)
class Fact(_Node):
    """A declared fact; reading an absent one is unknown."""

    path: str
    type: Type


@_hashed_once
@dataclass(frozen=True, slots=True)
class Observation(_Node):
    """A judged condition, by its key (the normalised text itself for one given inline)."""

    key: str
    type: Type = BOOL


@_hashed_once
@dataclass(frozen=True, slots=True)
class Event(_Node):
    """An engine event now: ``called("t")``, ``session.ended`` or a declared one."""

    name: str
    argument: str | None = None
    type: Type = BOOL

    @property
    def key(self) -> str:
        return self.name if self.argument is None else f'{self.name}("{self.argument}")'


@_hashed_once
@dataclass(frozen=True, slots=True)
class History(_Node):
    """A past-time operator over events and facts; ``count`` is an int, the others are bools.

    ``within`` bounds it: a number of turns, or of seconds when ``unit`` is ``"seconds"``.
    """

    operator: Literal["once", "since", "previously", "historically", "count"]
    operands: tuple[Expr, ...]
    within: int | None = None
    unit: Literal["turns", "seconds"] = "turns"
    type: Type = BOOL

    @property
    def key(self) -> str:
        from jurat.policies.printing import show

        return show(self)


@_hashed_once
@dataclass(frozen=True, slots=True)
class JourneyActive(_Node):
    """``journey.<id>.active``"""

    journey: str
    type: Type = BOOL

    @property
    def key(self) -> str:
        return f"journey.{self.journey}.active"


@_hashed_once
@dataclass(frozen=True, slots=True)
class JourneyState(_Node):
    """``journey.<id>.state``; absent while the journey is not active."""

    journey: str
    type: EnumType

    @property
    def key(self) -> str:
        return f"journey.{self.journey}.state"


@_hashed_once
@dataclass(frozen=True, slots=True)
class Argument(_Node):
    """``arguments.<name>`` of the tool call that a guard or constraint is about."""

    name: str
    type: Type


@_hashed_once
@dataclass(frozen=True, slots=True)
class Has(_Node):
    """Whether a fact, or an argument, is present; never unknown."""

    of: Fact | JourneyState | Argument
    type: Type = BOOL


@_hashed_once
@dataclass(frozen=True, slots=True)
class Not(_Node):
    operand: Expr
    type: Type = BOOL


@_hashed_once
@dataclass(frozen=True, slots=True)
class And(_Node):
    operands: tuple[Expr, ...]
    type: Type = BOOL


@_hashed_once
@dataclass(frozen=True, slots=True)
class Or(_Node):
    operands: tuple[Expr, ...]
    type: Type = BOOL


@_hashed_once
@dataclass(frozen=True, slots=True)
class Implies(_Node):
    left: Expr
    right: Expr
    type: Type = BOOL


@_hashed_once
@dataclass(frozen=True, slots=True)
class If(_Node):
    """``test ? then : other``"""

    test: Expr
    then: Expr
    other: Expr
    type: Type


@_hashed_once
@dataclass(frozen=True, slots=True)
class Compare(_Node):
    """A comparison of two values of comparable types; enums by their declared order."""

    operator: Literal["==", "!=", "<", "<=", ">", ">="]
    left: Expr
    right: Expr
    type: Type = BOOL


@_hashed_once
@dataclass(frozen=True, slots=True)
class In(_Node):
    """Membership in a list: a fact's, or one written out."""

    element: Expr
    collection: Expr
    type: Type = BOOL


@_hashed_once
@dataclass(frozen=True, slots=True)
class ListOf(_Node):
    """A list written out."""

    items: tuple[Expr, ...]
    type: Type


@_hashed_once
@dataclass(frozen=True, slots=True)
class Arithmetic(_Node):
    """``+ - * / %`` on numbers, times and durations; ``/`` and ``%`` only by a non-zero constant.

    Int division truncates towards zero and ``%`` takes the sign of the dividend, as in CEL.
    """

    operator: Literal["+", "-", "*", "/", "%"]
    left: Expr
    right: Expr
    type: Type


@_hashed_once
@dataclass(frozen=True, slots=True)
class Size(_Node):
    """``size(x)`` or ``x.size()`` of a list or a string (in characters)."""

    of: Expr
    type: Type = INT


@_hashed_once
@dataclass(frozen=True, slots=True)
class TextTest(_Node):
    """``s.startsWith(t)``, ``s.endsWith(t)``, ``s.contains(t)``"""

    operator: Literal["startsWith", "endsWith", "contains"]
    text: Expr
    part: Expr
    type: Type = BOOL


@_hashed_once
@dataclass(frozen=True, slots=True)
class Lookup(_Node):
    """``limit[actor.role]``: a declared constant map read at a key; unknown where the map has no such key."""

    constant: str
    table: tuple[tuple[Value, Value], ...]
    index: Expr
    type: ScalarType


Atom = Fact | Observation | Event | History | JourneyActive | JourneyState
Expr = (
    Const
    | Fact
    | Observation
    | Event
    | History
    | JourneyActive
    | JourneyState
    | Argument
    | Has
    | Not
    | And
    | Or
    | Implies
    | If
    | Compare
    | In
    | ListOf
    | Arithmetic
    | Size
    | TextTest
    | Lookup
)

TRUE, FALSE = Const(True, BOOL), Const(False, BOOL)


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula and where the author wrote it."""

    expr: Expr
    span: Span
    text: str


def conjunction(*operands: Expr) -> Expr:
    """All of them; flat, without ``true``."""
    flat = tuple(each for operand in operands for each in _parts(operand, And) if each != TRUE)
    return TRUE if not flat else flat[0] if len(flat) == 1 else And(flat)


def disjunction(*operands: Expr) -> Expr:
    """Any of them; flat, without ``false``."""
    flat = tuple(each for operand in operands for each in _parts(operand, Or) if each != FALSE)
    return FALSE if not flat else flat[0] if len(flat) == 1 else Or(flat)


def _parts(expr: Expr, kind: type[And | Or]) -> tuple[Expr, ...]:
    return expr.operands if isinstance(expr, kind) else (expr,)


def children(expr: Expr) -> Iterator[Expr]:
    """The formulas directly below."""
    kind: Any = type(expr)
    for name in _below(kind):
        value = getattr(expr, name)
        if isinstance(value, tuple):
            yield from value
        else:
            yield value


@cache
def _below(kind: Any) -> tuple[str, ...]:
    """The fields of a node that hold formulas: one, or a tuple of them."""
    return tuple(each.name for each in fields(kind) if each.type in _FORMULAS)


_FORMULAS = ("Expr", "tuple[Expr, ...]", "Fact | JourneyState | Argument")


def walk(expr: Expr) -> Iterator[Expr]:
    """The formula and everything below it, what history looks at included."""
    yield expr
    for child in children(expr):
        yield from walk(child)


def atoms(expr: Expr) -> frozenset[Atom]:
    """What a situation must say for this formula to have a value; history is one atom, not its operands."""
    try:
        return expr._atoms  # noqa: SLF001 - of this module
    except AttributeError:
        found = frozenset((expr,)) if isinstance(expr, Atom) else _together([atoms(each) for each in children(expr)])
        object.__setattr__(expr, "_atoms", found)
        return found


def _together(sets: list[frozenset[Atom]]) -> frozenset[Atom]:
    return sets[0].union(*sets[1:]) if sets else frozenset()


def mentioned_atoms(exprs: Iterable[Expr]) -> set[Atom]:
    """The atoms of some formulas, with those that history looks at."""
    found = set[Atom]().union(*map(atoms, exprs))
    todo = [atom for atom in found if type(atom) is History]
    while todo:
        new = {each for operand in todo.pop().operands for each in atoms(operand)} - found
        found |= new
        todo += [each for each in new if type(each) is History]
    return found


def parts_of(expr: Expr) -> Iterator[Expr]:
    """What a conjunction consists of; it is false exactly when one of these is."""
    if isinstance(expr, And):
        for each in expr.operands:
            yield from parts_of(each)
    else:
        yield expr


@lru_cache(maxsize=65536)
def arguments(expr: Expr) -> frozenset[str]:
    """The tool arguments that a formula speaks of."""
    return frozenset(each.name for each in walk(expr) if isinstance(each, Argument))


def key_of(atom: Atom) -> str:
    """The name of an atom in a valuation."""
    try:
        return atom._key  # noqa: SLF001 - of this module
    except AttributeError:
        key = atom.path if isinstance(atom, Fact) else atom.key
        object.__setattr__(atom, "_key", key)
        return key

"""Cutting the values of a situation's names into cells that no formula looks into.

Numbers, times and texts between two values that formulas compare a name with are one cell. A comparison that has more
in it than one such name, or calculates with it, has no cells, but for two cases: an int of few values is taken value by
value; and a name that is only asked about (the argument of a call) may be said to equal one that is counted, its *twin*:
then the two are cut alike, and are equal or not wherever they are in one cell that has room for both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise

import z3

from jurat.policies.expr import (
    Arithmetic,
    Atom,
    Compare,
    Const,
    Expr,
    Fact,
    History,
    In,
    Lookup,
    Size,
    TextTest,
    atoms,
    children,
    key_of,
    walk,
)
from jurat.policies.printing import show
from jurat.policies.types import BoolType, DecimalType, EnumType, IntType, ListType, StringType, Type, Value
from jurat.solver.terms import literal

FEW = 64
"""Values of an int that are counted one by one where formulas calculate with it."""


class Uncountable(Exception):
    """There is no finite number of cells, or too many to look at; the text says why."""


Boundary = tuple[Fraction, bool]
"""A place between two numbers: before a value, or (True) after it."""


@dataclass(slots=True)
class Cuts:
    """Where the values of each name are cut: numbers at boundaries, texts at the texts that formulas name.

    ``hidden``: the names that are only asked about, by key.
    """

    hidden: frozenset[str] = frozenset()
    twins: dict[Atom, Atom] = field(default_factory=dict)
    """For each hidden name that is said to equal a counted one, that."""
    numbers: dict[Atom, set[Boundary]] = field(default_factory=dict)
    texts: dict[Atom, set[str]] = field(default_factory=dict)

    def add(self, formulas: Iterable[Expr]) -> None:
        """Cut where these formulas look.

        Raises:
            Uncountable: a formula does more than compare one name with fixed values.
        """
        for leaf in (leaf for formula in formulas for leaf in _leaves(formula)):
            wide = [atom for atom in atoms(leaf) if _is_wide(atom)]
            if _is_plain(leaf) and len(wide) < 2:
                for atom in wide:
                    self._cut(atom, leaf)
            elif not self._pair(leaf):
                for atom in wide:
                    self._enumerate(atom, leaf)
        self._cut_alike()

    def _pair(self, leaf: Expr) -> bool:
        """Whether a comparison says that a hidden name equals a counted one, and no other."""
        if not isinstance(leaf, Compare) or leaf.operator not in ("==", "!="):
            return False
        sides = [each for each in (leaf.left, leaf.right) if isinstance(each, Fact)]
        hidden = [each for each in sides if each.path in self.hidden]
        if len(sides) != 2 or len(hidden) != 1 or type(sides[0].type) is not type(sides[1].type):
            return False
        other = next(each for each in sides if each not in hidden)
        return self.twins.setdefault(hidden[0], other) == other

    def _cut_alike(self) -> None:
        """Cut those that are said to be equal at the same places."""
        groups: dict[Atom, list[Atom]] = {}
        for hidden, other in self.twins.items():
            groups.setdefault(other, [other]).append(hidden)
        for group in groups.values():
            texts = set().union(*(self.texts.get(atom, set()) for atom in group))
            cuts = set().union(*(self.numbers.get(atom, set()) | _edges(atom) for atom in group))
            for atom in group:
                self.texts[atom], self.numbers[atom] = set(texts), set(cuts)

    def has_room(self, atom: Atom, place: int) -> bool:
        """Whether the cell at this place among :meth:`values` has more than one value."""
        if isinstance(atom.type, StringType):
            return place == len(self.texts.get(atom, ()))
        return _rooms(self.numbers.get(atom, set()), *_bounds(atom), whole=not isinstance(atom.type, DecimalType))[
            place
        ]

    def _cut(self, atom: Atom, leaf: Expr) -> None:
        if isinstance(atom.type, StringType):
            self._cut_texts(atom, leaf)
            return
        found = self.numbers.setdefault(atom, set())
        for value, type_ in _constants(leaf):
            if _is_number(type_):
                number = number_of(value, type_)
                found.update((number, after) for after in _sides(atom, leaf))

    def _cut_texts(self, atom: Atom, leaf: Expr) -> None:
        if isinstance(leaf, Compare) and leaf.operator not in ("==", "!="):
            raise Uncountable(f"`{key_of(atom)}` is compared by the order of texts")
        named = (value for value, _ in _constants(leaf) if isinstance(value, str))
        self.texts.setdefault(atom, set()).update(named)

    def _enumerate(self, atom: Atom, leaf: Expr) -> None:
        type_ = atom.type
        if not isinstance(type_, IntType) or type_.min is None or type_.max is None or type_.max - type_.min >= FEW:
            raise Uncountable(f"`{show(leaf)}` does more than compare `{key_of(atom)}` with fixed values")
        every = range(type_.min, type_.max + 1)
        self.numbers.setdefault(atom, set()).update((Fraction(n), after) for n in every for after in (False, True))

    def values(self, atom: Atom) -> list[z3.ExprRef]:
        """A value of each cell, but for absence."""
        type_ = atom.type
        if isinstance(type_, BoolType):
            return [z3.BoolVal(True), z3.BoolVal(False)]
        if isinstance(type_, EnumType):
            return [z3.IntVal(place) for place in range(len(type_.values))]
        if isinstance(type_, StringType):
            named = sorted(self.texts.get(atom, ()))
            return [literal(text, type_) for text in (*named, _other(named))]
        exact = isinstance(type_, DecimalType)
        found = representatives(self.numbers.get(atom, set()), *_bounds(atom), whole=not exact)
        return [z3.RealVal(str(each)) if exact else z3.IntVal(int(each)) for each in found]


def _leaves(expr: Expr) -> Iterator[Expr]:
    """The largest parts that are no connectives."""
    if isinstance(expr.type, BoolType) and isinstance(expr, Compare | In | Lookup | TextTest):
        yield expr
        return
    for child in children(expr):
        yield from _leaves(child)


def _is_plain(leaf: Expr) -> bool:
    return not any(isinstance(each, Arithmetic | Size | TextTest) for each in walk(leaf))


def _is_wide(atom: Atom) -> bool:
    """Whether formulas cannot look at each of its values."""
    return not isinstance(atom.type, BoolType | EnumType | ListType)


def _is_number(type_: Type) -> bool:
    return not isinstance(type_, BoolType | EnumType | ListType | StringType)


def _constants(leaf: Expr) -> Iterator[tuple[Value, Type]]:
    for each in walk(leaf):
        if isinstance(each, Const):
            yield each.value, each.type
        if isinstance(each, Lookup):
            yield from ((value, each.type) for _, value in each.table)
            yield from ((key, each.index.type) for key, _ in each.table)


def _sides(atom: Atom, leaf: Expr) -> tuple[bool, ...]:
    """On which sides of a value a comparison changes its mind."""
    if isinstance(leaf, Compare) and atom in (leaf.left, leaf.right):
        operator = leaf.operator if atom == leaf.left else _FLIPPED[leaf.operator]
        if operator in ("<", ">="):
            return (False,)
        if operator in ("<=", ">"):
            return (True,)
    return (False, True)


_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


def number_of(value: Value, type_: Type) -> Fraction:
    """A number, time or duration as Z3 has it."""
    found = z3.simplify(literal(value, type_))
    return Fraction(found.as_fraction() if z3.is_rational_value(found) else found.as_long())


def _bounds(atom: Atom) -> tuple[Fraction | None, Fraction | None]:
    if isinstance(atom, History):
        return Fraction(0), None
    type_ = atom.type
    if isinstance(type_, IntType | DecimalType):
        return tuple(None if each is None else Fraction(each) for each in (type_.min, type_.max))  # type: ignore[return-value]  # of two
    return None, None


def _edges(atom: Atom) -> set[Boundary]:
    low, high = _bounds(atom)
    below: set[Boundary] = set() if low is None else {(low, False)}
    return below if high is None else below | {(high, True)}


def representatives(cuts: set[Boundary], low: Fraction | None, high: Fraction | None, *, whole: bool) -> list[Fraction]:
    """A number of each cell between the boundaries, within the bounds, which are included."""
    return [_between(left, right) for left, right in _intervals(cuts, low, high, whole=whole)]


def _rooms(cuts: set[Boundary], low: Fraction | None, high: Fraction | None, *, whole: bool) -> list[bool]:
    """For each of these cells whether it has more than one number."""
    return [
        left is None or right is None or (right[0] - left[0] > 1 if whole else left[0] != right[0])
        for left, right in _intervals(cuts, low, high, whole=whole)
    ]


def _intervals(
    cuts: set[Boundary], low: Fraction | None, high: Fraction | None, *, whole: bool
) -> list[tuple[Boundary | None, Boundary | None]]:
    places = {(value + 1, False) if whole and after else (value, after) for value, after in cuts}
    floor = None if low is None else (low, False)
    ceiling = None if high is None else ((high + 1, False) if whole else (high, True))
    inside = sorted(p for p in places if (floor is None or p > floor) and (ceiling is None or p < ceiling))
    return list(pairwise([floor, *inside, ceiling]))


def _between(left: Boundary | None, right: Boundary | None) -> Fraction:
    """A number after one boundary and before another; whole if both are before whole ones."""
    if left is not None and not left[1]:
        return left[0]
    if right is not None and right[1]:
        return right[0]
    if left is None or right is None:
        return right[0] - 1 if right is not None else left[0] + 1 if left is not None else Fraction(0)
    return (left[0] + right[0]) / 2


def _other(named: list[str]) -> str:
    """A text that is none of these."""
    return "".join(sorted({text[:1] for text in named})) + "…" + max(named, key=len, default="")

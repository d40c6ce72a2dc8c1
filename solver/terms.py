"""Atoms as Z3 constants, and back: a model's values as a valuation's.

A truth value is a pair of Booleans, certainly true and certainly false, never both. A fact is a value and a flag that
says whether it is present. Enums are their place in the declared list; timestamps and durations are microseconds;
decimals are reals, of which only those that a decimal can write are accepted back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import combinations

import z3

from jurat.policies.diagnostics import Diagnostic
from jurat.policies.errors import PolicyError
from jurat.policies.expr import Atom, Event, Fact, History, JourneyActive, JourneyState, Observation, key_of
from jurat.policies.spans import NOWHERE
from jurat.policies.types import (
    BoolType,
    DecimalType,
    DurationType,
    EnumType,
    IntType,
    ListType,
    Scalar,
    StringType,
    TimestampType,
    Type,
    Value,
)
from jurat.solver.build import NO, YES, all_of, any_of, implication, negation, same

LAST_CHARACTER = 0x2FEFF
"""Of what a policy may write. Z3's alphabet ends at U+2FFFF, that of texts at U+10FFFF: of the 256 characters left, none of
which is assigned, any can stand for one beyond the end, which no formula tells from it.
"""
MICROSECOND = timedelta(microseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST = (datetime.min.replace(tzinfo=UTC) - EPOCH) // MICROSECOND
LATEST = (datetime.max.replace(tzinfo=UTC) - EPOCH) // MICROSECOND
SHORTEST = timedelta.min // MICROSECOND
LONGEST = timedelta.max // MICROSECOND

MANY = 16
"""Values that a type may have for a list of them to be known by all its members."""


@dataclass(frozen=True, slots=True)
class Truth:
    """A three-valued formula: when it is certainly true, and when certainly false."""

    true: z3.BoolRef
    false: z3.BoolRef


@dataclass(frozen=True, slots=True)
class Term:
    """A value of some type, and when it is known."""

    known: z3.BoolRef
    value: z3.ExprRef


@dataclass(frozen=True, slots=True)
class ListTerm:
    """A list: membership as a function, its size, and every element that a formula asks about.

    ``type``, where it is given, bounds what its members can be, and how many of them.
    """

    known: z3.BoolRef
    contains: Callable[[z3.ExprRef], z3.BoolRef]
    size: z3.ArithRef
    asked: dict[str, Term] = field(default_factory=dict)
    type: ListType | None = None


class Members:
    """Membership in a list that may be chosen: a Boolean for each element asked about, so that it can be quantified."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.chosen: dict[str, tuple[z3.ExprRef, z3.BoolRef]] = {}

    def __call__(self, element: z3.ExprRef) -> z3.BoolRef:
        text = element.sexpr()
        if text not in self.chosen:
            self.chosen[text] = (element, z3.Bool(f"{self.name} contains {text}"))
        return self.chosen[text][1]

    def laws(self) -> Iterator[z3.BoolRef]:
        """Equal elements are both in it or both not."""
        for (left, has_left), (right, has_right) in combinations(self.chosen.values(), 2):
            yield implication(same(left, right), same(has_left, has_right))


def sort_of(type_: Type) -> z3.SortRef:
    """The Z3 sort that holds a type's values."""
    if isinstance(type_, BoolType):
        return z3.BoolSort()
    if isinstance(type_, DecimalType):
        return z3.RealSort()
    return z3.StringSort() if isinstance(type_, StringType) else z3.IntSort()


def literal(value: Value, type_: Type) -> z3.ExprRef:
    """A value as a Z3 constant of its type's sort; what an enum does not have is nowhere in its list."""
    if isinstance(type_, EnumType):
        return z3.IntVal(type_.values.index(value) if value in type_.values else -1)
    if isinstance(value, bool):
        return YES if value else NO
    if isinstance(value, int):
        return z3.RealVal(value) if isinstance(type_, DecimalType) else z3.IntVal(value)
    if isinstance(value, Decimal):
        return z3.RealVal(str(Fraction(value)))
    if isinstance(value, datetime):
        return z3.IntVal((value - EPOCH) // MICROSECOND)
    return z3.IntVal(value // MICROSECOND) if isinstance(value, timedelta) else _text(str(value))


def _text(value: str) -> z3.SeqRef:
    """Z3 reads escapes in strings, so whatever is not plain ASCII is written as one.

    Raises:
        PolicyError: a character that Z3 does not have, or that stands for those; about it nothing could be proved.
    """
    if beyond := next((c for c in value if ord(c) > LAST_CHARACTER), None):
        fault = f"nothing can be proved about the character U+{ord(beyond):X} in a text; the last one is U+2FEFF"
        raise PolicyError([Diagnostic(NOWHERE, "P204", fault, beyond)])
    return z3.StringVal("".join(c if 32 <= ord(c) < 127 and c != "\\" else f"\\u{{{ord(c):x}}}" for c in value))


def within(value: z3.ExprRef, type_: Type) -> Iterator[z3.BoolRef]:
    """What the declared type says of a value."""
    if isinstance(type_, EnumType):
        yield from (value >= 0, value < len(type_.values))
    elif isinstance(type_, IntType | DecimalType):
        if type_.min is not None:
            yield value >= literal(type_.min, type_)
        if type_.max is not None:
            yield value <= literal(type_.max, type_)
    elif isinstance(type_, TimestampType):
        yield from (value >= EARLIEST, value <= LATEST)
    elif isinstance(type_, DurationType):
        yield from (value >= SHORTEST, value <= LONGEST)


def scalar(value: z3.ExprRef, type_: Type) -> Scalar | None:
    """A model's value as a plain one; None where no value of the type writes it (a third, as a decimal)."""
    if isinstance(type_, BoolType):
        return bool(z3.is_true(value))
    if isinstance(type_, DecimalType):
        return _decimal(value.as_fraction()) if z3.is_rational_value(value) else None
    if isinstance(type_, StringType):
        return re.sub(r"\\u\{([0-9a-fA-F]+)\}", lambda m: chr(int(m[1], 16)), value.as_string())
    number: int = value.as_long()
    if isinstance(type_, EnumType):
        return type_.values[number]
    if isinstance(type_, TimestampType):
        return EPOCH + number * MICROSECOND
    return number * MICROSECOND if isinstance(type_, DurationType) else number


def _decimal(number: Fraction) -> Decimal | None:
    rest = number.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return Decimal(number.numerator) / Decimal(number.denominator) if rest == 1 else None


def _name(atom: Atom) -> str:
    """A name for Z3, which takes a text up to its first NUL."""
    return ascii(key_of(atom))


class Atoms:
    """The Z3 constants of a policy's atoms, made as they are asked for, with what is always true of them."""

    def __init__(self, defaults: frozenset[str] = frozenset()) -> None:
        """``defaults``: the facts that have a default, which are never absent."""
        self.defaults = defaults
        self.truths: dict[Atom, Truth] = {}
        self.terms: dict[Atom, Term] = {}
        self.lists: dict[str, ListTerm] = {}

    def truth(self, atom: Atom) -> Truth:
        """A Boolean atom."""
        if atom not in self.truths:
            self.truths[atom] = self._truth(atom, _name(atom))
        return self.truths[atom]

    def _truth(self, atom: Atom, key: str) -> Truth:
        if isinstance(atom, Observation):
            return Truth(z3.Bool(f"{key} is true"), z3.Bool(f"{key} is false"))
        if isinstance(atom, Fact):
            value, known = z3.Bool(key), self._present(key_of(atom))
            return Truth(all_of((known, value)), all_of((known, negation(value))))
        if isinstance(atom, JourneyActive | Event | History):
            value = z3.Bool(key)
            return Truth(value, negation(value))
        raise TypeError(f"{key} is no truth value")

    def term(self, atom: Atom) -> Term:
        """A fact, journey state or count that is not a Boolean."""
        if atom not in self.terms:
            known = YES if isinstance(atom, History) else self._known(atom)
            self.terms[atom] = Term(known, z3.Const(_name(atom), sort_of(atom.type)))
        return self.terms[atom]

    def list(self, fact: Fact) -> ListTerm:
        if fact.path not in self.lists:
            assert isinstance(fact.type, ListType)
            contains = z3.Function(f"{fact.path} contains", sort_of(fact.type.element), z3.BoolSort())
            size, asked = (
                z3.Int(f"size({fact.path})"),
                {each.value.sexpr(): each for each in elements(fact.type.element)},
            )
            self.lists[fact.path] = ListTerm(self._present(fact.path), contains, size, asked, fact.type)
        return self.lists[fact.path]

    def _known(self, atom: Atom) -> z3.BoolRef:
        if isinstance(atom, JourneyState):
            return self.truth(JourneyActive(atom.journey)).true
        return self._present(key_of(atom))

    def _present(self, key: str) -> z3.BoolRef:
        return YES if key in self.defaults else z3.Bool(f"{key} is present")

    def present(self, atom: Fact | JourneyState) -> z3.BoolRef:
        """Whether a fact has a value, or a journey a state."""
        return self._known(atom)

    def constraints(self, atom: Atom) -> Iterator[z3.BoolRef]:
        """What is true of an atom in every situation; to be asserted where the atom is mentioned."""
        if isinstance(atom, Observation):
            truth = self.truth(atom)
            yield negation(all_of((truth.true, truth.false)))
        elif isinstance(atom, History):
            from jurat.solver.history import own_laws  # it is about the atoms of this module

            yield from own_laws(atom, self)
        elif isinstance(atom, Fact) and isinstance(atom.type, ListType):
            yield from list_laws(self.list(atom))
        elif not isinstance(atom.type, BoolType):
            yield from within(self.term(atom).value, atom.type)


def elements(type_: Type) -> list[Term]:
    """Every value of a type that has few."""
    values: Iterable[Value] = ()
    if isinstance(type_, BoolType):
        values = (False, True)
    elif isinstance(type_, EnumType):
        values = type_.values
    elif isinstance(type_, IntType) and type_.min is not None and type_.max is not None:
        values = range(type_.min, type_.max + 1)[: MANY + 1]
    found = [Term(YES, literal(value, type_)) for value in values]
    return found if len(found) <= MANY else []


def list_laws(term: ListTerm) -> Iterator[z3.BoolRef]:
    """A list is at least as long as it has different elements."""
    if term.type is not None:
        yield from _typed(term, term.type)
    distinct: list[z3.ArithRef] = []
    asked = list(term.asked.values())
    for place, element in enumerate(asked):
        new = all_of(any_of((negation(e.known), e.value != element.value)) for e in asked[:place])
        distinct.append(z3.If(all_of((element.known, term.contains(element.value), new)), 1, 0))
    yield term.size >= (z3.Sum(distinct) if distinct else 0)
    if isinstance(term.contains, Members):
        yield from term.contains.laws()


def _typed(term: ListTerm, type_: ListType) -> Iterator[z3.BoolRef]:
    """Members are of the declared type; where that has few values, they are all there can be, in a set once each."""
    for element in term.asked.values():
        yield from (implication(term.contains(element.value), law) for law in within(element.value, type_.element))
    if every := [term.contains(each.value) for each in elements(type_.element)]:
        yield implication(term.size >= 1, any_of(every))
        if type_.unique:
            yield term.size <= z3.Sum([z3.If(each, 1, 0) for each in every])

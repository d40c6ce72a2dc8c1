"""Which types go together, and what comes of them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from jurat.policies.expr import Const, Expr
from jurat.policies.types import (
    BOOL,
    DECIMAL,
    DURATION,
    INT,
    TIMESTAMP,
    BoolType,
    DecimalType,
    EnumType,
    IntType,
    ListType,
    StringType,
    Type,
    is_numeric,
)
from jurat.policies.values import quote


def fits(actual: Type, wanted: Type) -> bool:
    """Whether a value of one type can stand where the other is asked for; ranges aside."""
    if isinstance(wanted, ListType) and isinstance(actual, ListType):
        return fits(actual.element, wanted.element)
    if isinstance(wanted, EnumType) or isinstance(actual, EnumType):
        return actual == wanted
    return type(actual) is type(wanted) or (is_numeric(wanted) and isinstance(actual, IntType))


def comparable(left: Type, right: Type) -> bool:
    """Whether ``==`` means something between two types."""
    if is_numeric(left) and is_numeric(right):
        return True
    return left == right if isinstance(left, EnumType) else type(left) is type(right)


def joined(left: Type, right: Type) -> Type | None:
    """The type of something that is one or the other, or None."""
    if left == right:
        return left
    if is_numeric(left) and is_numeric(right):
        return INT if isinstance(left, IntType) and isinstance(right, IntType) else DECIMAL
    return None


def worded(type_: Type) -> str:
    """A type, for a message."""
    if isinstance(type_, ListType):
        return f"a {'set' if type_.unique else 'list'} of {type_.element}"
    word = str(type_) if isinstance(type_, EnumType) else str(type_).split(" ")[0]
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"


def advice(expr: Expr, wanted: Type) -> str:
    """What to write instead of a literal of another type."""
    if isinstance(expr, Const) and isinstance(expr.type, StringType):
        if wanted in (TIMESTAMP, DURATION):
            return f"write `{wanted}({quote(str(expr.value))})`"
        if is_numeric(wanted) or isinstance(wanted, BoolType):
            return "numbers, true and false are written without quotes"
    return ""


def result_of(operator: str, left: Type, right: Type) -> Type | None:
    """The type of a sum, difference, product, quotient or remainder, or None where there is none."""
    if is_numeric(left) and is_numeric(right):
        whole = isinstance(left, IntType) and isinstance(right, IntType)
        return INT if whole else DECIMAL if operator != "%" else None
    return _CLOCK.get((operator, left, right))


_CLOCK: dict[tuple[str, Type, Type], Type] = {
    ("+", TIMESTAMP, DURATION): TIMESTAMP,
    ("+", DURATION, TIMESTAMP): TIMESTAMP,
    ("-", TIMESTAMP, DURATION): TIMESTAMP,
    ("-", TIMESTAMP, TIMESTAMP): DURATION,
    ("+", DURATION, DURATION): DURATION,
    ("-", DURATION, DURATION): DURATION,
}


def is_key(type_: Type, keys: Sequence[object]) -> bool:
    """Whether values of the type can be found among the keys of a constant map."""
    if isinstance(type_, EnumType):
        return any(value in keys for value in type_.values)
    return all(isinstance(key, _KEYS.get(type(type_), ())) and isinstance(key, bool) == (type_ == BOOL) for key in keys)


_KEYS: dict[type[Type], Any] = {BoolType: bool, IntType: int, DecimalType: int | Decimal, StringType: str}

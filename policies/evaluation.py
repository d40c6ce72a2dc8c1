"""What a formula is worth in a situation, in Kleene's strong three values: true, false and unknown.

Unknown is None. ``&&``, ``||``, ``!`` and ``implies`` follow Kleene (Introduction to Metamathematics, 1952, section
64); ``has()`` is never unknown; a conditional whose test is unknown is known where both branches agree; everything
else is unknown as soon as one of its parts is. So knowing more never changes what was known, ``has()`` excepted.

Numbers are exact: ints are unbounded and decimals are computed as fractions. The depth of a formula is bounded where it
is read (:data:`jurat.policies.cel.MAX_NESTING`), which is what makes the recursion here safe.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, cast

from jurat.policies import expr as e
from jurat.policies.expr import Atom, Expr
from jurat.policies.types import DecimalType, EnumType, IntType, Value
from jurat.policies.values import decimal_of

Look = Callable[[Atom], Value | None]
"""What the situation says of an atom; None is unknown or absent."""

NO_ARGUMENTS: Mapping[str, Value] = {}


def evaluate(expr: Expr, look: Look, arguments: Mapping[str, Value] | None = None) -> Value | None:
    """The value of a formula, or None where it is unknown.

    ``look`` gives atoms their values, ``arguments`` those of the tool call that a guard or constraint is about. A
    decimal result that no finite decimal equals (a third) is unknown too: the caller asked for a value at rest.
    """
    result: Any = _RULES[type(expr)](expr, _Situation(look, arguments or NO_ARGUMENTS))
    if result is not None and isinstance(expr.type, DecimalType):
        result = decimal_of(Fraction(result))
    return cast("Value | None", result)


@dataclass(slots=True)  # not frozen, which would make it slower to make than most formulas are to evaluate
class _Situation:
    look: Look
    arguments: Mapping[str, Value]


def _value(expr: Expr, at: _Situation) -> Any:
    """As :func:`evaluate`, but for decimals that were computed with, which are fractions here."""
    return _RULES[type(expr)](expr, at)


def _const(expr: e.Const, _: _Situation) -> Any:
    return expr.value


def _atom(expr: Atom, at: _Situation) -> Any:
    return at.look(expr)


def _argument(expr: e.Argument, at: _Situation) -> Any:
    return at.arguments.get(expr.name)


def _has(expr: e.Has, at: _Situation) -> bool:
    return _value(expr.of, at) is not None


def _not(expr: e.Not, at: _Situation) -> bool | None:
    value = _value(expr.operand, at)
    return None if value is None else not value


def _and(expr: e.And, at: _Situation) -> bool | None:
    known: bool | None = True
    for operand in expr.operands:
        value = _RULES[type(operand)](operand, at)
        if value is False:
            return False
        if value is None:
            known = None
    return known


def _or(expr: e.Or, at: _Situation) -> bool | None:
    known: bool | None = False
    for operand in expr.operands:
        value = _RULES[type(operand)](operand, at)
        if value is True:
            return True
        if value is None:
            known = None
    return known


def _implies(expr: e.Implies, at: _Situation) -> bool | None:
    left = _value(expr.left, at)
    if left is False:
        return True
    right = _value(expr.right, at)
    return True if right is True else None if left is None else cast("bool | None", right)


def _if(expr: e.If, at: _Situation) -> Any:
    test = _value(expr.test, at)
    if test is not None:
        return _value(expr.then if test else expr.other, at)
    then, other = _value(expr.then, at), _value(expr.other, at)
    return then if then is not None and then == other else None


_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def _compare(expr: e.Compare, at: _Situation) -> bool | None:
    left, right = _value(expr.left, at), _value(expr.right, at)
    if left is None or right is None:
        return None
    kind = expr.left.type if isinstance(expr.left.type, EnumType) else expr.right.type
    if isinstance(kind, EnumType):
        left, right = _place(left, kind), _place(right, kind)
        if left is None or right is None:
            return None
    return _COMPARISONS[expr.operator](left, right)


def _place(value: str, kind: EnumType) -> int | None:
    return kind.values.index(value) if value in kind.values else None


def _in(expr: e.In, at: _Situation) -> bool | None:
    element = _value(expr.element, at)
    if element is None:
        return None
    items = _items(expr.collection, at)
    if items is None:
        return None
    if any(item is not None and item == element for item in items):
        return True
    return None if None in items else False


def _items(expr: Expr, at: _Situation) -> tuple[Any, ...] | None:
    """The elements of a list, those of a written one each known or not."""
    if isinstance(expr, e.ListOf):
        return tuple(_value(item, at) for item in expr.items)
    return cast("tuple[Any, ...] | None", _value(expr, at))


def _list_of(expr: e.ListOf, at: _Situation) -> tuple[Any, ...] | None:
    items = tuple(_value(item, at) for item in expr.items)
    return None if None in items else items


def _size(expr: e.Size, at: _Situation) -> int | None:
    if isinstance(expr.of, e.ListOf):
        return len(expr.of.items)
    value = _value(expr.of, at)
    return None if value is None else len(value)


def _text_test(expr: e.TextTest, at: _Situation) -> bool | None:
    text, part = _value(expr.text, at), _value(expr.part, at)
    if text is None or part is None:
        return None
    if expr.operator == "contains":
        return part in text
    return bool(text.startswith(part) if expr.operator == "startsWith" else text.endswith(part))


def _lookup(expr: e.Lookup, at: _Situation) -> Any:
    index = _value(expr.index, at)
    return None if index is None else next((value for key, value in expr.table if key == index), None)


def _arithmetic(expr: e.Arithmetic, at: _Situation) -> Any:
    left, right = _value(expr.left, at), _value(expr.right, at)
    if left is None or right is None:
        return None
    if isinstance(left, datetime | timedelta):
        return _clock(expr.operator, left, right)
    if isinstance(expr.type, IntType):
        return _whole(expr.operator, left, right)
    return _exact(expr.operator, _fraction(left), _fraction(right))


def _clock(symbol: str, left: Any, right: Any) -> datetime | timedelta | None:
    """Times and durations; a time before year 1 or after 9999 is unknown."""
    try:
        return cast("datetime | timedelta", left + right if symbol == "+" else left - right)
    except OverflowError:
        return None


def _whole(symbol: str, left: int, right: int) -> int | None:
    if symbol in "/%":
        return _truncated(symbol, left, right) if right else None
    return cast("int", _OPERATIONS[symbol](left, right))


def _truncated(symbol: str, left: int, right: int) -> int:
    quotient = abs(left) // abs(right)
    quotient = quotient if (left < 0) == (right < 0) else -quotient
    return quotient if symbol == "/" else left - quotient * right


def _exact(symbol: str, left: Fraction, right: Fraction) -> Fraction | None:
    if symbol == "/" and not right:
        return None
    return cast("Fraction", _OPERATIONS[symbol](left, right))


def _fraction(number: int | Decimal | Fraction) -> Fraction:
    return number if isinstance(number, Fraction) else Fraction(number)


_OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
}  # fmt: skip

_RULES: dict[type[Expr], Callable[[Any, _Situation], Any]] = {
    e.Const: _const,
    e.Fact: _atom,
    e.Observation: _atom,
    e.Event: _atom,
    e.History: _atom,
    e.JourneyActive: _atom,
    e.JourneyState: _atom,
    e.Argument: _argument,
    e.Has: _has,
    e.Not: _not,
    e.And: _and,
    e.Or: _or,
    e.Implies: _implies,
    e.If: _if,
    e.Compare: _compare,
    e.In: _in,
    e.ListOf: _list_of,
    e.Arithmetic: _arithmetic,
    e.Size: _size,
    e.TextTest: _text_test,
    e.Lookup: _lookup,
}

"""Comparisons of two values, each a constant or a scale, as literals; and what is too much for propositional logic."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from jurat.policies.expr import TextTest
from jurat.policies.types import EnumType, IntType, Type, Value
from jurat.solver.sat.clauses import FALSE, TRUE, Clauses
from jurat.solver.sat.scales import Scale, compared

Leaf = Scale | Value
Cases = list[tuple[int, Leaf]]
"""What a value is, and when; where it is unknown no case holds, and where several hold they agree."""

SPREAD = 64
"""Values that a type may have for two values of it to be compared one by one."""

LAST_CHARACTER = chr(0x10FFFF)


class OutsideError(Exception):
    """No finite number of cut points decides this."""


def holds(clauses: Clauses, symbol: str, left: Leaf, right: Leaf, kind: Type) -> int:
    """Whether a comparison of two values of a kind holds.

    Raises:
        OutsideError: both vary, over more values than can be tried.
    """
    if isinstance(left, Scale):
        return _both(clauses, symbol, left, right) if isinstance(right, Scale) else _one(symbol, left, right)
    if isinstance(right, Scale):
        return _one(_TURNED[symbol], right, left)
    if isinstance(kind, EnumType) and symbol not in ("==", "!="):
        left, right = kind.values.index(str(left)), kind.values.index(str(right))
    return TRUE if _COMPARISONS[symbol](left, right) else FALSE


def _one(symbol: str, scale: Scale, value: Value) -> int:
    try:
        return compared(symbol, scale, value)
    except ValueError:  # an enum that does not have it is different from it
        return FALSE if symbol == "==" else TRUE


def _both(clauses: Clauses, symbol: str, left: Scale, right: Scale) -> int:
    if left is right:
        return TRUE if symbol in ("==", "<=", ">=") else FALSE
    if symbol in (">", ">="):
        return _both(clauses, _TURNED[symbol], right, left)
    if symbol == "<":
        return _less(clauses, left, right)
    if symbol == "<=":
        return -_less(clauses, right, left)
    same = clauses.all_of((-_less(clauses, left, right), -_less(clauses, right, left)))
    return same if symbol == "==" else -same


def _less(clauses: Clauses, left: Scale, right: Scale) -> int:
    """Some point is reached by the right one and not by the left one."""
    points = sorted({*_points(left), *_points(right)})
    return clauses.any_of([clauses.all_of((right.reached(point), -left.reached(point))) for point in points])


def spread(clauses: Clauses, cases: Cases) -> Iterator[tuple[int, Value]]:
    """The same cases, with each value of a scale a case of its own.

    Raises:
        OutsideError: there are too many values.
    """
    for known, value in cases:
        if isinstance(value, Scale):
            for each in _values(value):
                yield clauses.all_of((known, compared("==", value, each))), each
        else:
            yield known, value


def _values(scale: Scale) -> Iterable[Value]:
    points = _points(scale)
    return [scale.type.values[point] for point in points] if isinstance(scale.type, EnumType) else points


def _points(scale: Scale) -> list[int]:
    if not isinstance(scale.type, IntType | EnumType) or scale.low is None or scale.high is None:
        raise OutsideError
    if scale.high - scale.low >= SPREAD:
        raise OutsideError
    return list(range(scale.low, scale.high + 1))


def tested(clauses: Clauses, expr: TextTest, text: Leaf, part: Leaf) -> int:
    """Whether a text starts with, ends with or contains a constant one.

    Raises:
        OutsideError: the order of texts does not say.
    """
    if not isinstance(part, str):
        raise OutsideError
    if not isinstance(text, Scale):
        return TRUE if _tests(expr.operator, str(text), part) else FALSE
    if isinstance(text.type, EnumType):
        found = [value for value in text.type.values if _tests(expr.operator, value, part)]
        return clauses.any_of([compared("==", text, value) for value in found])
    if expr.operator != "startsWith":
        raise OutsideError
    return clauses.all_of((text.reached(part), -_beyond(text, part)))


def _tests(symbol: str, text: str, part: str) -> bool:
    if symbol == "contains":
        return part in text
    return text.startswith(part) if symbol == "startsWith" else text.endswith(part)


def _beyond(scale: Scale, part: str) -> int:
    """Whether a text comes after every text that starts with ``part``."""
    stem = part.rstrip(LAST_CHARACTER)
    return scale.reached(stem[:-1] + chr(ord(stem[-1]) + 1)) if stem else FALSE


_TURNED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip

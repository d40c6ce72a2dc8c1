"""The types of facts, decisions and tool arguments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class BoolType:
    def __str__(self) -> str:
        return "bool"


@dataclass(frozen=True, slots=True)
class IntType:
    """Unbounded integers, or those between ``min`` and ``max``, both included."""

    min: int | None = None
    max: int | None = None

    def __str__(self) -> str:
        return "int" + _bounds(self.min, self.max)


@dataclass(frozen=True, slots=True)
class DecimalType:
    """Exact decimals, or those between ``min`` and ``max``, both included."""

    min: Decimal | None = None
    max: Decimal | None = None

    def __str__(self) -> str:
        return "decimal" + _bounds(self.min, self.max)


@dataclass(frozen=True, slots=True)
class StringType:
    def __str__(self) -> str:
        return "string"


@dataclass(frozen=True, slots=True)
class EnumType:
    """One of ``values``; only an ordered enum can be compared with ``<``, by place in the list."""

    values: tuple[str, ...]
    ordered: bool = False

    def __str__(self) -> str:
        return ("ordered enum " if self.ordered else "enum ") + "{" + ", ".join(self.values) + "}"


@dataclass(frozen=True, slots=True)
class TimestampType:
    def __str__(self) -> str:
        return "timestamp"


@dataclass(frozen=True, slots=True)
class DurationType:
    def __str__(self) -> str:
        return "duration"


@dataclass(frozen=True, slots=True)
class ListType:
    """A list, or with ``unique`` a set, of values of one type."""

    element: ScalarType
    unique: bool = False

    def __str__(self) -> str:
        return f"{'set' if self.unique else 'list'} of {self.element}"


ScalarType = BoolType | IntType | DecimalType | StringType | EnumType | TimestampType | DurationType
Type = ScalarType | ListType

Scalar = bool | int | Decimal | str | datetime | timedelta
Value = Scalar | tuple[Scalar, ...]
"""A value at rest: decimals as :class:`~decimal.Decimal`, timestamps with a zone, lists as tuples (sets sorted)."""

BOOL, INT, DECIMAL, STRING = BoolType(), IntType(), DecimalType(), StringType()
TIMESTAMP, DURATION = TimestampType(), DurationType()


def is_numeric(type_: Type) -> bool:
    """Whether one can calculate with it: ints and decimals."""
    return isinstance(type_, IntType | DecimalType)


def is_ordered(type_: Type) -> bool:
    """Whether ``<`` means something between two values of the type."""
    if isinstance(type_, EnumType):
        return type_.ordered
    return isinstance(type_, IntType | DecimalType | TimestampType | DurationType | StringType)


def _bounds(low: int | Decimal | None, high: int | Decimal | None) -> str:
    if low is None and high is None:
        return ""
    return (
        f" {'..' if low is None else low}{'' if low is None or high is None else '..'}{'..' if high is None else high}"
    )

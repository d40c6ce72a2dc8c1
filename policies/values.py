"""Values at rest: read from YAML, JSON or Python, written as CEL or as JSON."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from jurat.policies.diagnostics import near_miss
from jurat.policies.limits import NUMBER_DIGITS
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

MICROSECONDS: dict[str, int | Fraction] = {
    "h": 3_600_000_000, "m": 60_000_000, "s": 1_000_000, "ms": 1_000, "us": 1, "µs": 1, "ns": Fraction(1, 1000),
}  # fmt: skip

_TOO_LONG = 10**NUMBER_DIGITS
_DECIMAL = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_DURATION = re.compile(r"[+-]?(?:\d+(?:\.\d+)?(?:h|ms|us|µs|ns|m|s))+", re.ASCII)
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(h|ms|us|µs|ns|m|s)", re.ASCII)
_ISO_DURATION = re.compile(
    r"[+-]?P(?=.)(?:(?P<days>\d+)D)?(?:T(?=.)(?:(?P<h>\d+)H)?(?:(?P<m>\d+)M)?(?:(?P<s>\d+(?:\.\d+)?)S)?)?", re.ASCII
)
_TIMESTAMP = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.(?P<fraction>\d+))?(?P<zone>[Zz]|[+-]\d\d:\d\d)?", re.ASCII
)


def parse_value(raw: object, type_: Type) -> Value:
    """The value of a type that ``raw``, as YAML, JSON or Python give it, stands for.

    Raises :class:`ValueError` with the reason, on one line, where it stands for none. Timestamps need a zone and are
    kept in UTC; sets are sorted and without repetition.
    """
    return _parse_list(raw, type_) if isinstance(type_, ListType) else _parse_scalar(raw, type_)


def show_value(value: Value, type_: Type | None = None) -> str:
    """The value as CEL; a whole number of type decimal keeps its ``.0``."""
    if isinstance(value, tuple):
        element = type_.element if isinstance(type_, ListType) else None
        return "[" + ", ".join(show_value(item, element) for item in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and not isinstance(type_, DecimalType):
        return str(value)
    if isinstance(value, int | Decimal):
        return show_decimal(Decimal(value))
    if isinstance(value, datetime):
        return f'timestamp("{show_timestamp(value)}")'
    return f'duration("{show_duration(value)}")' if isinstance(value, timedelta) else quote(value)


def jsonable(value: Value) -> Any:
    """The value for :mod:`json`; decimals, times and durations as the strings that :func:`parse_value` reads."""
    if isinstance(value, tuple):
        return [jsonable(item) for item in value]
    if isinstance(value, Decimal):
        return show_decimal(value)
    if isinstance(value, datetime):
        return show_timestamp(value)
    return show_duration(value) if isinstance(value, timedelta) else value


def decimal_of(number: Fraction) -> Decimal | None:
    """The decimal equal to a fraction, or None where none is."""
    rest, twos, fives = number.denominator, 0, 0
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    if rest != 1:
        return None
    places = max(twos, fives)
    digits = abs(number.numerator) * 10**places // number.denominator
    return Decimal((int(number < 0), _digits(digits), -places))


def quote(text: str) -> str:
    """The text as a CEL string literal on one line."""
    return '"' + "".join(_ESCAPES.get(char) or (char if char.isprintable() else _escape(char)) for char in text) + '"'


def journey_name(journey: str, what: str) -> str:
    """How formulas name a journey's ``active`` or ``state``: with its id after a point, or in brackets if it is no name."""
    return f"journey.{journey}.{what}" if _NAME.fullmatch(journey) else f"journey[{quote(journey)}].{what}"


def show_decimal(number: Decimal) -> str:
    """Plain digits with a point and no needless zeros: ``500.0``, ``0.25``."""
    whole, _, fraction = f"{number:f}".partition(".")
    sign = "" if number else "-" if whole.startswith("-") else ""
    return f"{whole.lstrip('-') if sign else whole if number else '0'}.{fraction.rstrip('0') or '0'}"


def show_timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC: ``2026-01-31T12:00:00Z``."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def show_duration(length: timedelta) -> str:
    """Hours, minutes and seconds, the largest first: ``36h``, ``1h30m``, ``0.5s``."""
    total = length // timedelta(microseconds=1)
    seconds, micros = divmod(abs(total), 1_000_000)
    hours, minutes, seconds = seconds // 3600, seconds // 60 % 60, seconds % 60
    fraction = f".{micros:06d}".rstrip("0") if micros else ""
    parts = (
        f"{hours}h" if hours else "",
        f"{minutes}m" if minutes else "",
        f"{seconds}{fraction}s" if seconds or micros else "",
    )
    return ("-" if total < 0 else "") + ("".join(parts) or "0s")


def read_timestamp(text: str) -> datetime:
    """RFC 3339 with a zone; raises :class:`ValueError` with the reason."""
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        raise ValueError(f"`{text}` is not a timestamp such as `2026-01-31T12:00:00Z`")
    if match["zone"] is None:
        raise ValueError(f"`{text}` has no time zone, write `{text}Z` for UTC")
    if len(match["fraction"] or "") > 6:
        raise ValueError(f"`{text}` is finer than a microsecond")
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"`{text}` is not a moment of the calendar") from None


def read_duration(text: str) -> timedelta:
    """``36h``, ``1h30m``, ``1.5s`` or ISO 8601 in days and less; raises :class:`ValueError` with the reason."""
    micros = _duration_parts(text)
    if micros is None:
        days = re.fullmatch(r"(\d{1,9})\s*d(?:ays?)?", text, re.ASCII)
        hint = f", write `{int(days[1]) * 24}h`" if days else ""
        raise ValueError(f"`{text}` is not a duration such as `36h`, `1h30m` or `15s`{hint}")
    if micros.denominator != 1:
        raise ValueError(f"`{text}` is finer than a microsecond")
    try:
        return timedelta(microseconds=int(micros)) * (-1 if text.startswith("-") else 1)
    except OverflowError:
        raise ValueError(f"`{text}` is too long a duration") from None


def read_decimal(text: str) -> Decimal:
    """An exact decimal; raises :class:`ValueError` with the reason."""
    if not _DECIMAL.fullmatch(text):
        raise ValueError(f"`{_shorten(text)}` is not a decimal number")
    mantissa, _, exponent = text.lower().partition("e")
    if (
        len(mantissa) + (abs(int(exponent)) if len(exponent) < 6 and exponent else 10 ** len(exponent) - 1)
        > NUMBER_DIGITS
    ):
        raise ValueError(f"`{_shorten(text)}` has more than {NUMBER_DIGITS} digits")
    return Decimal(text)


def _parse_list(raw: object, type_: ListType) -> Value:
    if not isinstance(raw, list | tuple | set | frozenset):
        raise ValueError(f"{_named(raw)} is not a {'set' if type_.unique else 'list'}")  # noqa: TRY004 - bad input, one class
    items = [_parse_scalar(item, type_.element) for item in raw]
    if not type_.unique:
        return tuple(items)
    return tuple(sorted(set(items), key=_sort_key(type_.element)))


def _sort_key(element: Type) -> Callable[[Any], Any]:
    return element.values.index if isinstance(element, EnumType) else lambda item: item


def _parse_scalar(raw: object, type_: Type) -> Scalar:
    reader, noun = _READERS[type(type_)]
    value = reader(raw, type_)
    if value is None:
        raise ValueError(f"{_named(raw)} is not {noun}")
    return value


def _bool(raw: object, _: BoolType) -> bool | None:
    return raw if isinstance(raw, bool) else None


def _int(raw: object, type_: IntType) -> int | None:
    if isinstance(raw, bool) or not isinstance(raw, int):
        return None
    _check_length(raw)
    _check_range(raw, type_)
    return raw


def _check_length(number: int) -> None:
    if abs(number) >= _TOO_LONG:
        raise ValueError(f"a number has more than {NUMBER_DIGITS} digits")


def _decimal(raw: object, type_: DecimalType) -> Decimal | None:
    if isinstance(raw, bool) or not isinstance(raw, int | float | str | Decimal):
        return None
    if isinstance(raw, int):
        _check_length(raw)
    value = read_decimal(repr(raw) if isinstance(raw, float) else str(raw))
    _check_range(value, type_)
    return value


def _check_range(value: int | Decimal, type_: IntType | DecimalType) -> None:
    if type_.min is not None and value < type_.min:
        raise ValueError(f"`{value}` is less than {type_.min}")
    if type_.max is not None and value > type_.max:
        raise ValueError(f"`{value}` is more than {type_.max}")


def _string(raw: object, _: StringType) -> str | None:
    return raw if isinstance(raw, str) else None


def _enum(raw: object, type_: EnumType) -> str | None:
    if not isinstance(raw, str):
        return None
    if raw not in type_.values:
        raise ValueError(not_a_member(raw, type_) + (f", {hint}" if (hint := near_miss(raw, type_.values)) else ""))
    return raw


def not_a_member(text: str, type_: EnumType) -> str:
    """The reason why a text is no value of an enum."""
    shown = ", ".join(f"`{value}`" for value in type_.values[:8]) + (", …" if len(type_.values) > 8 else "")
    return f"`{_shorten(text)}` is not one of {shown}"


def _timestamp(raw: object, _: TimestampType) -> datetime | None:
    if isinstance(raw, datetime):
        return read_timestamp(raw.isoformat())
    return read_timestamp(raw) if isinstance(raw, str) else None


def _duration(raw: object, _: DurationType) -> timedelta | None:
    return raw if isinstance(raw, timedelta) else read_duration(raw) if isinstance(raw, str) else None


_READERS: dict[type[Type], tuple[Callable[[Any, Any], Scalar | None], str]] = {
    BoolType: (_bool, "true or false"),
    IntType: (_int, "a whole number"),
    DecimalType: (_decimal, "a decimal number"),
    StringType: (_string, "a text"),
    EnumType: (_enum, "a text"),
    TimestampType: (_timestamp, "a timestamp such as `2026-01-31T12:00:00Z`"),
    DurationType: (_duration, "a duration such as `36h`, `1h30m` or `15s`"),
}


def _duration_parts(text: str) -> Fraction | None:
    """The length in microseconds, without its sign."""
    if _DURATION.fullmatch(text):
        return sum((Fraction(n) * MICROSECONDS[unit] for n, unit in _DURATION_PART.findall(text)), Fraction(0))
    match = _ISO_DURATION.fullmatch(text)
    if match is None:
        return None
    lengths = (Fraction(match[unit] or 0) * MICROSECONDS[unit] for unit in ("h", "m", "s"))
    return sum(lengths, int(match["days"] or 0) * 24 * Fraction(MICROSECONDS["h"]))


def _digits(number: int) -> tuple[int, ...]:
    """Decimal digits, without Python's limit on how long a number may be printed."""
    digits = [number % 10]
    while number := number // 10:
        digits.append(number % 10)
    return tuple(reversed(digits))


_NAME = re.compile(r"[_a-zA-Z][_a-zA-Z0-9]*")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _escape(char: str) -> str:
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"


def _named(raw: object) -> str:
    if isinstance(raw, bool):
        return f"`{str(raw).lower()}`"
    return "nothing" if raw is None else f"`{_shorten(str(raw))}`"


def _shorten(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "…"

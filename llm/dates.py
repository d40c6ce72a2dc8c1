"""Dates and times as people write them, where they leave no doubt; in ISO 8601.

A date without its year, `tomorrow`, and 3/4/2026, which countries read differently, are none: which day is meant would be a
guess.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, time

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|"
    r"nov(?:ember)?|dec(?:ember)?)\.?"
)
_DAY = r"(\d{1,2})(?:st|nd|rd|th)?"
_YEAR_FIRST = re.compile(r"(?<!\d)(\d{4})(?:[-/.](\d{1,2})[-/.]|\s?[年년]\s?(\d{1,2})\s?[月월]\s?)(\d{1,2})(?!\d)")
_DAY_FIRST = re.compile(r"(?<!\d)(\d{1,2})\. ?(\d{1,2})\. ?(\d{4})(?!\d)")
_SLASHED = re.compile(r"(?<!\d)(\d{1,2})[/-](\d{1,2})[/-](\d{4})(?!\d)")
_IN_WORDS = re.compile(rf"(?<![\w.]){_DAY}(?: of)? {_MONTH},? (\d{{4}})(?!\d)|\b{_MONTH} {_DAY},? (\d{{4}})(?!\d)")
_CLOCK = re.compile(r"(?<![\d:.])(\d{1,2})(?::(\d\d)(?::(\d\d))?)?\s?(a\.?m\b|p\.?m\b)?(?![\d:])")
_KOREAN = re.compile(r"(오전|오후)\s?(\d{1,2})시(?:\s?(\d{1,2})분)?")


def dates_in(text: str) -> frozenset[str]:
    """The days that a text, in small letters, names."""
    return frozenset(each.isoformat() for parts in _dates(text) if (each := _date(*parts)) is not None)


def times_in(text: str) -> frozenset[str]:
    """The times of day that a text, in small letters, names, to the second."""
    return frozenset(each.isoformat() for parts in _times(text) if (each := _time(*parts)) is not None)


def _dates(text: str) -> Iterator[tuple[int, int, int]]:
    for year, plain, counted, day in _YEAR_FIRST.findall(text):
        yield int(year), int(plain or counted), int(day)
    for day, month, year in _DAY_FIRST.findall(text):
        yield int(year), int(month), int(day)
    for first, second, year in _SLASHED.findall(text):
        if first == second or int(second) > 12:
            yield int(year), int(first), int(second)
        elif int(first) > 12:
            yield int(year), int(second), int(first)
    for day, month, year, month_first, day_second, year_last in _IN_WORDS.findall(text):
        yield int(year or year_last), _MONTHS.index((month or month_first)[:3]) + 1, int(day or day_second)


def _times(text: str) -> Iterator[tuple[int, int, int]]:
    for hour, minute, second, half in _CLOCK.findall(text):
        if minute or half:
            yield _hour(int(hour), half[:1]), int(minute or 0), int(second or 0)
    for half, hour, minute in _KOREAN.findall(text):
        yield _hour(int(hour), {"오전": "a", "오후": "p"}[half]), int(minute or 0), 0


def _hour(hour: int, half: str) -> int:
    return hour if not half else hour % 12 + (12 if half == "p" else 0)


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _time(hour: int, minute: int, second: int) -> time | None:
    try:
        return time(hour, minute, second)
    except ValueError:
        return None

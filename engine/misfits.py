"""Why an argument does not fit, in the words of those who are asked for it again: no types, and no names of classes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_WANTED = (
    ("int_", "a whole number"),
    ("float_", "a number"),
    ("decimal_", "a number"),
    ("finite_number", "a number"),
    ("bool_", "true or false"),
    ("string_type", "a text"),
    ("date_", "a date such as 2026-01-31"),
    ("datetime_", "a date and time such as 2026-01-31 12:00"),
    ("timezone_", "a date and time such as 2026-01-31 12:00"),
    ("time_delta_", "a length of time such as 01:30:00"),
    ("time_", "a time such as 12:00"),
    ("uuid_", "an id such as 12345678-1234-5678-1234-567812345678"),
    ("url_", "a web address"),
    ("list_", "a list"),
    ("set_", "a list"),
    ("frozen_set_", "a list"),
    ("tuple_", "a list"),
    ("iterable_", "a list"),
    ("dict_", "a group of named values"),
    ("model_", "a group of named values"),
    ("dataclass_", "a group of named values"),
    ("mapping_", "a group of named values"),
)
"""By how pydantic's name of the error begins."""

_TOLD_BY_PYDANTIC = ("decimal_max_digits", "decimal_max_places", "decimal_whole_digits", "date_past", "date_future",
                     "datetime_past", "datetime_future")  # fmt: skip
"""Errors that begin so and say something of their own, in plain words."""

_ABOUT_THE_INPUT = re.compile(r"^(?:Value error, |Assertion failed, |(?:Input|Value|[A-Z]\w+) should )")
_QUOTED = re.compile(r"'([^']*)'")


def reason_of(error: Mapping[str, Any]) -> str:
    """What is wrong, of one of pydantic's errors."""
    kind, within = str(error["type"]), error["loc"][1:]
    if kind == "extra_forbidden":
        return f"it has no `{within[-1]}`" if within else "the tool has no such parameter"
    if kind == "missing":
        return f"its `{within[-1]}` is missing" if within else "it is missing"
    if kind in ("enum", "literal_error"):
        return "it should be " + _QUOTED.sub(r"`\1`", str(error["ctx"]["expected"]))
    if kind == "string_pattern_mismatch":
        return f"it should be of the form `{error['ctx']['pattern']}`"
    if kind.startswith("is_"):  # an instance of a class that nobody who is asked knows
        return "it cannot be used"
    if kind not in _TOLD_BY_PYDANTIC:
        for start, wanted in _WANTED:
            if kind.startswith(start):
                return f"it should be {wanted}"
    return _rest(str(error["msg"]))


def _rest(text: str) -> str:
    found = _ABOUT_THE_INPUT.match(text)
    told = text[found.end() :] if found else text
    should = "it should " if found and found[0].endswith("should ") else ""
    return should + told.replace(" after validation", "").rstrip(".")

"""What comes from outside, made such that every store can keep it and every client can read it.

Half a character (a surrogate without its pair, such as a service leaves that cuts a text within an emoji) is no text of Unicode, and
NaN and the infinities are no numbers of JSON. Both are replaced where they enter; what goes out is well-formed whatever entered.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

HALF = re.compile("[\ud800-\udfff]")
REPLACED = "\N{REPLACEMENT CHARACTER}"
"""What stands for half a character."""


def whole(text: str) -> str:
    """The text with its characters whole: two halves that belong together are one, and any other is replaced."""
    if text.isascii() or not HALF.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def clean(value: Any) -> Any:
    """A value with its texts whole and, for each number that JSON lacks, None; mappings, lists and their like are copied."""
    if isinstance(value, str):
        return whole(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {clean(key): clean(each) for key, each in value.items()}
    if type(value) in (list, tuple, set, frozenset):
        return type(value)(map(clean, value))
    return value


def json_text(value: Any) -> str:
    """The value as JSON that every reader takes, for a client.

    Raises:
        TypeError: JSON cannot say it.
        ValueError: it holds itself, or a number too long to be written.
        RecursionError: it is nested too deeply.
    """
    return whole(_dumped(value, ascii_=False))


def document(value: Any) -> str:
    """As :func:`json_text`, for a store: in ASCII, and without needless space.

    Raises:
        As :func:`json_text`.
    """
    return _dumped(value, ascii_=True)


def _dumped(value: Any, *, ascii_: bool) -> str:
    separators = (",", ":") if ascii_ else None
    try:
        return json.dumps(value, ensure_ascii=ascii_, separators=separators, allow_nan=False)
    except ValueError:
        return json.dumps(clean(value), ensure_ascii=ascii_, separators=separators, allow_nan=False)

"""Values of Python as texts of JSON and back, so that what is loaded equals what was saved, types included.

What JSON has stands for itself, and a tuple is an array. All else is an object with one key that says what it is:
``{"$decimal": "1.50"}``. Texts are ASCII, so that no character of a customer is one that a database refuses.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from jurat.engine.errors import StoreError
from jurat.engine.session import Moment
from jurat.engine.wellformed import document
from jurat.llm import Message

CLASSES: dict[str, type[Any]] = {each.__name__: each for each in (Message, Moment)}
"""The classes of values that a session may hold, by name; a new one is added here."""

_MICROSECOND = timedelta(microseconds=1)


def text_of(value: Any) -> str:
    """The value as a text.

    Raises:
        StoreError: it holds something that cannot be stored.
    """
    return stored(encoded(value))


def stored(content: Any) -> str:
    """What JSON has, as a text.

    Raises:
        StoreError: it holds something that JSON has not, or too much of it.
    """
    try:
        return document(content)
    except (TypeError, ValueError, RecursionError) as reason:
        raise StoreError(f"something cannot be stored: {reason}") from reason


def value_of(text: str) -> Any:
    """What :func:`text_of` was given."""
    return decoded(json.loads(text))


def encoded(value: Any) -> Any:
    """The value as what JSON has."""
    if isinstance(value, float) and not math.isfinite(value):
        return {"$float": str(value)}
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, tuple):
        return [encoded(each) for each in value]
    if isinstance(value, Mapping):
        return _mapping(value)
    return _tagged(value)


def _mapping(value: Mapping[Any, Any]) -> Any:
    if all(isinstance(key, str) and not key.startswith("$") for key in value):
        return {key: encoded(each) for key, each in value.items()}
    return {"$map": [[encoded(key), encoded(each)] for key, each in value.items()]}


def _tagged(value: Any) -> dict[str, Any]:
    if isinstance(value, list | set | frozenset):
        items = value if isinstance(value, list) else sorted(value, key=repr)
        return {f"${type(value).__name__}": [encoded(each) for each in items]}
    if isinstance(value, Decimal):
        return {"$decimal": str(value)}
    if isinstance(value, datetime):
        return {"$datetime": value.isoformat()}
    if isinstance(value, date):
        return {"$date": value.isoformat()}
    if isinstance(value, timedelta):
        return {"$duration": value // _MICROSECOND}
    name = type(value).__name__
    if is_dataclass(value) and CLASSES.get(name) is type(value):
        return {f"${name}": {each.name: encoded(getattr(value, each.name)) for each in fields(value)}}
    raise StoreError(f"`{value!r:.80}` cannot be stored; only texts, numbers, times and collections of them can")


def decoded(value: Any) -> Any:
    """What :func:`encoded` was given."""
    if isinstance(value, list):
        return tuple(decoded(each) for each in value)
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        (name, content), *_ = value.items()
        if name.startswith("$"):
            return _untagged(name[1:], content)
    return {key: decoded(each) for key, each in value.items()}


def _untagged(name: str, content: Any) -> Any:
    if name in CLASSES:
        return CLASSES[name](**{key: decoded(each) for key, each in content.items()})
    return _READERS[name](content)


_READERS: dict[str, Callable[[Any], Any]] = {
    "map": lambda content: {decoded(key): decoded(each) for key, each in content},
    "list": lambda content: [decoded(each) for each in content],
    "set": lambda content: {decoded(each) for each in content},
    "frozenset": lambda content: frozenset(decoded(each) for each in content),
    "decimal": Decimal,
    "float": float,
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "duration": lambda content: timedelta(microseconds=content),
}

"""A policy's sections as YAML text, and what stands on each of its lines.

Plain where every reader of YAML agrees on what a plain text is, in double quotes elsewhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from jurat.policies.values import show_decimal

Path = tuple[str | int, ...]
"""The keys and places in lists that lead to a part of a policy."""


class Text(str):
    """A text that stands for itself where a policy file would take the word for something else, as `any` of what a tool provides."""

    __slots__ = ()


_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_ ./'?!();+<>=&|\"-]*(?<! )")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
_IN_BRACKETS = 100
"""How long a list is at most that stands on one line."""


@dataclass(frozen=True, slots=True)
class Emitted:
    """A text, and for each of its lines the path of what stands there."""

    text: str
    paths: tuple[Path, ...]


def emit(sections: Mapping[str, Any]) -> Emitted:
    """The sections as one document."""
    lines = list(_fields(sections, (), 0))
    return Emitted("".join(f"{line}\n" for line, _ in lines), tuple(path for _, path in lines))


def scalar(value: Any) -> str:
    """A text, number, truth value or nothing as YAML."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return show_decimal(value)
    if isinstance(value, int):
        return str(value)
    if _PLAIN.fullmatch(value) and value.lower() not in _WORDS and not isinstance(value, Text):
        return str(value)
    return (
        json.dumps(value, ensure_ascii=False).replace("\u2028", "\\L").replace("\u2029", "\\P").replace("\x85", "\\N")
    )


_Lines = Iterator[tuple[str, Path]]


def _fields(fields: Mapping[str, Any], path: Path, depth: int) -> _Lines:
    for key, value in fields.items():
        yield from _entry(f"{'  ' * depth}{scalar(key)}:", value, (*path, key), depth + 1)


def _entry(head: str, value: Any, path: Path, depth: int) -> _Lines:
    """A value after what introduces it: on the same line where it fits there, else below."""
    short = _on_one_line(value)
    if short is not None:
        yield f"{head} {short}", path
        return
    yield head, path
    yield from _fields(value, path, depth) if isinstance(value, Mapping) else _items(value, path, depth)


def _items(items: list[Any], path: Path, depth: int) -> _Lines:
    for number, item in enumerate(items):
        here = (*path, number)
        short = _on_one_line(item)
        if short is not None:
            yield f"{'  ' * depth}- {short}", here
            continue
        lines = list(_fields(item, here, 0) if isinstance(item, Mapping) else _items(item, here, 0))
        for place, (line, where) in enumerate(lines):
            yield f"{'  ' * depth}{'- ' if place == 0 else '  '}{line}", where


def _on_one_line(value: Any) -> str | None:
    if isinstance(value, Mapping):
        return "{}" if not value else None
    if not isinstance(value, list):
        return scalar(value)
    if any(isinstance(item, Mapping | list) for item in value):
        return None
    text = f"[{', '.join(map(scalar, value))}]"
    return text if len(text) <= _IN_BRACKETS else None

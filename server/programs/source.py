"""Python's text for values and calls, wrapped where a line would be too long."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

COLUMNS = 110


@dataclass(frozen=True, slots=True)
class Name:
    """Something that stands for itself: a variable, a type."""

    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """A call, with its arguments as values or as further texts."""

    function: str
    arguments: Sequence[Any] = ()
    named: Mapping[str, Any] = field(default_factory=dict)


def shown(value: Any, depth: int = 0, used: int = 0) -> str:
    """The value as Python, at a depth of indentation; ``used`` columns of its first line are taken."""
    flat = _flat(value)
    if (
        len(flat) + used + 4 * depth <= COLUMNS
        or not isinstance(value, Call | list | tuple | dict)
        or not _parts(value)
    ):
        return flat
    opened, closed = _brackets(value)
    lines = [f"{'    ' * (depth + 1)}{key}{shown(each, depth + 1, len(key) + 1)},\n" for key, each in _parts(value)]
    return f"{opened}\n{''.join(lines)}{'    ' * depth}{closed}"


def _flat(value: Any) -> str:
    if isinstance(value, Call | list | tuple | dict):
        opened, closed = _brackets(value)
        inner = ", ".join(f"{key}{_flat(each)}" for key, each in _parts(value))
        return f"{opened}{inner}{',' if isinstance(value, tuple) and len(value) == 1 else ''}{closed}"
    if isinstance(value, Name):
        return value.text
    if isinstance(value, Decimal):
        return f'Decimal("{value}")'
    return _quoted(value) if isinstance(value, str) else repr(value)


def _brackets(value: Any) -> tuple[str, str]:
    if isinstance(value, Call):
        return f"{value.function}(", ")"
    if isinstance(value, dict):
        return "{", "}"
    return ("[", "]") if isinstance(value, list) else ("(", ")")


def _parts(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, Call):
        return [*(("", each) for each in value.arguments), *((f"{name}=", each) for name, each in value.named.items())]
    if isinstance(value, dict):
        return [(f"{_flat(key)}: ", each) for key, each in value.items()]
    return [("", each) for each in value]


def _quoted(text: str) -> str:
    plain = repr(text)
    return f'"{plain[1:-1]}"' if plain[0] == "'" and '"' not in text else plain


class Names:
    """Variables for ids, each once."""

    def __init__(self, *taken: str) -> None:
        self._taken = set(taken)
        self._given: dict[tuple[str, str], str] = {}

    def of(self, kind: str, id_: str) -> str:
        """The variable of something."""
        if (kind, id_) not in self._given:
            self._given[kind, id_] = self._free(kind, re.sub(r"\W+", "_", id_).strip("_") or kind)
        return self._given[kind, id_]

    def _free(self, kind: str, wanted: str) -> str:
        plain = wanted if wanted.isidentifier() and not keyword.iskeyword(wanted) else f"{kind}_{wanted}"
        found, number = plain, 1
        while found in self._taken:
            number += 1
            found = f"{kind}_{wanted}" if number == 2 and plain == wanted else f"{plain}_{number}"
        self._taken.add(found)
        return found

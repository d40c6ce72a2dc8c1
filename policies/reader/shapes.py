"""What a value of a policy file may look like: a mapping with known fields, a list, a text, a name, a flag."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator
from typing import Never, TypeVar

from jurat.policies.reader.faults import Faults
from jurat.policies.reader.nodes import Fields, Items, Node, Scalar

ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")
STATE_ID = re.compile(rf"{ID.pattern}(\.{ID.pattern})*")
"""A state's id may have parts joined by dots, as the plain states of questions and inner journeys have."""
_SWITCHES = {"yes": "true", "y": "true", "on": "true", "no": "false", "n": "false", "off": "false"}
_LISTED = 12
Absent = Never | None  # noqa: RUF020 - plain `None` would forbid to return what `wrong` gives
Word = TypeVar("Word", bound=str)


def fields_of(faults: Faults, node: Node, allowed: Collection[str], what: str) -> dict[str, Node]:
    """The fields of a mapping, unknown ones reported and left out; nothing at all is an empty mapping."""
    return {key.text: value for key, value in _known(faults, node, allowed, what)}


def _known(faults: Faults, node: Node, allowed: Collection[str], what: str) -> Iterator[tuple[Scalar, Node]]:
    for key, value in entries_of(faults, node, what):
        if key.text in allowed:
            yield key, value
        else:
            unknown_field(faults, key, allowed, what)


def unknown_field(faults: Faults, key: Scalar, allowed: Collection[str], what: str) -> None:
    """Report a name that is no field there."""
    advice = faults.near_miss(key.text, allowed) or f"its fields are {enumeration(allowed)}"
    faults.at(key, "P301", f"`{key.text}` is not a field of {what}", help=advice)


def entries_of(faults: Faults, node: Node, what: str) -> list[tuple[Scalar, Node]]:
    """Keys and values of a mapping whose keys the author chose."""
    if isinstance(node, Fields):
        return list(node.entries.values())
    if not is_mapping(node):
        wrong(faults, node, f"{what} is a mapping of names to values")
    return []


def is_mapping(node: Node) -> bool:
    """Whether a node is a mapping, or nothing at all; what is neither was reported when its fields were read."""
    return isinstance(node, Fields) or (isinstance(node, Scalar) and node.empty)


def items_of(faults: Faults, node: Node, what: str) -> list[Node]:
    """The items of a list; nothing at all is an empty list."""
    if isinstance(node, Items):
        return node.items
    if not (isinstance(node, Scalar) and node.empty):
        advice = f"write `[{node.text}]`" if isinstance(node, Scalar) and len(node.text) < 60 else ""
        wrong(faults, node, f"{what} is a list", advice)
    return []


def text_of(faults: Faults, node: Node, what: str) -> str | None:
    """A text, composed (NFC) and without space around it."""
    if not isinstance(node, Scalar) or not isinstance(node.value, str):
        advice = f'write "{node.text}" in quotes' if isinstance(node, Scalar) and not node.empty else ""
        return wrong(faults, node, f"{what} is a text", advice)
    text = unicodedata.normalize("NFC", node.text).strip()
    return text or wrong(faults, node, f"{what} is a text")


def name_of(faults: Faults, node: Node, what: str) -> str | None:
    """A name, which may look like a number."""
    if isinstance(node, Scalar) and node.text and not node.empty:
        return node.text
    return wrong(faults, node, f"{what} is a name")


def names_of(faults: Faults, node: Node, what: str) -> list[tuple[Scalar, str]]:
    """A list of names, each with its place; a name that stands twice is reported."""
    found: dict[str, Scalar] = {}
    for item in items_of(faults, node, what):
        name = name_of(faults, item, f"each item of {what}")
        if name is None or not isinstance(item, Scalar):
            continue
        if name in found:
            faults.at(item, "P304", f"`{name}` is listed twice")
        found.setdefault(name, item)
    return [(node, name) for name, node in found.items()]


def flag_of(faults: Faults, node: Node, what: str) -> bool | None:
    """``true`` or ``false``."""
    if isinstance(node, Scalar):
        if isinstance(value := node.value, bool):
            return value
        switch = _SWITCHES.get(node.text.lower(), "")
        return wrong(faults, node, f"{what} is true or false", f"write `{switch}`" if switch else "")
    return wrong(faults, node, f"{what} is true or false")


def integer_of(faults: Faults, node: Node, what: str) -> int | None:
    """A whole number."""
    if isinstance(node, Scalar):
        value = node.value
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    return wrong(faults, node, f"{what} is a whole number")


def choice_of(faults: Faults, node: Node, what: str, words: Collection[Word]) -> Word | None:
    """One of a few words."""
    if isinstance(node, Scalar):
        for word in words:
            if word == node.text:
                return word
        advice = faults.near_miss(node.text, words)
        return wrong(faults, node, f"{what} is {enumeration(words, 'or')}", advice)
    return wrong(faults, node, f"{what} is {enumeration(words, 'or')}")


def id_of(faults: Faults, key: Scalar, what: str, pattern: re.Pattern[str] = ID) -> str | None:
    """A key as the id of what it stands for."""
    if pattern.fullmatch(key.text):
        return key.text
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", key.text).strip("-")
    advice = f"write `{plain}`" if ID.fullmatch(plain) else ""
    message = f"`{key.text}` cannot name {what}; names have the letters A to Z, digits, `_` and `-`"
    faults.at(key, "P306", message, help=advice)
    return None


def wrong(faults: Faults, node: Node, expected: str, advice: str = "") -> Absent:
    """Report a value of another shape; gives None, so that readers can return what it gives."""
    found = node.kind
    if isinstance(node, Scalar) and found == "text":
        found = f"`{node.quote}`" if "\n" not in node.quote and node.quote else _longer(node)
    faults.at(node, "P302", f"{expected}, not {found}", help=advice)
    return None


def _longer(node: Scalar) -> str:
    return "a text of several lines" if node.text.strip() else "an empty text"


def enumeration(words: Collection[str], last: str = "and") -> str:
    """``a, b and c``, each in backticks."""
    shown = [f"`{word}`" for word in words]
    if len(shown) > _LISTED:
        shown = [*shown[:_LISTED], "others"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} {last} {shown[-1]}"

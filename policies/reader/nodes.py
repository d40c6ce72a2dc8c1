"""What a YAML file is made of, each piece with its place; light, because a policy has hundreds of thousands."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

from jurat.policies.limits import CHARACTERS_A_NODE, NUMBER_DIGITS
from jurat.policies.reader.source import Source
from jurat.policies.spans import Span

_WORDS = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_INT = re.compile(r"[-+]?[0-9]+")
_RADIX = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")

Plain = bool | int | Decimal | str | None


class Node:
    """A piece of a file from index ``start`` to ``end``; ``weight`` counts nodes as if aliases were written out."""

    __slots__ = ("end", "source", "start", "weight")

    def __init__(self, source: Source, start: int, end: int) -> None:
        self.source = source
        self.start = start
        self.end = end
        self.weight = 1

    @property
    def span(self) -> Span:
        return self.source.span(self.start, self.end)

    @property
    def quote(self) -> str:
        return self.source.quote(self.start, self.end)

    @property
    def kind(self) -> str:
        """What an author would call it; every kind of node says it of itself."""
        return "node"


class Scalar(Node):
    """A text; ``style`` is ``""`` for a plain one, else its quote, ``|`` or ``>``."""

    __slots__ = ("style", "text")

    def __init__(self, source: Source, start: int, end: int, text: str, style: str) -> None:
        super().__init__(source, start, end)
        self.text = text
        self.style = style
        self.weight = 1 + len(text) // CHARACTERS_A_NODE

    @property
    def kind(self) -> str:
        value = self.value
        if isinstance(value, bool):
            return f"the truth value `{self.text}`"
        if value is None:
            return "nothing"
        return "text" if isinstance(value, str) else f"the number `{self.text}`"

    @property
    def empty(self) -> bool:
        """Whether nothing is written, or ``null``."""
        return not self.style and self.text in _WORDS and _WORDS[self.text] is None

    @property
    def value(self) -> Plain:
        """The value by the core schema of YAML 1.2: ``yes`` and ``on`` are text, decimals stay exact."""
        if self.style:
            return self.text
        if self.text in _WORDS:
            return _WORDS[self.text]
        return _number(self.text)


class Items(Node):
    """A list."""

    __slots__ = ("items",)

    def __init__(self, source: Source, start: int, end: int, items: list[Node]) -> None:
        super().__init__(source, start, end)
        self.items = items

    @property
    def kind(self) -> str:
        return "a list"


class Fields(Node):
    """A mapping, by the text of its keys; of a key that stands twice, the first counts."""

    __slots__ = ("entries",)

    def __init__(self, source: Source, start: int, end: int, entries: dict[str, tuple[Scalar, Node]]) -> None:
        super().__init__(source, start, end)
        self.entries = entries

    @property
    def kind(self) -> str:
        return "a mapping"


def _number(text: str) -> int | Decimal | str:
    """The number a plain text is, or the text when it is none that this program can hold."""
    if not text or text[0] not in "+-.0123456789":
        return text
    if _INT.fullmatch(text):
        return int(text) if len(text) <= NUMBER_DIGITS else text
    if _RADIX.fullmatch(text):
        return int(text, 0) if len(text) <= NUMBER_DIGITS else text
    return _decimal(text) if _FLOAT.fullmatch(text) else text


def _decimal(text: str) -> Decimal | str:
    if len(text) > NUMBER_DIGITS:
        return text
    try:
        value = Decimal(text)
    except InvalidOperation:  # an exponent beyond what the arithmetic holds
        return text
    return value if abs(value.adjusted()) <= NUMBER_DIGITS else text

"""Literals of CEL: what the characters between the quotes, and those of a number, stand for."""

from __future__ import annotations

import re
from decimal import Decimal

from jurat.policies.limits import NUMBER_DIGITS
from jurat.policies.values import read_decimal

TEXT_TOKENS = ("STRING_LIT", "MLSTRING_LIT")
"""The grammar's names for string literals."""

_SIMPLE = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
    "\\": "\\", '"': '"', "'": "'", "`": "`", "?": "?",
}  # fmt: skip
_ESCAPE = re.compile(
    r"\\(?:(?P<simple>[abfnrtv\\\"'`?])|[xX](?P<hex>[0-9a-fA-F]{2})|u(?P<short>[0-9a-fA-F]{4})"
    r"|U(?P<long>[0-9a-fA-F]{8})|(?P<octal>[0-3][0-7]{2})|(?P<wrong>.?))",
    re.DOTALL,
)


class LiteralFault(ValueError):
    """A literal that stands for nothing."""


def text_of(literal: str) -> str:
    """The text that a string literal stands for; raises :class:`LiteralFault`."""
    raw = literal[0] in "rR"
    literal = literal[1:] if raw else literal
    edge = 3 if literal[:3] in ('"""', "'''") and len(literal) >= 6 else 1
    body = literal[edge:-edge]
    return body if raw or "\\" not in body else _ESCAPE.sub(_unescape, body)


def _unescape(match: re.Match[str]) -> str:
    if match["simple"]:
        return _SIMPLE[match["simple"]]
    if match["wrong"] is not None:
        raise LiteralFault(f"`{match.group()}` is not an escape; a backslash is written `\\\\`")
    code = int(match["octal"], 8) if match["octal"] else int(match["hex"] or match["short"] or match["long"], 16)
    if code > 0x10FFFF or 0xD800 <= code < 0xE000:
        raise LiteralFault(f"`{match.group()}` is not a character")
    return chr(code)


def number_of(literal: str) -> int | Decimal:
    """The int or decimal that a numeric literal stands for; raises :class:`LiteralFault`."""
    if len(literal) > NUMBER_DIGITS:
        raise LiteralFault(f"a number has more than {NUMBER_DIGITS} digits")
    if "x" in literal.lower():
        return int(literal, 16)
    try:
        return read_decimal(literal) if any(char in ".eE" for char in literal) else int(literal)
    except ValueError as error:
        raise LiteralFault(str(error)) from None

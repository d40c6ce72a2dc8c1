"""What is wrong with a formula that is not CEL, said to its author."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from jurat.policies.errors import JuratError

if TYPE_CHECKING:
    from lark.exceptions import UnexpectedInput


class SyntaxFault(JuratError):
    """A formula that cannot be read; ``start`` and ``end`` are offsets into its text, the end exclusive."""

    def __init__(self, start: int, end: int, message: str, help: str = "") -> None:  # noqa: A002 - as in Diagnostic
        super().__init__(message)
        self.start, self.end, self.message, self.help = start, end, message, help


_INSTEAD = {
    "and": "&&", "or": "||", "not": "!", "AND": "&&", "OR": "||", "NOT": "!", "&": "&&", "|": "||", "=": "==",
    "===": "==", "!==": "!=", "<>": "!=", "=<": "<=", "=>": "implies", "->": "implies", "⇒": "implies", "→": "implies",
    "≤": "<=", "≥": ">=", "≠": "!=", "∧": "&&", "∨": "||", "¬": "!", "IN": "in", "IMPLIES": "implies", "is": "==",
    "“": '"', "”": '"', "„": '"', "’": "'", "‘": "'", "==>": "implies", "True": "true", "False": "false",
}  # fmt: skip
"""What other languages write, and what CEL writes."""

_OPEN, _CLOSED = "([{", ")]}"
_WORD = re.compile(r"\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|[^\W\d]\w*|[&|=<>!\-]+|\d[\w.]*|.", re.DOTALL)
_OPENS_TEXT = re.compile(r"\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'")
_CODE = re.compile(r"\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|//[^\n]*|(?P<bracket>[()\[\]{}])")


def explain(text: str, error: UnexpectedInput) -> SyntaxFault:
    """The fault that a parser's refusal stands for."""
    place = _place(text, error)
    if place >= len(text.rstrip()):
        return _at_end(text)
    if text[place] in "\"'" and _OPENS_TEXT.match(text, place) is None:
        return SyntaxFault(place, len(text.rstrip()), f"`{text[place:].strip()[:40]}` has no closing quote")
    return _unexpected(text, place)


def _place(text: str, error: UnexpectedInput) -> int:
    token = getattr(error, "token", None)
    if token is not None:
        return len(text) if token.type == "$END" else int(token.start_pos)
    return cast("int", error.pos_in_stream)


def _at_end(text: str) -> SyntaxFault:
    text = text.rstrip()
    unclosed = _unclosed(text)
    if unclosed is not None:
        return SyntaxFault(
            unclosed, unclosed + 1, f"`{text[unclosed]}` is not closed", f"add `{_partner(text[unclosed])}`"
        )
    last = list(_WORD.finditer(text))[-1]
    return SyntaxFault(last.start(), last.end(), f"the formula ends after `{last.group()}`, where more is expected")


def _unclosed(text: str) -> int | None:
    """Where the last bracket stands that nothing closes."""
    open_: list[int] = []
    for match in _CODE.finditer(text):
        bracket = match["bracket"]
        if bracket and bracket in _OPEN:
            open_.append(match.start())
        elif bracket and open_:
            open_.pop()
    return open_[-1] if open_ else None


def _partner(bracket: str) -> str:
    return _CLOSED[_OPEN.index(bracket)]


def _unexpected(text: str, place: int) -> SyntaxFault:
    word = next(_WORD.finditer(text, place)).group()
    end = place + len(word)
    start, before = _word_before(text, place)
    for first, last in ((start, end), (place, end), (start, start + len(before))):
        if text[first:last] in _INSTEAD:
            return SyntaxFault(first, last, _not_cel(text[first:last]), f"write `{_INSTEAD[text[first:last]]}`")
    shown = f"`{word}`" if word.isprintable() else f"the character U+{ord(word[0]):04X}"
    return SyntaxFault(place, end, f"{shown} is not expected here")


def _word_before(text: str, place: int) -> tuple[int, str]:
    words = list(_WORD.finditer(text[:place].rstrip()))
    return (words[-1].start(), words[-1].group()) if words else (place, "")


def _not_cel(word: str) -> str:
    return f"`{word}` is a typographic quote" if word in "“”„’‘" else f"`{word}` is not part of a formula"

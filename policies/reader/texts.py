"""Conditions in natural language: which texts are one, and which observation a text is."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from jurat.policies.cel import Node, parse
from jurat.policies.cel_faults import SyntaxFault
from jurat.policies.functions import FUNCTIONS, METHODS


def spelled(text: str) -> str:
    """A condition's text as its key: composed (NFC), spaces collapsed, without the full stop at its end."""
    return " ".join(unicodedata.normalize("NFC", text).split()).rstrip(".").rstrip()


def identity(text: str) -> str:
    """What equal conditions have in common, whatever their case."""
    return unicodedata.normalize("NFC", spelled(text).casefold())


def is_formula(text: str) -> bool:
    """Whether a text has the form of a formula, whatever it names."""
    try:
        parse(text)
    except SyntaxFault:
        return False
    return True


def calls_a_function(text: str) -> bool:
    """Whether a text is a formula that calls a function, as ``once(paid)``: the names of history and tool events are."""
    try:
        return _calls(parse(text))
    except SyntaxFault:
        return False


def _calls(syntax: Node) -> bool:
    known = syntax.kind in ("call", "method") and (syntax.value in FUNCTIONS or syntax.value in METHODS)
    return known or any(_calls(part) for part in syntax.parts)


class Texts:
    """The key of the observation that each text is.

    Equal texts are one observation: a declared one when it has that text (or that id), else the inline one whose key
    is the least spelling of all, so that the order of files means nothing.
    """

    def __init__(self, inline: Iterable[str], declared: Iterable[tuple[str, str]]) -> None:
        self.declared = {identity(text): key for text, key in declared}
        self.inline: dict[str, str] = {}
        for text in inline:
            own, spelling = identity(text), spelled(text)
            if own and own not in self.declared:
                self.inline[own] = min(spelling, self.inline.get(own, spelling))

    def key(self, text: str) -> str | None:
        """The observation's key, or None for a text that was not given as a condition anywhere."""
        own = identity(text)
        return self.declared.get(own) or self.inline.get(own)

"""Formulas inside of files: each read against the policy's names, its faults put where the author wrote them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import replace

from jurat.policies.cel import Node as Syntax
from jurat.policies.cel import parse
from jurat.policies.cel_faults import SyntaxFault
from jurat.policies.checking import read_formula
from jurat.policies.expr import Formula
from jurat.policies.model import Vocabulary
from jurat.policies.reader.faults import Faults
from jurat.policies.reader.names import Names
from jurat.policies.reader.nodes import Node, Scalar
from jurat.policies.reader.places import span_inside
from jurat.policies.reader.shapes import wrong
from jurat.policies.scope import scope_of
from jurat.policies.spans import Span
from jurat.policies.types import BOOL, EnumType, Type


class Formulas:
    """Reads formulas; ``parameters`` are the declared argument types of each tool."""

    def __init__(
        self, faults: Faults, vocabulary: Vocabulary, names: Names, parameters: Mapping[str, Mapping[str, Type]]
    ) -> None:
        self._faults = faults
        self._parameters = parameters
        journeys = {journey: EnumType(states) for journey, states in names.journeys.items()}
        scope = scope_of(vocabulary, journeys, suggest=faults.near_miss)
        self._scope = replace(scope, tools=frozenset(names.tools))

    def parameters(self, tool: str) -> Mapping[str, Type]:
        """The declared types of a tool's arguments; empty where none are declared."""
        return self._parameters.get(tool, {})

    def truth(self, node: Node, what: str, advice: str = "", *, tool: str | None = None) -> Formula | None:
        """A formula that is true or false; with ``tool`` it may speak of the arguments of its call."""
        return self._read(node, what, BOOL, tool, advice)

    def of_argument(self, node: Scalar, tool: str, argument: str) -> Formula | None:
        """What a call says of an argument: a truth about ``arguments.*``, or the value that it has."""
        expected = BOOL if self._mentions_arguments(node.text) else self.parameters(tool).get(argument)
        return self._read(node, f"the argument `{argument}`", expected, tool, "")

    def _read(self, node: Node, what: str, expected: Type | None, tool: str | None, advice: str) -> Formula | None:
        if not isinstance(node, Scalar) or node.empty:
            return wrong(self._faults, node, f"{what} is a formula")
        text = unicodedata.normalize("NFC", node.text).rstrip()
        scope = self._scope if tool is None else self._scope.with_arguments(self.parameters(tool))
        formula, faults = read_formula(text, _ORIGIN, scope, expected, _by_offset)
        for each in faults:
            same = node.text.startswith(text)
            place = span_inside(node, each.span.column, each.span.end_column) if same else node.span
            self._faults.add(replace(each, span=place, help="; ".join(filter(None, (each.help, advice)))))
        return replace(formula, span=node.span) if formula else None

    def _mentions_arguments(self, text: str) -> bool:
        try:
            return any(name.startswith("arguments.") for name in _names(parse(text)))
        except SyntaxFault:
            return False


_ORIGIN = Span("", 0, 0, 0, 0)
"""Formulas are read for themselves; their places are found in the file only where there is something to say."""


def _names(syntax: Syntax) -> Iterator[str]:
    if syntax.kind == "name":
        yield syntax.value
    for part in syntax.parts:
        yield from _names(part)


def _by_offset(offset: int) -> tuple[int, int]:
    """An offset as a column, so that a span says which characters of the formula it is about."""
    return 0, offset

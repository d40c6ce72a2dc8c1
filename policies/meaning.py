"""Giving formulas their meaning: names resolved, types checked, whatever is not accepted refused with its place.

A fault is reported once, where it is; what stands around it is checked on, and says nothing about the part that
failed. Types flow both ways: a string literal takes the enum that it is compared with, an argument that no tool
declares takes the type that the formula needs of it.
"""

from __future__ import annotations

from collections.abc import Callable

from jurat.policies import expr as e
from jurat.policies.cel import Node
from jurat.policies.expr import Expr
from jurat.policies.fault_codes import TYPE
from jurat.policies.functions import call, method
from jurat.policies.leaves import LEAVES, is_text_constant
from jurat.policies.literals import TEXT_TOKENS
from jurat.policies.operators import OPERATORS, Rule
from jurat.policies.scope import Scope
from jurat.policies.type_rules import advice, fits, worded
from jurat.policies.types import DECIMAL, BoolType, EnumType, StringType, Type, is_numeric

Report = Callable[[Node, str, str, str], None]
"""Called with the faulty piece, the code, the message and the help."""


class Checker:
    """Checks one formula; None stands for whatever was reported already."""

    def __init__(self, text: str, scope: Scope, report: Report, pins: dict[str, Type] | None = None) -> None:
        self.text = text
        self.scope = scope
        self.pins = pins
        """The types that undeclared arguments need, once known; None while they are being gathered."""
        self.needs: dict[str, Type] = {}
        self.undeclared = False
        self.in_history = False
        self._report = report

    def fault(self, node: Node, code: str, message: str, help: str = "") -> None:  # noqa: A002 - as in Diagnostic
        """Report a piece of the formula."""
        self._report(node, code, message, help)

    def said(self, node: Node) -> str:
        """The author's text, for a message."""
        text = " ".join(self.text[node.start : node.end].split())
        return f"`{text if len(text) <= 60 else text[:57] + '…'}`"

    def infer(self, node: Node, hint: Type | None = None) -> Expr | None:
        """The meaning of a piece; ``hint`` is the type that its surroundings would like."""
        return _RULES[node.kind](self, node, hint)

    def expect(self, node: Node, type_: Type) -> Expr | None:
        """The meaning of a piece that must have a type."""
        expr = self.infer(node, type_)
        if expr is None or fits(expr.type, type_):
            return expr
        needed = "true or false" if isinstance(type_, BoolType) else worded(type_)
        message = f"{self.said(node)} is {worded(expr.type)}, where {needed} is needed"
        self.fault(node, TYPE, message, advice(expr, type_))
        return None

    def pair(self, left: Node, right: Node) -> tuple[Expr, Expr] | None:
        """Two pieces of which each may need the other's type; the one that says most goes first."""
        if self._vagueness(left) <= self._vagueness(right):
            first = self.infer(left)
            second = self.infer(right, first.type if first else None)
            return (first, second) if first and second else None
        swapped = self.pair(right, left)
        return (swapped[1], swapped[0]) if swapped else None

    def argument(self, node: Node, name: str, hint: Type | None) -> Expr | None:
        """``arguments.<name>``, with its declared type or the one needed here."""
        assert self.scope.arguments is not None
        declared = self.scope.arguments.get(name)
        if declared is not None:
            return e.Argument(name, declared)
        self.undeclared = True
        if self.pins is not None and name in self.pins:
            return e.Argument(name, self.pins[name])
        need = DECIMAL if hint is not None and is_numeric(hint) else hint
        if need is None:
            if self.pins is not None:
                self.fault(node, TYPE, f"nothing says what type {self.said(node)} has", "declare it with the tool")
            return None
        if isinstance(need, EnumType) or name not in self.needs:
            self.needs[name] = need
        return e.Argument(name, need)

    def _vagueness(self, node: Node) -> int:
        """How much a piece leaves its type to others: nothing, a literal's, or all of it."""
        if node.kind == "name":
            return self._name_vagueness(node.value)
        if node.kind == "literal":
            return int(node.value.type in TEXT_TOKENS)
        if node.kind == "index":
            table = self.scope.tables.get(node.parts[0].value)
            return int(table is not None and isinstance(table.type, StringType))
        if node.kind == "list":
            return max((self._vagueness(part) for part in node.parts), default=2)
        if node.kind == "?":
            return max(self._vagueness(part) for part in node.parts[1:])
        return max(self._vagueness(part) for part in node.parts) if node.kind in _ARITHMETIC else 0

    def _name_vagueness(self, name: str) -> int:
        if name in self.scope.names:
            return int(is_text_constant(self.scope.names[name]))
        prefix, _, argument = name.partition(".")
        if prefix != "arguments" or self.scope.arguments is None:
            return 1
        return 0 if argument in self.scope.arguments or argument in (self.pins or ()) else 2


_ARITHMETIC = ("+", "-", "*", "/", "%", "neg")
_RULES: dict[str, Rule] = {**OPERATORS, **LEAVES, "call": call, "method": method}

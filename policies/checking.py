"""Reading a formula: from the author's text to a typed tree, or to everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from jurat.policies import expr as e
from jurat.policies.cel import Node, parse
from jurat.policies.cel_faults import SyntaxFault
from jurat.policies.diagnostics import Diagnostic
from jurat.policies.expr import Expr, Formula
from jurat.policies.fault_codes import DIVISOR, SYNTAX, TYPE
from jurat.policies.limits import QUOTE_CHARACTERS
from jurat.policies.meaning import Checker
from jurat.policies.scope import Scope
from jurat.policies.spans import Span
from jurat.policies.types import BOOL, DecimalType, IntType, Type
from jurat.policies.values import decimal_of

Locate = Callable[[int], tuple[int, int]]
"""Line and column, both from 1, of the character at an offset of a formula's text."""


def read_formula(
    text: str, origin: Span, scope: Scope, expected: Type | None = BOOL, locate: Locate | None = None
) -> tuple[Formula | None, list[Diagnostic]]:
    """The formula that a text stands for, or None and every fault of it.

    ``origin`` starts at the text's first character; ``locate`` says where the others are when they do not simply follow
    it, as in a block of YAML. ``expected`` is the type it must have; None is any.
    """
    place = _Place(text, origin, locate or _follows(text, origin))
    try:
        node = parse(text)
    except SyntaxFault as fault:
        return None, [place.diagnostic(fault.start, fault.end, SYNTAX, fault.message, fault.help)]
    expr, found = _meaning(node, text, place, scope, expected)
    if expr is None:
        return None, found
    return Formula(expr, place.span(0, len(text)), text), []


class _Place:
    """Where pieces of a formula stand in the author's file."""

    def __init__(self, text: str, origin: Span, locate: Locate) -> None:
        self.text, self.origin, self.locate = text, origin, locate

    def span(self, start: int, end: int) -> Span:
        """The span between two offsets, which is at least a character wide when there is one."""
        line, column = self.locate(start)
        end_line, end_column = self.locate(max(start, end - 1))
        return Span(self.origin.source, line, column, end_line, end_column + (end > start))

    def diagnostic(self, start: int, end: int, code: str, message: str, help: str) -> Diagnostic:  # noqa: A002
        return Diagnostic(self.span(start, end), code, message, self.text[start:end][:QUOTE_CHARACTERS], help)


def _follows(text: str, origin: Span) -> Locate:
    def locate(offset: int) -> tuple[int, int]:
        line = text.count("\n", 0, offset)
        return origin.line + line, offset - text.rfind("\n", 0, offset) if line else origin.column + offset

    return locate


def _meaning(
    node: Node, text: str, place: _Place, scope: Scope, expected: Type | None
) -> tuple[Expr | None, list[Diagnostic]]:
    """The typed tree; where arguments have no declared type, a first pass gathers what the formula needs of them."""
    found: list[Diagnostic] = []

    def report(at: Node, code: str, message: str, help_: str) -> None:
        found.append(place.diagnostic(at.start, at.end, code, message, help_))

    checker = Checker(text, scope, report)
    expr = _checked(checker, node, expected)
    if checker.undeclared:
        found.clear()
        expr = _checked(Checker(text, scope, report, pins=checker.needs), node, expected)
    return (None if found else expr), list(dict.fromkeys(found))


def _checked(checker: Checker, node: Node, expected: Type | None) -> Expr | None:
    if expected is None:
        return checker.infer(node)
    expr = checker.expect(node, expected)
    if expr is None or expected == BOOL:
        return expr
    return _checked_value(checker, node, expr, expected)


def _checked_value(checker: Checker, node: Node, expr: Expr, expected: Type) -> Expr | None:
    """A value that is handed on, not only compared: it must have finitely many digits and be in range."""
    if isinstance(expected, DecimalType) and any(_endless(each) for each in e.walk(expr)):
        message = f"{checker.said(node)} can have endlessly many digits"
        checker.fault(node, DIVISOR, message, "divide by a number such as 2, 4, 5 or 10")
        return None
    if isinstance(expr, e.Const) and isinstance(expected, IntType | DecimalType):
        low, high = expected.min, expected.max
        if (low is not None and expr.value < low) or (high is not None and expr.value > high):  # type: ignore[operator]
            checker.fault(node, TYPE, f"{checker.said(node)} is not between {low} and {high}")
            return None
    return expr


def _endless(expr: Expr) -> bool:
    if not isinstance(expr, e.Arithmetic) or expr.operator != "/" or isinstance(expr.type, IntType):
        return False
    assert isinstance(expr.right, e.Const)
    return decimal_of(1 / Fraction(expr.right.value)) is None  # type: ignore[arg-type]

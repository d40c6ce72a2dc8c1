"""The operators of formulas: what each asks of its operands and what it means."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from jurat.policies import expr as e
from jurat.policies.expr import Expr
from jurat.policies.fault_codes import DIVISOR, TYPE
from jurat.policies.scope import unbounded
from jurat.policies.type_rules import advice, comparable, joined, result_of, worded
from jurat.policies.types import (
    BOOL,
    DURATION,
    INT,
    EnumType,
    ListType,
    ScalarType,
    StringType,
    Type,
    is_numeric,
    is_ordered,
)

if TYPE_CHECKING:
    from jurat.policies.cel import Node
    from jurat.policies.meaning import Checker

Rule = Callable[["Checker", "Node", Type | None], Expr | None]
"""The meaning of a piece of syntax, given the type that its surroundings would like; None when a fault was reported."""


def _all_bool(self: Checker, node: Node) -> list[Expr] | None:
    parts = [self.expect(part, BOOL) for part in node.parts]
    return None if None in parts else cast("list[Expr]", parts)


def _and(self: Checker, node: Node, _: Type | None) -> Expr | None:
    parts = _all_bool(self, node)
    return e.And(_flat(parts, e.And)) if parts else None


def _or(self: Checker, node: Node, _: Type | None) -> Expr | None:
    parts = _all_bool(self, node)
    return e.Or(_flat(parts, e.Or)) if parts else None


def _flat(parts: Sequence[Expr], kind: type[e.And | e.Or]) -> tuple[Expr, ...]:
    return tuple(each for part in parts for each in (part.operands if isinstance(part, kind) else (part,)))


def _implies(self: Checker, node: Node, _: Type | None) -> Expr | None:
    parts = _all_bool(self, node)
    return e.Implies(parts[0], parts[1]) if parts else None


def _not(self: Checker, node: Node, _: Type | None) -> Expr | None:
    parts = _all_bool(self, node)
    return e.Not(parts[0]) if parts else None


def _if(self: Checker, node: Node, hint: Type | None) -> Expr | None:
    test = self.expect(node.parts[0], BOOL)
    _, then_node, other_node = node.parts
    if hint is None:
        branches = self.pair(then_node, other_node)
    else:
        then, other = self.infer(then_node, hint), self.infer(other_node, hint)
        branches = (then, other) if then and other else None
    if test is None or branches is None:
        return None
    type_ = joined(branches[0].type, branches[1].type)
    if type_ is None:
        words = " and ".join(worded(branch.type) for branch in branches)
        self.fault(node, TYPE, f"the two outcomes of {self.said(node)} are {words}; they must be of one type")
        return None
    return e.If(test, *branches, type_)


def _compare(self: Checker, node: Node, _: Type | None) -> Expr | None:
    pair = self.pair(*node.parts)
    if pair is None:
        return None
    left, right = pair
    problem = _why_not(left.type, right.type, node.kind)
    if problem:
        help_ = advice(left, right.type) or advice(right, left.type)
        if problem == _UNORDERED:
            help_ = "declare it with `ordered: true`" if isinstance(left.type, EnumType) else ""
            problem = f"{self.said(node.parts[0])} is {worded(left.type)}, which has no order"
        elif problem == _DIFFERENT:
            problem = f"{worded(left.type)} cannot be compared with {worded(right.type)}"
        self.fault(node, TYPE, problem, help_)
        return None
    return e.Compare(cast("Any", node.kind), left, right)


def _in(self: Checker, node: Node, _: Type | None) -> Expr | None:
    element_node, list_node = node.parts
    if self._vagueness(element_node) <= self._vagueness(list_node):
        element = self.infer(element_node)
        collection = self.infer(list_node, _list_hint(element))
    else:
        collection = self.infer(list_node)
        element = self.infer(element_node, _element_hint(collection))
    if element is None or collection is None:
        return None
    if not isinstance(collection.type, ListType):
        help_ = "write `text.contains(part)`" if isinstance(collection.type, StringType) else ""
        self.fault(list_node, TYPE, f"{self.said(list_node)} is {worded(collection.type)}, not a list", help_)
        return None
    if not comparable(element.type, collection.type.element):
        message = f"{worded(element.type)} cannot be in {worded(collection.type)}"
        self.fault(node, TYPE, message, advice(element, collection.type.element))
        return None
    return e.In(element, collection)


def _element_hint(collection: Expr | None) -> Type | None:
    return collection.type.element if collection is not None and isinstance(collection.type, ListType) else None


def _list_hint(element: Expr | None) -> Type | None:
    return None if element is None or isinstance(element.type, ListType) else ListType(element.type)


def _list(self: Checker, node: Node, hint: Type | None) -> Expr | None:
    wanted: ScalarType | None = hint.element if isinstance(hint, ListType) else None
    if wanted is None and node.parts:
        clearest = min(node.parts, key=self._vagueness)
        first = self.infer(clearest) if self._vagueness(clearest) < 2 else None
        wanted = first.type if first is not None and not isinstance(first.type, ListType) else None
    items = [self.infer(part, wanted) for part in node.parts]
    if None in items:
        return None
    return _typed_list(self, node, cast("list[Expr]", items), wanted)


def _typed_list(self: Checker, node: Node, items: list[Expr], wanted: ScalarType | None) -> Expr | None:
    type_: Type | None = items[0].type if items else wanted
    if type_ is None:
        self.fault(node, TYPE, "nothing says what this empty list is a list of")
        return None
    for part, item in zip(node.parts, items, strict=True):
        both = joined(type_, item.type)
        if both is None or isinstance(both, ListType):
            message = f"{self.said(part)} is {worded(item.type)} in a list of {type_}" if both is None else _NESTED
            self.fault(part, TYPE, message)
            return None
        type_ = both
    assert not isinstance(type_, ListType)
    return e.ListOf(tuple(items), ListType(unbounded(type_)))


_NESTED = "a list cannot stand in a list"


def _arithmetic(self: Checker, node: Node, hint: Type | None) -> Expr | None:
    number = hint if hint is not None and is_numeric(hint) else None
    if number is not None and any(self._vagueness(part) == 2 for part in node.parts):
        left, right = (self.infer(part, number) for part in node.parts)
        pair = (left, right) if left and right else None
    else:
        pair = self.pair(*node.parts)
    if pair is None:
        return None
    type_ = result_of(node.kind, pair[0].type, pair[1].type)
    if type_ is None:
        words = " and ".join(worded(part.type) for part in pair)
        help_ = "texts cannot be joined" if isinstance(pair[0].type, StringType | EnumType) else ""
        self.fault(node, TYPE, f"`{node.kind}` has no meaning between {words}", help_)
        return None
    if node.kind in "/%" and not _divides(pair[1]):
        message = f"{self.said(node)} divides by something other than a number that is written out, and not zero"
        self.fault(
            node.parts[1], DIVISOR, message, "" if isinstance(pair[1], e.Const) else "multiply the other side instead"
        )
        return None
    return e.Arithmetic(cast("Any", node.kind), *pair, type_)


def _divides(expr: Expr) -> bool:
    return isinstance(expr, e.Const) and bool(expr.value)


def _negative(self: Checker, node: Node, hint: Type | None) -> Expr | None:
    operand = self.infer(node.parts[0], hint)
    if operand is None:
        return None
    if isinstance(operand, e.Const) and isinstance(operand.value, int | Decimal | timedelta) and operand.type != BOOL:
        return e.Const(-operand.value if operand.value else operand.value, operand.type)
    if is_numeric(operand.type):
        return e.Arithmetic(
            "-", e.Const(0, INT), operand, joined(INT, unbounded(cast("ScalarType", operand.type))) or INT
        )
    if operand.type == DURATION:
        return e.Arithmetic("-", e.Const(timedelta(), DURATION), operand, DURATION)
    self.fault(
        node, TYPE, f"{self.said(node.parts[0])} is {worded(operand.type)}, which has no negative", "write `!` for not"
    )
    return None


_DIFFERENT, _UNORDERED = "different", "unordered"


def _why_not(left: Type, right: Type, operator: str) -> str:
    if isinstance(left, ListType) and isinstance(right, ListType):
        return "lists are only asked for `in` and `size()`"
    if not comparable(left, right):
        return _DIFFERENT
    return _UNORDERED if operator not in ("==", "!=") and not is_ordered(left) else ""


OPERATORS: dict[str, Rule] = {
    "&&": _and,
    "||": _or,
    "implies": _implies,
    "not": _not,
    "?": _if,
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">="), _compare),
    "in": _in,
    **dict.fromkeys(("+", "-", "*", "/", "%"), _arithmetic),
    "neg": _negative,
    "list": _list,
}

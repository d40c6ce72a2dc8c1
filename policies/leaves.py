"""The leaves of formulas: literals, names, and constant maps read at a key."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, cast

from jurat.policies import expr as e
from jurat.policies.expr import Expr
from jurat.policies.fault_codes import MEMBER, NOT_HERE, SYNTAX, TYPE, UNKNOWN_NAME, UNSUPPORTED
from jurat.policies.functions import FUNCTIONS, METHODS
from jurat.policies.literals import TEXT_TOKENS, LiteralFault, number_of, text_of
from jurat.policies.operators import Rule
from jurat.policies.scope import TOOL_EVENTS
from jurat.policies.type_rules import is_key, worded
from jurat.policies.types import DECIMAL, INT, STRING, EnumType, ListType, ScalarType, Type
from jurat.policies.values import not_a_member

if TYPE_CHECKING:
    from jurat.policies.cel import Node
    from jurat.policies.meaning import Checker
    from jurat.policies.model import ConstantDeclaration


def _literal(self: Checker, node: Node, hint: Type | None) -> Expr | None:
    kind = node.value.type
    try:
        if kind in TEXT_TOKENS:
            return _text(self, node, text_of(node.value), hint)
        if kind in ("INT_LIT", "FLOAT_LIT"):
            number = number_of(node.value)
            return e.Const(number, DECIMAL if isinstance(number, Decimal) else INT)
    except LiteralFault as fault:
        self.fault(node, SYNTAX, str(fault))
        return None
    if node.value in ("true", "false"):
        return e.TRUE if node.value == "true" else e.FALSE
    message, help_ = _REFUSED_LITERALS.get(kind, _REFUSED_LITERALS["IDENT"])
    self.fault(node, UNSUPPORTED, message.format(self.said(node)), help_)
    return None


_REFUSED_LITERALS = {
    "UINT_LIT": ("{} is an unsigned number, which formulas do without", "leave out the `u`"),
    "BYTES_LIT": ("{} is bytes, which formulas do without", "leave out the `b`"),
    "IDENT": ("formulas have no {}", "ask with `has(…)` whether a fact is present"),
}


def _text(self: Checker, node: Node, text: str, hint: Type | None) -> Expr | None:
    if not isinstance(hint, EnumType):
        return e.Const(text, STRING)
    if text in hint.values:
        return e.Const(text, hint)
    self.fault(node, MEMBER, not_a_member(text, hint), self.scope.suggest(text, list(hint.values)))
    return None


def _name(self: Checker, node: Node, hint: Type | None) -> Expr | None:
    name: str = node.value
    found = self.scope.names.get(name)
    prefix, _, rest = name.partition(".")
    if found is None and prefix == "arguments" and rest and "." not in rest and self.scope.arguments is not None:
        found = self.argument(node, rest, hint)
        if found is None:
            return None
    if found is None:
        _unknown_name(self, node, hint)
        return None
    if self.in_history and not isinstance(found, e.Event | e.Fact | e.Const | e.ListOf):
        what = _UNTRUSTED.get(type(found), "")
        self.fault(node, NOT_HERE, f"{self.said(node)} is {what}; history looks at events and facts only")
        return None
    return _constant(self, node, found, hint) if is_text_constant(found) else found


def is_text_constant(expr: Expr) -> bool:
    """Whether a name stands for texts, which take the enum they are compared with as literals do."""
    texts = expr.items if isinstance(expr, e.ListOf) else (expr,)
    return all(isinstance(text, e.Const) and text.type == STRING for text in texts)


def _constant(self: Checker, node: Node, found: Expr, hint: Type | None) -> Expr | None:
    if isinstance(found, e.Const):
        return _text(self, node, str(found.value), hint)
    if not isinstance(found, e.ListOf) or not isinstance(hint, ListType) or not isinstance(hint.element, EnumType):
        return found
    items = [_text(self, node, str(cast("e.Const", item).value), hint.element) for item in found.items]
    return None if None in items else e.ListOf(tuple(cast("list[Expr]", items)), ListType(hint.element))


_UNTRUSTED: dict[type[Expr], str] = {
    e.Observation: "an observation, which is judged",
    e.JourneyActive: "the state of a journey",
    e.JourneyState: "the state of a journey",
    e.Argument: "an argument of a call",
}


def _unknown_name(self: Checker, node: Node, hint: Type | None) -> None:
    name: str = node.value
    code, message, help_ = UNKNOWN_NAME, f"`{name}` is not declared", ""
    if isinstance(hint, EnumType) and name in hint.values:
        help_ = f'write `"{name}"`'
    elif name in self.scope.tables:
        code, message, help_ = TYPE, f"`{name}` is a constant map", f"read it at a key: `{name}[…]`"
    elif name.partition(".")[0] == "arguments":
        code, message = (
            NOT_HERE,
            "`arguments` can be spoken of as `arguments.name` in guards and argument constraints only",
        )
    elif name in FUNCTIONS or name in METHODS:
        code, message = TYPE, f"`{name}` is a function"
        help_ = f'write `{name}("tool")`' if name in TOOL_EVENTS else f"write `{name}(…)`"
    else:
        help_ = self.scope.suggest(name, self.scope.known())
    self.fault(node, code, message, help_)


def _index(self: Checker, node: Node, hint: Type | None) -> Expr | None:
    target, index_node = node.parts
    table = self.scope.tables.get(target.value) if target.kind == "name" else None
    if table is None:
        if self.infer(target) is not None:
            self.fault(node, UNSUPPORTED, "only constant maps are read with `[…]`", "ask with `in` what a list holds")
        return None
    keys = [key for key, _ in table.table]
    index = self.infer(index_node, STRING)
    if index is None:
        return None
    if isinstance(index, e.Const) and index.value not in keys:
        shown = ", ".join(f"`{key}`" for key in keys[:8])
        help_ = self.scope.suggest(str(index.value), [str(key) for key in keys])
        self.fault(index_node, MEMBER, f"`{target.value}` has no key {self.said(index_node)}, only {shown}", help_)
        return None
    if not is_key(index.type, keys):
        self.fault(
            index_node, TYPE, f"{self.said(index_node)} is {worded(index.type)}, the keys of `{target.value}` are not"
        )
        return None
    type_ = _type_of_values(self, target, table, hint)
    return e.Lookup(target.value, table.table, index, type_) if type_ is not None else None


def _type_of_values(self: Checker, target: Node, table: ConstantDeclaration, hint: Type | None) -> ScalarType | None:
    assert not isinstance(table.type, ListType), "the values of a constant map are single"
    if not isinstance(hint, EnumType) or table.type != STRING:
        return table.type
    for _, value in table.table:
        if _text(self, target, str(value), hint) is None:
            return None
    return hint


def _refused(what: str, help_: str = "") -> Rule:
    def rule(self: Checker, node: Node, _: Type | None) -> None:
        self.fault(node, UNSUPPORTED, f"{self.said(node)} is {what}, which formulas do without", help_)

    return rule


LEAVES: dict[str, Rule] = {
    "literal": _literal,
    "name": _name,
    "index": _index,
    "map": _refused("a map", "declare it under `constants`"),
    "object": _refused("a message"),
    "select": _refused("a field of a value", "facts are named as a whole"),
    "absolute": _refused("a name with a leading dot", "leave out the dot"),
}

"""Formulas as canonical CEL: equal trees give equal texts, and reading a text gives its tree back.

Only the parentheses that reading needs are written, and those around a comparison inside a comparison, which would
otherwise look like a chain. ``&&`` and ``||`` are associative: nested ones are written flat.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from jurat.policies import expr as e
from jurat.policies.expr import Expr
from jurat.policies.values import journey_name, quote, show_value

# How tightly each form binds; an operand that binds less tightly than its place asks for gets parentheses.
_IF, _IMPLIES, _OR, _AND, _RELATION, _SUM, _PRODUCT, _UNARY, _PRIMARY = range(9)

NAME = re.compile(r"[_a-zA-Z][_a-zA-Z0-9]*(?:\.[_a-zA-Z][_a-zA-Z0-9]*)*")
KEYWORDS = frozenset({"true", "false", "null", "in", "implies"})
"""What a name can never be. (CEL reserves further words for its future; they are refused where names are declared.)"""


def show(expr: Expr) -> str:
    """The formula as CEL on one line."""
    return _RULES[type(expr)](expr)[0]


_Shown = tuple[str, int]


def _at(least: int, expr: Expr) -> str:
    text, binding = _RULES[type(expr)](expr)
    return text if binding >= least else f"({text})"


def _commas(exprs: Iterable[Expr]) -> str:
    return ", ".join(map(show, exprs))


def _const(expr: e.Const) -> _Shown:
    return show_value(expr.value, expr.type), _PRIMARY


def _fact(expr: e.Fact) -> _Shown:
    return expr.path, _PRIMARY


def _observation(expr: e.Observation) -> _Shown:
    plain = NAME.fullmatch(expr.key) and expr.key not in KEYWORDS
    return (expr.key if plain else f"observation({quote(expr.key)})"), _PRIMARY


def _event(expr: e.Event) -> _Shown:
    return (expr.name if expr.argument is None else f"{expr.name}({quote(expr.argument)})"), _PRIMARY


def _history(expr: e.History) -> _Shown:
    return f"{expr.operator}({_commas(expr.operands)}{_within(expr)})", _PRIMARY


def _within(expr: e.History) -> str:
    if expr.within is None:
        return ""
    return ", " + show_value(expr.within if expr.unit == "turns" else timedelta(seconds=expr.within))


def _journey(expr: e.JourneyActive | e.JourneyState) -> _Shown:
    return journey_name(expr.journey, "active" if isinstance(expr, e.JourneyActive) else "state"), _PRIMARY


def _argument(expr: e.Argument) -> _Shown:
    return f"arguments.{expr.name}", _PRIMARY


def _has(expr: e.Has) -> _Shown:
    return f"has({show(expr.of)})", _PRIMARY


def _not(expr: e.Not) -> _Shown:
    return "!" + _at(_UNARY, expr.operand), _UNARY


def _and(expr: e.And) -> _Shown:
    return _joined(" && ", expr.operands, _AND, "true")


def _or(expr: e.Or) -> _Shown:
    return _joined(" || ", expr.operands, _OR, "false")


def _joined(symbol: str, operands: tuple[Expr, ...], binding: int, empty: str) -> _Shown:
    if len(operands) < 2:
        return _RULES[type(operands[0])](operands[0]) if operands else (empty, _PRIMARY)
    return symbol.join(_at(binding, operand) for operand in operands), binding


def _implies(expr: e.Implies) -> _Shown:
    return f"{_at(_OR, expr.left)} implies {_at(_IMPLIES, expr.right)}", _IMPLIES


def _if(expr: e.If) -> _Shown:
    return f"{_at(_IMPLIES, expr.test)} ? {_at(_IMPLIES, expr.then)} : {_at(_IF, expr.other)}", _IF


def _compare(expr: e.Compare) -> _Shown:
    return f"{_at(_SUM, expr.left)} {expr.operator} {_at(_SUM, expr.right)}", _RELATION


def _in(expr: e.In) -> _Shown:
    return f"{_at(_SUM, expr.element)} in {_at(_SUM, expr.collection)}", _RELATION


def _list_of(expr: e.ListOf) -> _Shown:
    return f"[{_commas(expr.items)}]", _PRIMARY


def _arithmetic(expr: e.Arithmetic) -> _Shown:
    binding = _SUM if expr.operator in "+-" else _PRODUCT
    return f"{_at(binding, expr.left)} {expr.operator} {_at(binding + 1, expr.right)}", binding


def _size(expr: e.Size) -> _Shown:
    return f"size({show(expr.of)})", _PRIMARY


def _text_test(expr: e.TextTest) -> _Shown:
    return f"{_at(_PRIMARY, expr.text)}.{expr.operator}({show(expr.part)})", _PRIMARY


def _lookup(expr: e.Lookup) -> _Shown:
    return f"{expr.constant}[{show(expr.index)}]", _PRIMARY


_RULES: dict[type[Expr], Callable[[Any], _Shown]] = {
    e.Const: _const,
    e.Fact: _fact,
    e.Observation: _observation,
    e.Event: _event,
    e.History: _history,
    e.JourneyActive: _journey,
    e.JourneyState: _journey,
    e.Argument: _argument,
    e.Has: _has,
    e.Not: _not,
    e.And: _and,
    e.Or: _or,
    e.Implies: _implies,
    e.If: _if,
    e.Compare: _compare,
    e.In: _in,
    e.ListOf: _list_of,
    e.Arithmetic: _arithmetic,
    e.Size: _size,
    e.TextTest: _text_test,
    e.Lookup: _lookup,
}

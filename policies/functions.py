"""The functions of formulas: presence, size, texts, times, events and history; the rest of CEL's are refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from jurat.policies import expr as e
from jurat.policies.expr import Expr
from jurat.policies.fault_codes import NOT_HERE, SYNTAX, TYPE, UNKNOWN_NAME, UNSUPPORTED
from jurat.policies.literals import TEXT_TOKENS, LiteralFault, text_of
from jurat.policies.types import BOOL, DURATION, INT, STRING, TIMESTAMP, ListType, StringType, Type
from jurat.policies.values import read_duration, read_timestamp

if TYPE_CHECKING:
    from jurat.policies.cel import Node
    from jurat.policies.meaning import Checker

MAX_WITHIN_TURNS = 1_000_000
"""The longest stretch of turns that history can be asked about."""


def call(self: Checker, node: Node, hint: Type | None) -> Expr | None:
    """``f(x)``"""
    del hint
    rule = self.scope.functions.get(node.value) or FUNCTIONS.get(node.value)
    if rule is not None:
        return _with_count(self, node, *rule)
    if node.value in METHODS:
        return method(self, node, None)
    _unknown_function(self, node)
    return None


def method(self: Checker, node: Node, hint: Type | None) -> Expr | None:
    """``x.f(y)``"""
    del hint
    rule = METHODS.get(node.value)
    if rule is not None:
        return _with_count(self, node, *rule)
    if node.value in FUNCTIONS:
        self.fault(node, UNSUPPORTED, f"`{node.value}` is not called on something", f"write `{node.value}(…)`")
    else:
        _unknown_function(self, node)
    return None


Rule = Callable[["Checker", "Node"], Expr | None]


def _with_count(self: Checker, node: Node, counts: tuple[int, ...], rule: Rule) -> Expr | None:
    if len(node.parts) in counts:
        return rule(self, node)
    wanted = " or ".join(str(count) for count in counts)
    what = "argument" if counts[-1] == 1 else "arguments"
    self.fault(node, TYPE, f"`{node.value}` takes {wanted} {what}, not {len(node.parts)}")
    return None


def _unknown_function(self: Checker, node: Node) -> None:
    help_ = _ALTERNATIVES.get(node.value)
    if help_ is not None:
        self.fault(node, UNSUPPORTED, f"`{node.value}` of CEL is not part of formulas", help_)
    else:
        help_ = self.scope.suggest(node.value, [*self.scope.functions, *FUNCTIONS, *METHODS])
        self.fault(node, UNKNOWN_NAME, f"there is no function `{node.value}`", help_)


_CALENDAR = "supply it as a fact"
_ALTERNATIVES = {
    **dict.fromkeys(("all", "exists", "exists_one", "existsOne"), "ask with `in` what a list holds"),
    **dict.fromkeys(("map", "filter"), "supply the outcome as a fact"),
    "matches": "use `startsWith`, `endsWith` or `contains`, or supply the outcome as a fact",
    **dict.fromkeys(("int", "double", "uint", "string", "bytes", "bool"), "declare the fact with the type it should have"),
    **dict.fromkeys(("type", "dyn"), "types are known before a formula runs"),
    **dict.fromkeys(("getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfYear", "getDayOfWeek"), _CALENDAR),
    **dict.fromkeys(("getHours", "getMinutes", "getSeconds", "getMilliseconds"), 'compare with `duration("1h")`'),
    **dict.fromkeys(("lowerAscii", "upperAscii", "charAt", "indexOf", "replace", "split", "substring", "trim"), _CALENDAR),
    "now": "supply the time as a fact, so that a formula has one value in a turn",
}  # fmt: skip


def _has(self: Checker, node: Node) -> Expr | None:
    part = node.parts[0]
    name = part.value if part.kind == "name" else ""
    prefix, _, rest = name.partition(".")
    if prefix == "arguments" and self.scope.arguments is not None and rest:
        return _has_argument(self, part, rest)
    found = self.infer(part)
    if found is None:
        return None
    if isinstance(found, e.Fact | e.JourneyState):
        return e.Has(found)
    self.fault(part, TYPE, f"`has` asks whether a fact is present; {self.said(part)} is not a fact")
    return None


def _has_argument(self: Checker, part: Node, name: str) -> Expr | None:
    """Whether an argument is present says nothing about its type; what else the formula asks of it does."""
    hint = None if self.pins is None else STRING
    if self.in_history:
        self.infer(part)
        return None
    found = self.argument(part, name, hint)
    return e.Has(cast("e.Argument", found)) if found is not None else None


def _size(self: Checker, node: Node) -> Expr | None:
    of = self.infer(node.parts[0], STRING)
    if of is None:
        return None
    if isinstance(of.type, ListType | StringType):
        return e.Size(of)
    self.fault(node.parts[0], TYPE, f"`size` counts a list or a string, {self.said(node.parts[0])} is neither")
    return None


def _text_test(self: Checker, node: Node) -> Expr | None:
    text, part = (_string(self, each, node.value) for each in node.parts)
    return e.TextTest(cast("Any", node.value), text, part) if text is not None and part is not None else None


def _string(self: Checker, node: Node, function: str) -> Expr | None:
    found = self.infer(node, STRING)
    if found is None or isinstance(found.type, StringType):
        return found
    help_ = f"write `part in {self.text[node.start : node.end]}`" if isinstance(found.type, ListType) else ""
    self.fault(node, TYPE, f"`{function}` is about strings, {self.said(node)} is not one", help_)
    return None


def literal_text(self: Checker, node: Node, function: str) -> str | None:
    """The text in quotes that a function is given; None after saying that it is none."""
    if node.kind == "literal" and node.value.type in TEXT_TOKENS:
        try:
            return text_of(node.value)
        except LiteralFault as fault:
            self.fault(node, SYNTAX, str(fault))
            return None
    help_ = f'write `{function}("{node.value}")`' if node.kind == "name" and node.value not in self.scope.names else ""
    self.fault(node, TYPE, f"`{function}` needs a text in quotes, {self.said(node)} is not one", help_)
    return None


def _moment(self: Checker, node: Node) -> Expr | None:
    text = literal_text(self, node.parts[0], node.value)
    if text is None:
        return None
    try:
        if node.value == "timestamp":
            return e.Const(read_timestamp(text), TIMESTAMP)
        return e.Const(read_duration(text), DURATION)
    except ValueError as error:
        self.fault(node.parts[0], SYNTAX, str(error))
        return None


def _observation(self: Checker, node: Node) -> Expr | None:
    key = literal_text(self, node.parts[0], node.value)
    if key is None:
        return None
    if key not in self.scope.observations:
        self.fault(
            node,
            UNKNOWN_NAME,
            f"there is no observation `{key}`",
            self.scope.suggest(key, sorted(self.scope.observations)),
        )
        return None
    if self.in_history:
        message = f"{self.said(node)} is an observation, which is judged; history looks at events and facts only"
        self.fault(node, NOT_HERE, message)
        return None
    return e.Observation(key)


def _tool_event(self: Checker, node: Node) -> Expr | None:
    tool = literal_text(self, node.parts[0], node.value)
    if tool is None:
        return None
    if tool == "*" and node.value == "failed":
        return e.Event("failed", "*")
    if tool not in self.scope.tools:
        help_ = self.scope.suggest(tool, sorted(self.scope.tools))
        message = (
            f"there is no tool `{tool}`" if tool != "*" else f"only `failed` is about any tool, `{node.value}` is not"
        )
        self.fault(node.parts[0], UNKNOWN_NAME, message, help_)
        return None
    return e.Event(node.value, tool)


def _history(self: Checker, node: Node) -> Expr | None:
    if not self.scope.history:
        self.fault(node, NOT_HERE, f"`{node.value}` looks at the past, which cannot be asked here")
        return None
    bounded = node.value in ("once", "count") and len(node.parts) == 2
    operands = _past(self, node.parts[:-1] if bounded else node.parts)
    bound = _within(self, node.parts[1]) if bounded else None
    if operands is None or (bounded and bound is None):
        return None
    within, unit = bound or (None, "turns")
    return e.History(node.value, operands, within, cast("Any", unit), INT if node.value == "count" else BOOL)


def _past(self: Checker, parts: Any) -> tuple[Expr, ...] | None:
    before, self.in_history = self.in_history, True
    operands = [self.expect(part, BOOL) for part in parts]
    self.in_history = before
    return None if None in operands else tuple(cast("list[Expr]", operands))


def _within(self: Checker, node: Node) -> tuple[int, str] | None:
    bound = self.infer(node)
    if bound is None:
        return None
    value = bound.value if isinstance(bound, e.Const) else None
    if bound.type == INT and isinstance(value, int) and 0 < value <= MAX_WITHIN_TURNS:
        return value, "turns"
    if isinstance(value, timedelta) and value > timedelta() and not value.microseconds:
        return value // timedelta(seconds=1), "seconds"
    message = f"{self.said(node)} is not a number of turns, nor a duration in whole seconds"
    self.fault(node, TYPE, message, 'write `3` or `duration("1h")`')
    return None


FUNCTIONS: dict[str, tuple[tuple[int, ...], Rule]] = {
    "has": ((1,), _has),
    "timestamp": ((1,), _moment),
    "duration": ((1,), _moment),
    "observation": ((1,), _observation),
    "called": ((1,), _tool_event),
    "succeeded": ((1,), _tool_event),
    "failed": ((1,), _tool_event),
    "once": ((1, 2), _history),
    "since": ((2,), _history),
    "previously": ((1,), _history),
    "historically": ((1,), _history),
    "count": ((1, 2), _history),
}
"""What is called as ``f(x)``: how many arguments it takes, and what it means."""

METHODS: dict[str, tuple[tuple[int, ...], Rule]] = {
    "size": ((1,), _size),
    "startsWith": ((2,), _text_test),
    "endsWith": ((2,), _text_test),
    "contains": ((2,), _text_test),
}
"""What is called as ``x.f(y)``, and as ``f(x, y)``; the count includes ``x``."""

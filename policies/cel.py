"""The syntax of formulas: CEL, read with cel-python's grammar, as a tree of what the author wrote.

The grammar file is cel-python's own, taken from its distribution without importing the package (which is slow and brings
an evaluator that we do not use). Three things are changed in it, all checked to fit when it is loaded: ``implies`` is
added, rules with one child stand for that child, and ``in`` ends where a word ends. What a formula means, and which part
of CEL is accepted, is for :mod:`jurat.policies.checking` to say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Protocol, Self, cast

from jurat.policies.cel_faults import SyntaxFault, explain
from jurat.policies.errors import InternalError
from jurat.policies.literals import TEXT_TOKENS, LiteralFault, text_of
from jurat.policies.values import journey_name

if TYPE_CHECKING:
    from lark import Lark, Token, Transformer

MAX_CHARACTERS = 100_000
"""The longest formula."""

MAX_NESTING = 100
"""How deep a formula may be nested; ``&&``, ``||`` and parentheses do not count. Keeps every recursion over it safe."""


class Node:
    """A piece of syntax: what it is, its text's offsets (end exclusive), its operands, how deep it goes.

    ``kind`` is an operator (``&&``, ``<``, ``in``, ``?``, ``not``, ``neg``), ``name`` (``value`` is the dotted name),
    ``call`` and ``method`` (``value`` is the function; a method's first operand is what it is called on), ``list``,
    ``index``, ``literal`` (``value`` is the token), or one of those that no formula uses: ``map``, ``object``, ``select``,
    ``absolute``.
    """

    __slots__ = ("depth", "end", "kind", "parts", "start", "value")

    def __init__(self, kind: str, start: int, end: int, parts: Sequence[Node] = (), value: Any = None) -> None:
        self.kind = kind
        self.start = start
        self.end = end
        self.parts = parts
        self.value = value
        self.depth: int = 1 + max([part.depth for part in parts]) if parts else 1


class Literal(str):  # noqa: SLOT000 - a subclass of str cannot have slots
    """A literal as it was written; ``type`` is the grammar's name for its kind."""

    type: str

    def __new__(cls, type_: str, text: str) -> Self:
        found = super().__new__(cls, text)
        found.type = type_
        return found


class Memory(Protocol):
    """Remembers the syntax of formulas from one run to the next."""

    def recall(self, text: str) -> Node | None: ...

    def keep(self, text: str, node: Node) -> None: ...


MEMORY: ContextVar[Memory | None] = ContextVar("MEMORY", default=None)
"""The memory in use, if any: :func:`jurat.policies.syntax_memory.remembering`."""


def parse(text: str) -> Node:
    """The syntax of a formula; raises :class:`~jurat.policies.cel_faults.SyntaxFault`."""
    if len(text) > MAX_CHARACTERS:
        raise SyntaxFault(0, len(text), f"the formula is longer than {MAX_CHARACTERS} characters")
    if not text.strip():
        raise SyntaxFault(0, len(text), "the formula is empty")
    memory = MEMORY.get()
    if memory is None:
        return _parse(text)
    found = memory.recall(text)
    if found is None:
        memory.keep(text, found := _parse(text))
    return found


@lru_cache(maxsize=1024)
def _parse(text: str) -> Node:
    from lark.exceptions import UnexpectedInput

    try:
        node: Node = _parser().parse(text)  # type: ignore[assignment]
    except UnexpectedInput as error:
        raise explain(text, error) from None
    if node.depth > MAX_NESTING:
        raise SyntaxFault(node.start, node.end, f"the formula is nested more than {MAX_NESTING} deep")
    return node


@cache
def _parser() -> Lark:
    from lark import Lark

    # Building the nodes while parsing, with tokens kept for their places, is what makes a formula cost 0.1 ms.
    builder = cast("Transformer[Token, Node]", SimpleNamespace(**_RULES))
    return Lark(
        _grammar(), start="expr", parser="lalr", transformer=builder, keep_all_tokens=True, maybe_placeholders=False
    )


_CHANGES = (
    (
        r'^expr\s*:\s*conditionalor \["\?" conditionalor ":" expr\]$',
        'expr : implication ["?" implication ":" expr]\nimplication : conditionalor [IMPLIES implication]',
    ),
    (r'^relation_in(\s*): relation "in"$', r"relation_in\1: relation IN"),
    (r"\Z", "\nIMPLIES.2 : /implies(?![_a-zA-Z0-9])/\nIN.2 : /in(?![_a-zA-Z0-9])/\n"),
    *(
        (rf"^({rule}\s*:)", r"?\1")
        for rule in [
            "expr",
            "implication",
            "conditionalor",
            "conditionaland",
            "relation",
            "addition",
            "multiplication",
            "unary",
            "member",
            "primary",
        ]
    ),
)


def _grammar() -> str:
    """cel-python's grammar with our changes."""
    package = find_spec("celpy")
    if package is None or package.origin is None:
        raise InternalError("cel-python, whose grammar formulas are read with, is not installed")
    grammar = Path(package.origin).with_name("cel.lark").read_text(encoding="utf-8")
    for pattern, replacement in _CHANGES:
        grammar, count = re.subn(pattern, replacement, grammar, flags=re.MULTILINE)
        if count != 1:
            raise InternalError(f"the grammar of this release of cel-python is not the one expected, at {pattern}")
    return grammar


Children = list[Any]
"""What lark gives a rule's callback: the nodes of the rules below and the tokens between them, in order."""


def _binary(children: Children) -> Node:
    left, operator, right = children
    return Node(str(operator), left.start, right.end, (left, right))


def _flat(children: Children) -> Node:
    """``&&`` and ``||``, whose operands are one list however they were put in parentheses."""
    left, operator, right = children
    if left.kind != operator:
        left = Node(str(operator), left.start, left.end, [left])
    left.parts.extend(right.parts if right.kind == operator else (right,))
    left.end = right.end
    left.depth = max(left.depth, right.depth + (right.kind != operator))
    return cast("Node", left)


def _expr(children: Children) -> Node:
    test, _, then, _, other = children
    return Node("?", test.start, other.end, (test, then, other))


def _operation(children: Children) -> Node:
    """``relation_lt`` and its like give ``[left, operator]``, the rule above adds the right side."""
    (left, operator), right = children
    return Node(str(operator), left.start, right.end, (left, right))


def _unary(children: Children) -> Node:
    (sign,), operand = children
    return Node("not" if sign == "!" else "neg", sign.start_pos, operand.end, (operand,))


def _arguments(children: Children) -> Sequence[Node]:
    """Those between the parentheses that end a call."""
    return children[-2] if isinstance(children[-2], tuple) else ()


def _ident(children: Children) -> Node:
    token: Token = children[0]
    kind = "literal" if token in ("true", "false", "null") else "name"
    return Node(
        kind,
        token.start_pos or 0,
        token.end_pos or 0,
        (),
        Literal(token.type, token) if kind == "literal" else str(token),
    )


def _ident_arg(children: Children) -> Node:
    return Node("call", children[0].start_pos, children[-1].end_pos, _arguments(children), str(children[0]))


def _member_dot(children: Children) -> Node:
    target, _, name = children
    if target.kind == "name":
        return Node("name", target.start, name.end_pos, (), f"{target.value}.{name}")
    if (journey := _journey_of(target)) is not None:
        return Node("name", target.start, name.end_pos, (), journey_name(journey, str(name)))
    return Node("select", target.start, name.end_pos, (target,), str(name))


def _journey_of(node: Node) -> str | None:
    """The id in ``journey["id"]``, which is how one that is no name is written."""
    if node.kind != "index" or (node.parts[0].kind, node.parts[0].value) != ("name", "journey"):
        return None
    index = node.parts[1]
    if index.kind != "literal" or index.value.type not in TEXT_TOKENS:
        return None
    try:
        return text_of(index.value)
    except LiteralFault:
        return None  # told of where it is read as an index


def _member_dot_arg(children: Children) -> Node:
    target = children[0]
    return Node("method", target.start, children[-1].end_pos, (target, *_arguments(children)), str(children[2]))


def _member_index(children: Children) -> Node:
    target, _, index, close = children
    return Node("index", target.start, close.end_pos, (target, index))


def _literal(children: Children) -> Node:
    token: Token = children[0]
    return Node("literal", token.start_pos or 0, token.end_pos or 0, (), Literal(token.type, token))


def _paren(children: Children) -> Node:
    """What is inside, with the parentheses as part of its text."""
    node: Node = children[1]
    node.start, node.end = children[0].start_pos, children[2].end_pos
    return node


def _list(children: Children) -> Node:
    return Node("list", children[0].start_pos, children[-1].end_pos, _arguments(children))


def _items(children: Children) -> tuple[Node, ...]:
    return tuple(children[::2])


def _unused(kind: str) -> Callable[[Children], Node]:
    """A form of CEL that no formula has, kept for its place in the text."""

    def build(children: Children) -> Node:
        first, last = children[0], children[-1]
        start = first.start if isinstance(first, Node) else first.start_pos
        return Node(kind, start, last.end_pos)

    return build


# What each rule of the grammar makes of what was read below it.
_RULES: dict[str, Callable[[Children], Any]] = {
    "expr": _expr,
    "implication": _binary,
    "conditionalor": _flat,
    "conditionaland": _flat,
    **dict.fromkeys(("relation", "addition", "multiplication"), _operation),
    **dict.fromkeys((f"relation_{name}" for name in ("lt", "le", "gt", "ge", "eq", "ne", "in")), list),
    **dict.fromkeys(("addition_add", "addition_sub"), list),
    **dict.fromkeys((f"multiplication_{name}" for name in ("mul", "div", "mod")), list),
    **dict.fromkeys(("unary_not", "unary_neg"), list),
    "unary": _unary,
    "ident": _ident,
    "ident_arg": _ident_arg,
    "member_dot": _member_dot,
    "member_dot_arg": _member_dot_arg,
    "member_index": _member_index,
    "literal": _literal,
    "paren_expr": _paren,
    "list_lit": _list,
    "exprlist": _items,
    "map_lit": _unused("map"),
    "member_object": _unused("object"),
    "dot_ident": _unused("absolute"),
    "dot_ident_arg": _unused("absolute"),
}

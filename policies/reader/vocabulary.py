"""What a policy talks about: facts, constants, observations, events, decisions, replies, agents."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar, get_args

from jurat.policies.agents import AGENT, agent_fact
from jurat.policies.diagnostics import Diagnostic, Note
from jurat.policies.model import (
    ConstantDeclaration,
    DecisionDeclaration,
    EventDeclaration,
    FactDeclaration,
    FactSource,
    ObservationDeclaration,
    Vocabulary,
)
from jurat.policies.reader.documents import MAPPINGS, Entries, Sections
from jurat.policies.reader.faults import Faults
from jurat.policies.reader.nodes import Fields, Node, Scalar
from jurat.policies.reader.replies import read_replies
from jurat.policies.reader.shapes import choice_of, fields_of, flag_of, id_of, text_of, wrong
from jurat.policies.reader.texts import identity
from jurat.policies.reader.types import BOUNDS, SHAPES, inferred, literal_of, raw_of, type_of, type_of_fields
from jurat.policies.types import DECIMAL, INT, ScalarType, Type, Value

_PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")
_WORDS = frozenset((
    "as", "break", "const", "continue", "else", "false", "for", "function", "if", "implies", "import", "in", "let",
    "loop", "namespace", "null", "package", "return", "true", "var", "void", "while",
))  # fmt: skip
"""Words of the formula language, and those that CEL keeps for its future; they can follow a dot."""

_BUILT_IN = ("session.started", "session.ended", "message.received", "message.pii", AGENT)
_TAKEN = ("journey", "arguments")
Declared = TypeVar("Declared")


def read_vocabulary(faults: Faults, sections: Sections) -> Vocabulary:
    """Everything a formula can name, but for tools, which hold formulas themselves."""
    _refuse_shared_names(faults, sections)
    vocabulary = Vocabulary(
        facts=_each(faults, sections["facts"], _fact),
        observations=_each(faults, sections["observations"], _observation),
        events=_each(faults, sections["events"], _event),
        constants=_each(faults, sections["constants"], _constant),
        decisions=_each(faults, sections["decisions"], _decision),
        replies=read_replies(faults, sections),
    )
    _refuse_equal_texts(faults, vocabulary)
    if len(sections["agents"]) > 1:
        vocabulary.facts[AGENT] = agent_fact(sections["agents"])
    return vocabulary


def _each(
    faults: Faults, entries: Entries, read: Callable[[Faults, Scalar, Node], Declared | None]
) -> dict[str, Declared]:
    found = ((key.text, read(faults, key, node)) for key, node in entries.values())
    return {name: declared for name, declared in found if declared is not None}


def _refuse_shared_names(faults: Faults, sections: Sections) -> None:
    """Facts, observations, events and constants meet in formulas, so no two of them share a name."""
    first: dict[str, tuple[str, Scalar]] = {}
    for section in ("facts", "observations", "events", "constants"):
        what = MAPPINGS[section]
        for name, (key, _) in sections[section].items():
            _check_word(faults, key, dotted=section in ("facts", "events"))
            if name in first:
                other, place = first[name]
                note = Note(place.span, "first given here")
                faults.at(key, "P304", f"`{name}` names {other} and {what}", related=[note])
            first.setdefault(name, (what, key))


def _check_word(faults: Faults, key: Scalar, *, dotted: bool) -> None:
    name = key.text
    if not _PATH.fullmatch(name) or ("." in name and not dotted):
        plain = re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_")
        advice = f"write `{plain}`" if _PATH.fullmatch(plain) else ""
        parts = "letters, digits and `_`" + (", in parts joined by dots" if dotted else "")
        faults.at(key, "P306", f"`{name}` cannot be used in a formula; such a name has {parts}", help=advice)
        return
    first = name.split(".")[0]
    if first in _WORDS:
        faults.at(key, "P306", f"`{first}` is a word of the formula language, so no name starts with it")
    elif first in _TAKEN or name in _BUILT_IN:
        faults.at(key, "P306", f"`{name}` is built in; give another name")


def _refuse_equal_texts(faults: Faults, vocabulary: Vocabulary) -> None:
    first: dict[str, ObservationDeclaration] = {}
    for each in vocabulary.observations.values():
        other = first.setdefault(identity(each.text), each)
        if other is not each:
            message = f"`{each.key}` has the same text as `{other.key}`; equal texts are one observation"
            note = Note(other.span, "the first one is here")
            advice = f"use `{other.key}` in both places"
            faults.add(Diagnostic(each.span, "P304", message, each.key, advice, (note,)))


def _fact(faults: Faults, key: Scalar, node: Node) -> FactDeclaration | None:
    source: FactSource = "application"
    fields: dict[str, Node] = {}
    if isinstance(node, Fields):
        fields = fields_of(faults, node, ("type", *sorted(SHAPES), "ordered", *BOUNDS, "from", "default"), "a fact")
        if "from" in fields:
            source = choice_of(faults, fields.pop("from"), "`from`", get_args(FactSource)) or source
    default = fields.pop("default", None)
    type_ = _fact_type(faults, node, fields)
    if default is not None and source == "tools":
        message = "a fact from tools is absent until a tool provides it, so it has no default"
        faults.at(default, "P309", message, help="leave `default` out")
        return None
    value = literal_of(faults, default, type_) if default is not None and type_ is not None else None
    return FactDeclaration(key.text, type_, source, value, key.span) if type_ is not None else None


def _fact_type(faults: Faults, node: Node, fields: dict[str, Node]) -> Type | None:
    if not isinstance(node, Fields):
        return type_of(faults, node)
    for name in [name for name in BOUNDS if name in fields]:
        advice = f"write it inside: `int: {{{name}: …}}`"
        faults.at(fields.pop(name), "P309", f"`{name}` stands beside the type", help=advice)
    given = fields.pop("type", None)
    if given is None:
        return type_of_fields(faults, node, fields)
    for name, other in fields.items():
        faults.at(other, "P309", f"`{name}` stands beside `type`", help=f"write it inside: `type: {{{name}: …}}`")
    return type_of(faults, given)


def _observation(faults: Faults, key: Scalar, node: Node) -> ObservationDeclaration | None:
    if not isinstance(node, Fields):
        text, critical = text_of(faults, node, "an observation"), False
    else:
        fields = fields_of(faults, node, ("text", "critical"), "an observation")
        text = required_text(faults, node, fields, "text", "an observation")
        critical = bool("critical" in fields and flag_of(faults, fields["critical"], "`critical`"))
    return ObservationDeclaration(key.text, " ".join(text.split()), critical, span=key.span) if text else None


def required_text(faults: Faults, node: Node, fields: dict[str, Node], name: str, what: str) -> str | None:
    """The text of a field that must be there."""
    if name not in fields:
        faults.at(node, "P303", f"`{name}` is missing from {what}", help=f"add `{name}: …`")
        return None
    return text_of(faults, fields[name], f"`{name}`")


def _event(faults: Faults, key: Scalar, node: Node) -> EventDeclaration | None:
    text = text_of(faults, node, "an event")
    return EventDeclaration(key.text, " ".join(text.split()), key.span) if text else None


def _decision(faults: Faults, key: Scalar, node: Node) -> DecisionDeclaration | None:
    id_of(faults, key, "a decision")
    type_ = type_of(faults, node)
    return DecisionDeclaration(key.text, type_, key.span) if type_ else None


def _constant(faults: Faults, key: Scalar, node: Node) -> ConstantDeclaration | None:
    if isinstance(node, Fields):
        return _constant_map(faults, key, node)
    type_ = _literal_type(faults, node, "a constant is a literal or a mapping of literals")
    if type_ is None:
        return None
    value = literal_of(faults, node, type_)
    return ConstantDeclaration(key.text, type_, value, span=key.span) if value is not None else None


def _constant_map(faults: Faults, key: Scalar, node: Fields) -> ConstantDeclaration | None:
    values = [value for _, value in node.entries.values()]
    keys = [name for name, _ in node.entries.values()]
    type_ = _common_type(faults, values, f"the values of `{key.text}`")
    key_type = _common_type(faults, list(keys), f"the keys of `{key.text}`")
    if type_ is None or key_type is None:
        if not values:
            faults.at(node, "P302", "a constant mapping has at least one value")
        return None
    table: list[tuple[Value, Value]] = []
    for name, value in node.entries.values():
        typed = literal_of(faults, name, key_type), literal_of(faults, value, type_)
        if typed[0] is not None and typed[1] is not None:
            table.append((typed[0], typed[1]))
    return ConstantDeclaration(key.text, type_, None, tuple(sorted(table, key=repr)), key.span)


def _common_type(faults: Faults, nodes: list[Node], what: str) -> ScalarType | None:
    found: ScalarType | None = None
    for node in nodes:
        type_ = _literal_type(faults, node, f"{what} are literals")
        if type_ is None:
            return None
        if found is not None and {found, type_} == {INT, DECIMAL}:
            type_ = DECIMAL
        elif found is not None and found != type_:
            wrong(faults, node, f"{what} are of one type, here {found}")
            return None
        found = type_
    return found


def _literal_type(faults: Faults, node: Node, expected: str) -> ScalarType | None:
    type_ = inferred(raw_of(node)) if isinstance(node, Scalar) else None
    return type_ if type_ is not None else wrong(faults, node, expected)

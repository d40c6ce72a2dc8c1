"""What a guideline or journey state does."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from jurat.policies.expr import Const, arguments
from jurat.policies.model import Action, Call, Constraint, Decide, Forbid, HandOff, Instruct, Offer, Reply
from jurat.policies.reader.context import Reading
from jurat.policies.reader.nodes import Fields, Node, Scalar
from jurat.policies.reader.shapes import entries_of, fields_of, items_of, name_of, names_of, text_of, wrong
from jurat.policies.reader.types import inferred, literal_of, raw_of


def actions_of(reading: Reading, fields: dict[str, Node]) -> tuple[Action, ...]:
    """All actions of the fields, in the order of the language's table."""
    return tuple(action for name, read in _READERS.items() if name in fields for action in read(reading, fields[name]))


def tool_is_known(reading: Reading, node: Node, name: str) -> bool:
    """Whether a tool is declared, or named at all where no file declares tools; reported when not."""
    return reading.known(node, name, reading.names.tools, "tool")


def instruct(reading: Reading, node: Node, what: str = "`action`") -> Iterator[Instruct]:
    """One instruction to the responder."""
    text = text_of(reading.faults, node, what)
    if text:
        yield Instruct(text, node.span)


def calls(reading: Reading, node: Node) -> Iterator[Call]:
    """The tools that run, with what is said of their arguments."""
    seen: set[str] = set()
    for item in items_of(reading.faults, node, "`tools`"):
        call = _call(reading, item)
        if call and call.tool in seen:
            reading.faults.at(item, "P304", f"`{call.tool}` is listed twice; a tool runs once per activation")
        elif call:
            seen.add(call.tool)
            yield call


def _call(reading: Reading, node: Node) -> Call | None:
    if not isinstance(node, Fields):
        name = name_of(reading.faults, node, "each item of `tools`")
        return Call(name, (), node.span) if name and tool_is_known(reading, node, name) else None
    if len(node.entries) != 1:
        return wrong(reading.faults, node, "each item of `tools` names one tool", "write `{tool: {argument: value}}`")
    ((key, said),) = node.entries.values()
    if not tool_is_known(reading, key, key.text):
        return None
    each = (_constraint(reading, key.text, *entry) for entry in entries_of(reading.faults, said, f"`{key.text}`"))
    return Call(key.text, tuple(constraint for constraint in each if constraint), node.span)


def _constraint(reading: Reading, tool: str, key: Scalar, node: Node) -> Constraint | None:
    if not isinstance(node, Scalar) or node.empty:
        return wrong(reading.faults, node, f"the argument `{key.text}` is a value or a formula")
    parameters = reading.formulas.parameters(tool)
    if parameters and not reading.known(key, key.text, parameters, f"parameter of `{tool}`"):
        return None
    value = raw_of(node)
    if not isinstance(value, str):
        type_ = parameters.get(key.text) or inferred(value)
        literal = literal_of(reading.faults, node, type_) if type_ else None
        return None if literal is None or type_ is None else Constraint(
            key.text, value=Const(literal, type_), text=node.text, span=node.span
        )  # fmt: skip
    return _written(reading, tool, key.text, node)


def _written(reading: Reading, tool: str, argument: str, node: Scalar) -> Constraint | None:
    formula = reading.formulas.of_argument(node, tool, argument)
    if formula is None:
        return None
    if arguments(formula.expr):
        return Constraint(argument, formula=formula.expr, text=formula.text, span=formula.span)
    return Constraint(argument, value=formula.expr, text=formula.text, span=formula.span)


def _offers(reading: Reading, node: Node) -> Iterator[Offer]:
    for place, name in names_of(reading.faults, node, "`offer`"):
        if tool_is_known(reading, place, name):
            yield Offer(name, place.span)


def _forbids(reading: Reading, node: Node) -> Iterator[Forbid]:
    for item in items_of(reading.faults, node, "`forbid`"):
        if isinstance(item, Fields):
            yield from _forbidden_words(reading, item)
        else:
            name = name_of(reading.faults, item, "each item of `forbid`")
            if name and tool_is_known(reading, item, name):
                yield Forbid("tool", name, item.span)


def _forbidden_words(reading: Reading, node: Fields) -> Iterator[Forbid]:
    fields = fields_of(reading.faults, node, ("topic", "reply"), "an item of `forbid`")
    if "topic" in fields and (text := text_of(reading.faults, fields["topic"], "`topic`")):
        yield Forbid("topic", " ".join(text.split()), fields["topic"].span)
    if "reply" in fields and (name := _reply_id(reading, fields["reply"])):
        yield Forbid("reply", name, fields["reply"].span)


def _reply_id(reading: Reading, node: Node) -> str | None:
    name = name_of(reading.faults, node, "`reply`")
    return name if name and reading.known(node, name, reading.names.replies, "reply") else None


def _decides(reading: Reading, node: Node) -> Iterator[Decide]:
    decisions = reading.vocabulary.decisions
    for key, said in entries_of(reading.faults, node, "`decide`"):
        if key.text not in reading.sections["decisions"]:
            reading.known(key, key.text, reading.sections["decisions"], "decision")
        elif key.text in decisions:
            value = literal_of(reading.faults, said, decisions[key.text].type)
            if value is not None:
                yield Decide(key.text, value, key.span.to(said.span))


def _replies(reading: Reading, node: Node) -> Iterator[Reply]:
    if name := _reply_id(reading, node):
        yield Reply(name, node.span)


def _hand_off(reading: Reading, node: Node) -> Iterator[HandOff]:
    name = name_of(reading.faults, node, "`hand_off`")
    if name and (name == "human" or reading.known(node, name, ("human", *reading.names.agents), "agent")):
        yield HandOff(name, node.span)


_READERS: dict[str, Callable[[Reading, Node], Iterator[Action]]] = {
    "action": instruct,
    "tools": calls,
    "offer": _offers,
    "forbid": _forbids,
    "decide": _decides,
    "reply": _replies,
    "hand_off": _hand_off,
}
ACTIONS = tuple(_READERS)

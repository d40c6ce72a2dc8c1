"""Goals: what an author wants to be answered, and by what."""

from __future__ import annotations

from collections.abc import Collection

from jurat.policies.model import Expectation, Goal
from jurat.policies.reader.allowances import allow_of
from jurat.policies.reader.context import Reading
from jurat.policies.reader.nodes import Fields, Items, Node, Scalar
from jurat.policies.reader.refs import ref_of
from jurat.policies.reader.shapes import enumeration, fields_of, id_of, items_of, name_of, wrong

FIELDS = ("when", "expect", "allow")
ACTIONS = ("call", "decide", "reply")
WORDS = ("answer", "hand_off")
"""What can be expected without naming anything; a guideline or journey of that name is not meant."""


def read_goals(reading: Reading) -> tuple[Goal, ...]:
    """All goals."""
    found = (_goal(reading, key, node) for key, node in reading.sections["goals"].values())
    return tuple(goal for goal in found if goal)


def _goal(reading: Reading, key: Scalar, node: Node) -> Goal | None:
    id_of(reading.faults, key, "a goal")
    fields = fields_of(reading.faults, node, FIELDS, "a goal") if isinstance(node, Fields) else {"when": node}
    if "when" not in fields:
        reading.faults.at(key, "P303", f"goal `{key.text}` does not say when", help="add `when: …`")
        return None
    formula = reading.formulas.truth(fields["when"], f"the condition of goal `{key.text}`")
    expect = _expectations(reading, fields["expect"]) if "expect" in fields else (Expectation("answer"),)
    allow = allow_of(reading, fields)
    if formula is None or not expect:
        return None
    return Goal(key.text, formula.expr, formula.text, expect, key.span, allow)


def _expectations(reading: Reading, node: Node) -> tuple[Expectation, ...]:
    """What is expected; unknown things are reported and left out, one that is listed twice too."""
    found: dict[Expectation, None] = {}
    items = items_of(reading.faults, node, "`expect`")
    if isinstance(node, Items) and not items:
        reading.faults.at(node, "P302", "a goal that expects nothing is never met", help="leave `expect` out")
    for item in items:
        each = _action(reading, item) if isinstance(item, Fields) else _named(reading, item)
        if each in found:
            reading.faults.at(item, "P304", f"`{each}` is listed twice")
        elif each:
            found[each] = None
    return tuple(found)


def _named(reading: Reading, node: Node) -> Expectation | None:
    """``answer``, ``hand_off``, or a reference."""
    for word in WORDS:
        if isinstance(node, Scalar) and node.text == word:
            return Expectation(word, span=node.span)  # type: ignore[arg-type]  # WORDS are kinds
    ref = ref_of(reading, node, "each item of `expect`")
    return Expectation(ref.kind, ref.id, node.span) if ref and ref.kind != "any_tag" else None


def _action(reading: Reading, node: Fields) -> Expectation | None:
    fields = fields_of(reading.faults, node, ACTIONS, "an item of `expect`")
    if len(fields) != 1:
        if len(node.entries) != 1:
            wrong(reading.faults, node, f"each item of `expect` names one of {enumeration(ACTIONS, 'or')}")
        return None
    ((kind, said),) = fields.items()
    name = name_of(reading.faults, said, f"`{kind}`")
    if name is None or not reading.known(said, name, *_known(reading)[kind]):
        return None
    return Expectation(kind, name, node.span)  # type: ignore[arg-type]  # ACTIONS are kinds


def _known(reading: Reading) -> dict[str, tuple[Collection[str], str]]:
    """What each action can name, and what an author calls it."""
    names = reading.names
    return {
        "call": (names.tools, "tool"),
        "decide": (reading.sections["decisions"], "decision"),
        "reply": (names.replies, "reply"),
    }

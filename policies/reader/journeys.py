"""Journeys: state machines that a conversation goes through."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Literal

from jurat.policies.diagnostics import Note
from jurat.policies.expr import TRUE, Formula
from jurat.policies.journeys import answers, circle, expanded
from jurat.policies.model import Action, Call, Journey, State, Transition
from jurat.policies.reader.actions import instruct, tool_is_known
from jurat.policies.reader.allowances import allow_of
from jurat.policies.reader.conditions import condition_of, trigger_of
from jurat.policies.reader.context import Reading
from jurat.policies.reader.guidelines import rank_of, tags_of
from jurat.policies.reader.nodes import Items, Node, Scalar
from jurat.policies.reader.phrasing import FIELDS as PHRASING
from jurat.policies.reader.phrasing import phrasing_of
from jurat.policies.reader.refs import RELATION_KINDS
from jurat.policies.reader.shapes import (
    STATE_ID,
    choice_of,
    entries_of,
    enumeration,
    fields_of,
    flag_of,
    id_of,
    is_mapping,
    items_of,
    name_of,
)

FIELDS = (
    "triggers", "rank", "tags", "initial", "on_end", "states", "back", "allow", *PHRASING, *RELATION_KINDS,
)  # fmt: skip
Kind = Literal["chat", "tool", "fork", "end"]
STATE_KINDS: dict[str, Kind] = {
    "say": "chat", "ask": "chat", "tool": "tool", "fork": "fork", "end": "end", "journey": "fork",
}  # fmt: skip


def read_journeys(reading: Reading) -> dict[str, Journey]:
    """All journeys by id, their states plain; those that cannot be used are reported and left out."""
    drafts = {key.text: _journey(reading, key, node) for key, node in reading.sections["journeys"].values()}
    written = {name: draft for name, draft in drafts.items() if draft}
    found: dict[str, Journey] = {}
    for name in written:
        _plain(reading, written, name, found)
    return {name: found[name] for name in written if name in found}


def _plain(reading: Reading, written: Mapping[str, Draft], name: str, found: dict[str, Journey]) -> None:
    """Add a journey with plain states to those found, after the journeys within it."""
    outline, (journey, back) = reading.names.outlines[name], written[name]
    if name in found or circle(reading.names.outlines, name):
        return
    for inner in outline.within.values():
        if inner in written:
            _plain(reading, written, inner, found)
    if all(inner in found for inner in outline.within.values()):
        plain = expanded(journey, outline, found, back)
        order = reading.names.journeys[name]
        found[name] = replace(plain, states={each: plain.states[each] for each in order if each in plain.states})


Draft = tuple[Journey, tuple[Transition, ...]]
"""A journey with its states as written, and its ways back."""


def _journey(reading: Reading, key: Scalar, node: Node) -> Draft | None:
    if id_of(reading.faults, key, "a journey") == "agent":
        reading.faults.at(key, "P306", "`agent` is the scope of the whole agent; give the journey another name")
    fields = fields_of(reading.faults, node, FIELDS, "a journey")
    inner = any(key.text in outline.within.values() for outline in reading.names.outlines.values())
    needed = ("initial", "states") if inner else ("triggers", "initial", "states")
    missing = [name for name in needed if name not in fields]
    for name in missing if is_mapping(node) else ():
        reading.faults.at(key, "P303", f"`{name}` is missing from journey `{key.text}`")
    if missing:
        return None
    states = dict(_states(reading, key.text, fields["states"]))
    initial = _initial(reading, key.text, fields["initial"])
    on_end = choice_of(reading.faults, fields["on_end"], "`on_end`", ("deactivate",)) if "on_end" in fields else None
    triggers = tuple(_triggers(reading, fields["triggers"])) if "triggers" in fields else ()
    rank, tags = rank_of(reading, fields), tags_of(reading, fields)
    allow, phrasing = allow_of(reading, fields), phrasing_of(reading, fields)
    journey = Journey(key.text, triggers, initial, states, rank, tags, on_end, key.span, allow, phrasing)
    return journey, tuple(_back(reading, key.text, fields["back"])) if "back" in fields else ()


def _back(reading: Reading, journey: str, node: Node) -> Iterator[Transition]:
    for item in items_of(reading.faults, node, "`back`"):
        fields = fields_of(reading.faults, item, ("when", "condition", "state"), "a way back")
        if transition := _transition(reading, journey, item, fields):
            if transition.condition == TRUE:
                reading.faults.at(item, "P303", "a way back has `when` or `condition`")
            yield transition


def _triggers(reading: Reading, node: Node) -> Iterator[Formula]:
    items = node.items if isinstance(node, Items) else [node]
    if not items:
        reading.faults.at(node, "P302", "a journey has at least one trigger")
    for item in items:
        if trigger := trigger_of(reading, item):
            yield trigger


def _initial(reading: Reading, journey: str, node: Node) -> str:
    name = name_of(reading.faults, node, "`initial`") or ""
    if name:
        _check_state(reading, node, journey, name)
    return name


def _check_state(reading: Reading, node: Node, journey: str, name: str) -> None:
    states = reading.names.outlines[journey].states
    if name not in states:
        advice = reading.faults.near_miss(name, states)
        reading.faults.at(node, "P305", f"journey `{journey}` has no state `{name}`", help=advice)


def _states(reading: Reading, journey: str, node: Node) -> Iterator[tuple[str, State]]:
    entries = entries_of(reading.faults, node, "`states`")
    if not entries:
        reading.faults.at(node, "P302", f"journey `{journey}` has no states")
    for key, entry in entries:
        id_of(reading.faults, key, "a state", STATE_ID)
        if reading.names.journeys[journey].count(key.text) > 1:
            reading.faults.at(key, "P304", f"`{key.text}` is also a state that a question or an inner journey has here")
        if state := _state(reading, journey, key, entry):
            yield key.text, state


def _state(reading: Reading, journey: str, key: Scalar, node: Node) -> State | None:
    fields = fields_of(reading.faults, node, (*STATE_KINDS, "to", *PHRASING), "a state")
    given = [name for name in STATE_KINDS if name in fields]
    if len(given) != 1 and not is_mapping(node):
        return None
    if len(given) != 1:
        found = enumeration(given) if given else "none"
        message = f"state `{key.text}` has one of {enumeration(STATE_KINDS)}, here it has {found}"
        reading.faults.at(key, "P309", message)
        return None
    kind = given[0]
    if kind == "end" and "to" in fields:
        reading.faults.at(fields["to"], "P309", f"state `{key.text}` ends the journey, so it leads nowhere")
    transitions = tuple(_transitions(reading, journey, fields["to"])) if "to" in fields else ()
    actions, phrasing = tuple(_actions(reading, kind, fields[kind])), phrasing_of(reading, fields)
    state = State(key.text, STATE_KINDS[kind], actions, transitions, key.span, phrasing)
    if kind == "ask" and not answers(state):
        advice = "give one of its transitions a condition, or write `say`"
        reading.faults.at(key, "P303", f"nothing says when the question `{key.text}` is answered", help=advice)
    if kind == "journey":
        _check_inner(reading, journey, fields[kind])
    return state


def _check_inner(reading: Reading, journey: str, node: Node) -> None:
    name = name_of(reading.faults, node, "`journey`")
    if name and reading.known(node, name, reading.names.journeys, "journey"):
        outlines = reading.names.outlines
        way = next((way for each in (journey, name) if (way := circle(outlines, each))), ())
        if way:
            told = " → ".join(f"`{each}`" for each in way)
            reading.faults.at(node, "P309", f"journeys contain each other in a circle: {told}")


def _actions(reading: Reading, kind: str, node: Node) -> Iterator[Action]:
    if kind in ("say", "ask"):
        yield from instruct(reading, node, f"`{kind}`")
    elif kind == "tool":
        name = name_of(reading.faults, node, "`tool`")
        if name and tool_is_known(reading, node, name):
            yield Call(name, (), node.span)
    elif kind != "journey" and flag_of(reading.faults, node, f"`{kind}`") is False:
        reading.faults.at(node, "P302", f"`{kind}` can only be true", help="leave it out")


def _transitions(reading: Reading, journey: str, node: Node) -> Iterator[Transition]:
    last: Node | None = None
    for item in items_of(reading.faults, node, "`to`"):
        fields = fields_of(reading.faults, item, ("when", "condition", "state", "otherwise"), "a transition")
        transition = _transition(reading, journey, item, fields)
        if transition is None:
            continue
        if transition.otherwise and last:
            note = Note(last.span, "the first one is here")
            reading.faults.at(item, "P309", "a second `otherwise` can never be taken", related=[note])
        last = item if transition.otherwise else last
        yield transition


def _transition(reading: Reading, journey: str, node: Node, fields: dict[str, Node]) -> Transition | None:
    if "state" not in fields:
        advice = "add `state: …`"
        if is_mapping(node):
            reading.faults.at(node, "P303", "`state` is missing from a transition", help=advice)
        return None
    target = name_of(reading.faults, fields["state"], "`state`")
    if target is None:
        return None
    _check_state(reading, fields["state"], journey, target)
    otherwise = "otherwise" in fields and flag_of(reading.faults, fields["otherwise"], "`otherwise`")
    if otherwise and ("when" in fields or "condition" in fields):
        reading.faults.at(node, "P309", "a transition has a condition or `otherwise`, not both")
        return None
    condition = condition_of(reading, fields, node.span)
    return Transition(target, condition.expr, bool(otherwise), condition.text, node.span)

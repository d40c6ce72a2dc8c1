"""Journeys: state machines that a conversation goes through."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from jurat.policies.diagnostics import Note
from jurat.policies.expr import Formula
from jurat.policies.model import Action, Call, Journey, State, Transition
from jurat.policies.reader.actions import instruct, tool_is_known
from jurat.policies.reader.allowances import allow_of
from jurat.policies.reader.conditions import condition_of, trigger_of
from jurat.policies.reader.context import Reading
from jurat.policies.reader.guidelines import rank_of, tags_of
from jurat.policies.reader.nodes import Items, Node, Scalar
from jurat.policies.reader.phrasing import FIELDS as PHRASING
from jurat.policies.reader.phrasing import phrasing_of
from jurat.policies.reader.shapes import (
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

FIELDS = ("triggers", "rank", "tags", "initial", "on_end", "states", "allow", *PHRASING)
Kind = Literal["chat", "tool", "fork", "end"]
STATE_KINDS: dict[str, Kind] = {"say": "chat", "tool": "tool", "fork": "fork", "end": "end"}


def read_journeys(reading: Reading) -> dict[str, Journey]:
    """All journeys by id; those that cannot be used are reported and left out."""
    found = (_journey(reading, key, node) for key, node in reading.sections["journeys"].values())
    return {journey.id: journey for journey in found if journey}


def _journey(reading: Reading, key: Scalar, node: Node) -> Journey | None:
    if id_of(reading.faults, key, "a journey") == "agent":
        reading.faults.at(key, "P306", "`agent` is the scope of the whole agent; give the journey another name")
    fields = fields_of(reading.faults, node, FIELDS, "a journey")
    missing = [name for name in ("triggers", "initial", "states") if name not in fields]
    for name in missing if is_mapping(node) else ():
        reading.faults.at(key, "P303", f"`{name}` is missing from journey `{key.text}`")
    if missing:
        return None
    states = dict(_states(reading, key.text, fields["states"]))
    initial = _initial(reading, key.text, fields["initial"])
    on_end = choice_of(reading.faults, fields["on_end"], "`on_end`", ("deactivate",)) if "on_end" in fields else None
    triggers = tuple(_triggers(reading, fields["triggers"]))
    rank, tags = rank_of(reading, fields), tags_of(reading, fields)
    allow, phrasing = allow_of(reading, fields), phrasing_of(reading, fields)
    return Journey(key.text, triggers, initial, states, rank, tags, on_end, key.span, allow, phrasing)


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
    states = reading.names.journeys[journey]
    if name not in states:
        advice = reading.faults.near_miss(name, states)
        reading.faults.at(node, "P305", f"journey `{journey}` has no state `{name}`", help=advice)


def _states(reading: Reading, journey: str, node: Node) -> Iterator[tuple[str, State]]:
    entries = entries_of(reading.faults, node, "`states`")
    if not entries:
        reading.faults.at(node, "P302", f"journey `{journey}` has no states")
    for key, entry in entries:
        id_of(reading.faults, key, "a state")
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
    return State(key.text, STATE_KINDS[kind], actions, transitions, key.span, phrasing)


def _actions(reading: Reading, kind: str, node: Node) -> Iterator[Action]:
    if kind == "say":
        yield from instruct(reading, node, "`say`")
    elif kind == "tool":
        name = name_of(reading.faults, node, "`tool`")
        if name and tool_is_known(reading, node, name):
            yield Call(name, (), node.span)
    elif flag_of(reading.faults, node, f"`{kind}`") is False:
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

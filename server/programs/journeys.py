"""Journeys as the calls that declare them, with all their states."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from jurat.policies.reader.nodes import Items, Node, Scalar
from jurat.policies.reader.phrasing import FIELDS as PHRASING
from jurat.policies.reader.refs import RELATION_KINDS
from jurat.policies.reader.texts import is_formula
from jurat.server.programs.nodes import Part, entries_of, items_of, text_of
from jurat.server.programs.pieces import conditions_of, given, judged
from jurat.server.programs.source import Call, Name
from jurat.server.programs.variables import Variables

JOURNEY = ("triggers", "rank", "tags", "initial", "on_end", "states", "back", "allow", *PHRASING, *RELATION_KINDS)
_STATE = ("say", "ask", "tool", "fork", "end", "journey", "to", *PHRASING)


def journey_call(variables: Variables, home: str, id_: str, node: Node) -> Call:
    """The call that declares a journey on what is called ``home``."""
    where = f"journeys.{id_}"
    part = Part(where, node, JOURNEY)
    states = {name: _state(variables, f"{where}.states.{name}", each) for name, each in part.entries("states").items()}
    named = {
        "triggers": _triggers(part), "id": id_, "tags": part.texts("tags"), "priority": part.value("rank"),
        "allow": part.mapping("allow"), **variables.phrasing(part), "initial": part.text("initial"), "states": states,
        "back": [_way(f"{where}.back", each) for each in items_of(part.node("back"))] if "back" in part else [],
    }  # fmt: skip
    ends = {} if "on_end" in part else {"on_end": Name("None")}
    return Call(f"{home}.create_journey", [id_], given(named) | ends)


def trigger(node: Node) -> Any:
    """What a call says of a trigger, or of a condition of an axiom."""
    if isinstance(node, Scalar):
        return Call("p.formula", [node.text]) if is_formula(node.text) else judged(node.text)
    part = Part("triggers", node, ("when", "condition"))
    if "when" in part and "condition" in part:
        return Call("p.Trigger", [judged(part.text("condition") or ""), part.text("when")])
    return judged(part.text("condition") or "") if "condition" in part else Call("p.formula", [part.text("when")])


def inner_first(journeys: Mapping[str, Node]) -> Iterator[str]:
    """The ids of journeys, each after those within it; none is within itself."""
    within = {id_: _within(node) & journeys.keys() for id_, node in journeys.items()}
    done: set[str] = set()
    while len(done) < len(within):
        free = next(id_ for id_, inner in within.items() if id_ not in done and inner <= done)
        done.add(free)
        yield free


def _within(node: Node) -> set[str]:
    states = entries_of(node).get("states")
    found = (entries_of(state).get("journey") for state in entries_of(states).values()) if states else ()
    return {text_of(each) for each in found if each is not None}


def _triggers(part: Part) -> list[Any]:
    if "triggers" not in part:
        return []
    node = part.node("triggers")
    return [trigger(each) for each in (node.items if isinstance(node, Items) else [node])]


def _state(variables: Variables, where: str, node: Node) -> Call:
    part = Part(where, node, _STATE)
    does = {
        "say": part.text("say"),
        "ask": part.text("ask"),
        "tool": variables.tool(part.text("tool") or "") if "tool" in part else None,
        "journey": variables.use("journey", part.text("journey") or "") if "journey" in part else None,
        **{name: True for name in ("fork", "end") if name in part},
    }
    ways = [_way(f"{where}.to", each) for each in items_of(part.node("to"))] if "to" in part else []
    return Call("p.State", [], given({**does, **variables.phrasing(part), "to": ways}))


def _way(where: str, node: Node) -> Call:
    part = Part(where, node, ("when", "condition", "state", "otherwise"))
    named = {**conditions_of(part), "otherwise": part.value("otherwise") or None}
    return Call("p.Way", [part.text("state")], given(named))

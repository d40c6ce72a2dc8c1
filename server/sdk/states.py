"""The states of a journey all at once, each with the ways that lead from it, exactly as a policy file has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jurat.policies.reader.shapes import enumeration
from jurat.server.sdk import given
from jurat.server.sdk.actions import phrasing_body
from jurat.server.sdk.document import Document
from jurat.server.sdk.errors import SDKError, unknown
from jurat.server.sdk.relations import Related, declare_tool
from jurat.server.sdk.rules import Formula, Judged, condition_body
from jurat.server.sdk.tool import ToolEntry, check_tool


@dataclass(frozen=True, slots=True)
class Way:
    """A way on to a state of a name; ``otherwise`` is for when no other one is open."""

    state: str
    condition: str | Formula | None = None
    when: str | Formula | None = None
    otherwise: bool = False


@dataclass(frozen=True, slots=True)
class Trigger:
    """A start of a journey where both a text that is judged and a formula must hold."""

    condition: str | Formula | Judged | None = None
    when: str | Formula | None = None


@dataclass(frozen=True, slots=True)
class State:
    """A state: what is said in it, or a question, or the tool that runs, or a fork, or the end, or another journey."""

    say: str | None = None
    tool: ToolEntry | None = None
    fork: bool = False
    end: bool = False
    to: Sequence[Way] = field(default=())
    ask: str | None = None
    journey: Related | None = None
    composition_mode: Any = None
    canned_responses: Sequence[Any] = ()


_KINDS = ("say", "ask", "tool", "fork", "end", "journey")


def states_body(document: Document, states: Mapping[str, Any]) -> dict[str, Any]:
    """States by name, for a policy file. Formulas are not looked at yet, for they may speak of the journey.

    Raises:
        SDKError: what is wrong.
    """
    found = {name: _state(document, name, each) for name, each in given.mapping(states, "`states`").items()}
    if not found:
        raise SDKError("a journey has at least one state, and `states` has none")
    for name, each in states.items():
        check_targets(each.to, found, f"state to which `{name}` could lead")
    return found


def check_targets(ways: Sequence[Way], states: Mapping[str, Any], what: str) -> None:
    """Refuse a way to a state that there is not."""
    for way in ways:
        if way.state not in states:
            raise unknown(what, way.state, states)


def back_body(back: object, states: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The ways back of a journey, for a policy file.

    Raises:
        SDKError: one that is none, or that leads nowhere.
    """
    found = [_way("`back`", each) for each in given.sequence(back, "`back`")]
    for each in found:
        if "condition" not in each and "when" not in each:
            raise SDKError("a way back has a condition")
        if each["state"] not in states:
            raise unknown("state to which `back` could lead", each["state"], states)
    return found


def _state(document: Document, name: str, state: Any) -> dict[str, Any]:
    if not isinstance(state, State):
        raise SDKError(f"`states`: `{name}` is a `p.State(…)`, not `{given.shown(state)}`")
    parts: dict[str, Any] = {kind: getattr(state, kind) for kind in _KINDS}
    said = [part for part, value in parts.items() if value]
    if len(said) != 1:
        raise SDKError(f"the state `{name}` has one of {enumeration(_KINDS)}, not {len(said)}")
    ways = [_way(f"`to` of `{name}`", each) for each in given.sequence(state.to, "`to`")]
    if said[0] == "ask" and not any("condition" in way or "when" in way for way in ways):
        raise SDKError(f"nothing says when the question `{name}` is answered; give one of its ways a condition")
    phrasing = phrasing_body(document, state.composition_mode, state.canned_responses)
    return {said[0]: _does(document, said[0], parts[said[0]]), **phrasing, **({"to": ways} if ways else {})}


def _does(document: Document, kind: str, value: Any) -> Any:
    if kind in ("say", "ask"):
        return given.text(value, f"`{kind}`")
    if kind == "tool":
        return declare_tool(document, check_tool(value, "`tool`"))
    if kind != "journey":
        return given.flag(value, f"`{kind}`")
    if getattr(value, "section", "") != "journeys" or value.document is not document:
        raise SDKError(f"`journey`: `{given.shown(value)}` is no journey of this server")
    return value.id


def _way(what: str, way: Any) -> dict[str, Any]:
    if not isinstance(way, Way):
        raise SDKError(f"{what} has ways, `p.Way(…)`, not `{given.shown(way)}`")
    if way.otherwise and (way.condition is not None or way.when is not None):
        raise SDKError(f"{what}: a way has a condition or `otherwise`, not both")
    said = condition_body(Document(), way.condition, way.when, "a way", check=False)
    return {**said, "state": way.state, **({"otherwise": True} if way.otherwise else {})}

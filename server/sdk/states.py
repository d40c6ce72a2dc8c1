"""The states of a journey all at once, each with the ways that lead from it, exactly as a policy file has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jurat.server.sdk import given
from jurat.server.sdk.document import Document
from jurat.server.sdk.errors import SDKError, unknown
from jurat.server.sdk.relations import declare_tool
from jurat.server.sdk.rules import Formula, condition_body
from jurat.server.sdk.tool import ToolEntry, check_tool


@dataclass(frozen=True, slots=True)
class Way:
    """A way on to a state of a name; ``otherwise`` is for when no other one is open."""

    state: str
    condition: str | Formula | None = None
    when: str | Formula | None = None
    otherwise: bool = False


@dataclass(frozen=True, slots=True)
class State:
    """A state: what is said in it, or the tool that runs, or a fork, or the end."""

    say: str | None = None
    tool: ToolEntry | None = None
    fork: bool = False
    end: bool = False
    to: Sequence[Way] = field(default=())


def states_body(document: Document, states: Mapping[str, Any]) -> dict[str, Any]:
    """States by name, for a policy file. Formulas are not looked at yet, for they may speak of the journey.

    Raises:
        SDKError: what is wrong.
    """
    found = {name: _state(document, name, each) for name, each in given.mapping(states, "`states`").items()}
    if not found:
        raise SDKError("a journey has at least one state, and `states` has none")
    for name, each in states.items():
        for way in each.to:
            if way.state not in found:
                raise unknown(f"state to which `{name}` could lead", way.state, found)
    return found


def _state(document: Document, name: str, state: Any) -> dict[str, Any]:
    if not isinstance(state, State):
        raise SDKError(f"`states`: `{name}` is a `p.State(…)`, not `{given.shown(state)}`")
    parts: dict[str, Any] = {"say": state.say, "tool": state.tool, "fork": state.fork, "end": state.end}
    said = [part for part, value in parts.items() if value]
    if len(said) != 1:
        raise SDKError(f"the state `{name}` has one of `say`, `tool`, `fork` and `end`, not {len(said)}")
    value = parts[said[0]]
    if said[0] == "say":
        value = given.text(value, "`say`")
    elif said[0] == "tool":
        value = declare_tool(document, check_tool(value, "`tool`"))
    ways = [_way(name, each) for each in given.sequence(state.to, "`to`")]
    return {said[0]: value, **({"to": ways} if ways else {})}


def _way(name: str, way: Any) -> dict[str, Any]:
    if not isinstance(way, Way):
        raise SDKError(f"`to` of `{name}` has ways, `p.Way(…)`, not `{given.shown(way)}`")
    if way.otherwise and (way.condition is not None or way.when is not None):
        raise SDKError(f"a way from `{name}` has a condition or `otherwise`, not both")
    said = condition_body(Document(), way.condition, way.when, "a way", check=False)
    return {**said, "state": way.state, **({"otherwise": True} if way.otherwise else {})}

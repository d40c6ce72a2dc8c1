"""What a policy file says of a journey, from what a client says of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from jurat.server.policy_text import PolicyText, listed
from jurat.server.refusals import Refusal
from jurat.server.sdk.events import event_formula
from jurat.server.sdk.finishing import EMPTY

START = "start"


def placeholder(about: str) -> dict[str, Any]:
    """What a journey without states of its own does: what it is about, until it is left."""
    return {"initial": START, "on_end": "deactivate", "states": {START: {"say": about}}, "allow": dict(EMPTY)}


def is_placeholder(body: Mapping[str, Any]) -> bool:
    """Whether a journey has no states of its own."""
    return list(body["states"]) == [START] and set(body["states"][START]) == {"say"} and _is_allowed(body)


def _is_allowed(body: Mapping[str, Any]) -> bool:
    return dict(body.get("allow") or {}).items() >= EMPTY.items()


def merged(body: dict[str, Any], states: Mapping[str, Any], initial: str | None) -> dict[str, Any]:
    """The body with other states: those given, beside those there are, but for the one that stood for none."""
    found, kept = dict(body), body["states"]
    if is_placeholder(body):
        kept = {}
        found["allow"] = {name: why for name, why in (body.get("allow") or {}).items() if name not in EMPTY}
        if not found["allow"]:
            del found["allow"]
    found["states"] = {name: state for name, state in {**kept, **states}.items() if state is not None}
    if not found["states"]:
        raise Refusal(422, "states", "a journey has at least one state")
    found["initial"] = initial or (found["initial"] if found["initial"] in found["states"] else next(iter(states)))
    return found


def trigger_of(text: PolicyText, given: str) -> dict[str, str]:
    """What starts a journey: a text, or the condition of the guideline with this id."""
    body = text.get("guidelines", given)
    if body is not None:
        found = {name: body[name] for name in ("condition", "when") if body.get(name)}
        if not found:
            raise Refusal(422, "triggers", f"`{given}` always applies, so no journey can start with it")
        return found
    formula = event_formula(given)
    return {"when": formula} if formula else {"condition": given}


def shown_trigger(trigger: Any) -> str:
    """What starts a journey, as a text."""
    if isinstance(trigger, Mapping):
        return " && ".join(str(trigger[name]) for name in ("condition", "when") if trigger.get(name))
    return str(trigger)


def about_id(journey: str) -> str:
    """The guideline that says a journey's description for as long as it is active."""
    return f"{journey}-about"


def described(text: PolicyText, journey: str, about: str) -> None:
    """Have a journey say its description: where it has no other state there, else in a guideline of its own."""
    body, id_ = text.get("journeys", journey), about_id(journey)
    if is_placeholder(body):
        if about:
            text.put("journeys", journey, {**body, "states": {START: {"say": about}}})
        return
    if about:
        owners = [each for each in listed(body.get("tags")) if str(each).startswith("agent-")]
        said = {"action": about, "scope": journey, **({"tags": owners} if owners else {})}
        text.put("guidelines", id_, said)
    else:
        text.drop("guidelines", id_)


def mermaid(journey: Mapping[str, Any]) -> str:
    """A journey as a state diagram of Mermaid's."""
    lines = ["stateDiagram-v2", f"    [*] --> {_name(journey['initial'])}"]
    for id_, state in journey["states"].items():
        lines += _state(id_, state)
    return "\n".join(lines) + "\n"


def _state(id_: str, state: Mapping[str, Any]) -> Iterator[str]:
    what = next((kind for kind in ("say", "tool", "fork", "end") if state.get(kind)), "")
    if what in ("say", "tool"):
        yield f"    {_name(id_)}: {_plain(state[what] if what == 'say' else 'run ' + str(state[what]))}"
    elif what == "fork":
        yield f"    state {_name(id_)} <<choice>>"
    else:
        yield f"    {_name(id_)} --> [*]"
    for way in listed(state.get("to")):
        when = "otherwise" if way.get("otherwise") else shown_trigger(way)
        yield f"    {_name(id_)} --> {_name(way['state'])}" + (f": {_plain(when)}" if when else "")


def _name(id_: str) -> str:
    return str(id_).replace("-", "_")


def _plain(text: Any) -> str:
    """A text without what Mermaid would read as more than that."""
    return " ".join(str(text).split()).replace(":", "&colon;").replace(";", "&semi;")

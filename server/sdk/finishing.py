"""What only becomes known once all is declared: journeys without loose ends, what tags say of their members, whose is what."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from jurat.server.sdk.document import Document
from jurat.server.sdk.journeys import END, START, Journey
from jurat.server.sdk.relations import Tag

Body = dict[str, Any]
EMPTY = {"stuck-state": "the journey has no states of its own; it lasts until its agent is left"}


def finished(document: Document, journeys: Iterable[Journey], tags: Iterable[Tag]) -> Body:
    """The sections of the policy, complete; what was declared stays as it is."""
    content = copy.deepcopy(document.content())
    guidelines: dict[str, Body] = content.get("guidelines", {})
    scopes = {str(body["scope"]) for body in guidelines.values() if "scope" in body}
    owners = dict(document.owners)
    for journey in journeys:
        content["journeys"][journey.id] = _finished(journey, scopes)
        if journey.description:
            about = document.free_id("guidelines", f"{journey.id}-about")
            content.setdefault("guidelines", {})[about] = {"action": journey.description, "scope": journey.id}
            document.places["guidelines", about] = document.places["journeys", journey.id]
            owners[about] = journey.owners
    for agent in content.get("agents", {}).values() if document.preambles else ():
        agent["preamble"] = list(dict.fromkeys([*agent.get("preamble", ()), *document.preambles]))
    for tag in tags:
        _judged_again(tag, guidelines)
    if _differ(content, owners):
        _share_out(content, owners)
    return content


def _judged_again(tag: Tag, guidelines: Mapping[str, Body]) -> None:
    for body in guidelines.values():
        if tag.reevaluated and tag.name in body.get("tags", ()):
            listed = body.setdefault("reevaluate_after", [])
            listed += [name for name in tag.reevaluated if name not in listed]


def _differ(content: Body, owners: Mapping[str, list[str]]) -> bool:
    """Whether there are several agents of which one that names nothing itself has not all that there is."""
    agents = content.get("agents", {})
    open_ = {id_ for id_, body in agents.items() if "include" not in body}
    rules = (*content.get("guidelines", {}), *content.get("journeys", {}))
    return len(agents) > 1 and any(not open_ <= set(owners.get(id_, ())) for id_ in rules)


def _share_out(content: Body, owners: Mapping[str, list[str]]) -> None:
    """Of several agents each has what was declared on it and nothing else, unless it names what it has."""
    open_ = [id_ for id_, body in content["agents"].items() if "include" not in body]
    for id_ in open_:
        content.setdefault("tags", {})[f"agent-{id_}"] = {}
        content["agents"][id_]["include"] = [f"tag:agent-{id_}"]
    for id_, body in [*content.get("guidelines", {}).items(), *content.get("journeys", {}).items()]:
        body["tags"] = [*body.get("tags", ()), *(f"agent-{each}" for each in owners.get(id_, ()) if each in open_)]


def _finished(journey: Journey, scopes: Collection[str]) -> Body:
    body = copy.deepcopy(journey.body)
    states = body["states"] = _with_parts(journey)
    if journey.exact:
        return dict(body)
    if not states[START].get("to"):
        states[START] = {"say": journey.description or journey.title}
        body["allow"] = {**body.get("allow", {}), **EMPTY}
        return dict(body)
    for state in states.values():
        _ordered(state)
    _close(states)
    if f"{journey.id}/{START}" not in scopes:
        _skip_start(body)
    return dict(body)


def _close(states: dict[str, Body]) -> None:
    """Have every state without a way on lead to the end."""
    open_ended = [state for state in states.values() if not state.get("to") and "end" not in state]
    for state in open_ended:
        state["to"] = [{"state": END}]
    if open_ended:
        states.setdefault(END, {"end": True})


def _ordered(state: Body) -> None:
    """A way without a condition, after others, is for when none of these is open."""
    ways = state.get("to", [])
    if len(ways) > 1 and "condition" not in ways[-1] and "when" not in ways[-1]:
        ways[-1]["otherwise"] = True


def _skip_start(body: Body) -> None:
    """Start at once where the only way leads."""
    states = body["states"]
    ways = states[START]["to"]
    leads_back = any(way["state"] == START for state in states.values() for way in state.get("to", ()))
    if len(ways) == 1 and set(ways[0]) == {"state"} and not leads_back:
        body["initial"] = ways[0]["state"]
        del states[START]


def _with_parts(journey: Journey) -> dict[str, Body]:
    """The states, with the journeys inside of it where these are entered; one without states of its own is what it says."""
    states: dict[str, Body] = copy.deepcopy(journey.body["states"])
    for entry, (part, after) in journey.parts.items():
        bare = not part.exact and not part.body["states"][START].get("to")
        does = {"say": part.description or part.title} if bare else {"journey": part.id}
        states[entry] = {**does, "to": [{"state": after}]}
    return states

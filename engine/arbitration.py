"""Conflicts at run time, which only an unproved policy can have: forbid wins, what competes is dropped (section 4)."""

from __future__ import annotations

from collections.abc import Iterable

from jurat.engine.match import Decision, Matched
from jurat.policies.conflicts import Conflict, conflicts
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Decide, HandOff, Reply
from jurat.policies.resolution import ActionInForce
from jurat.policies.values import jsonable


def arbitrated(graph: PolicyGraph, matched: Matched) -> Decision:
    """The round's decision: at most one value a decision, one strict reply and one hand-off, none of them forbidden."""
    found = conflicts(graph, matched.resolution)
    kept = tuple(each for each in matched.resolution.actions if not _loses(graph, each, found))
    values = {each.action.decision: each.action.value for each in kept if isinstance(each.action, Decide)}
    replies = (each.action.id for each in kept if isinstance(each.action, Reply))
    offs = (each.action.to for each in kept if isinstance(each.action, HandOff))
    return Decision(
        matched,
        kept,
        tuple(dict.fromkeys((*map(_told, found), *_paradox(matched)))),
        {name: jsonable(value) for name, value in sorted(values.items())},
        next((id_ for id_ in replies if _strict(graph, id_)), None),
        next(offs, None),
    )


def _loses(graph: PolicyGraph, each: ActionInForce, found: Iterable[Conflict]) -> bool:
    """Whether an action takes part in a competition. A forbidden call stays: it is refused, and stays owed."""
    action, competing = each.action, {(conflict.kind, conflict.about) for conflict in found}
    if isinstance(action, Decide):
        return ("decision", action.decision) in competing
    if isinstance(action, HandOff):
        return ("hand-off", "") in competing
    if isinstance(action, Reply):
        return ("forbidden-reply", action.id) in competing or (("reply", "") in competing and _strict(graph, action.id))
    return False


def _strict(graph: PolicyGraph, reply: str) -> bool:
    return graph.vocabulary.replies[reply].mode == "strict"


_SENTENCES = {
    "exclusive": "{} exclude each other and are all in force",
    "forbidden-call": "{} disagree on tool `{about}`: forbid wins, so it is not called",
    "forbidden-reply": "{} disagree on reply `{about}`: forbid wins, so it is not sent",
    "decision": "{} give decision `{about}` competing values, so none is taken",
    "hand-off": "{} hand off to different places, so neither is done",
    "reply": "{} demand different replies, so neither is sent",
    "arguments": "no arguments of tool `{about}` satisfy its guard and what {} asks for",
}


def _told(conflict: Conflict) -> str:
    subjects = " and ".join(f"`{each}`" for each in conflict.subjects)
    return _SENTENCES[conflict.kind].format(subjects, about=conflict.about)


def _paradox(matched: Matched) -> Iterable[str]:
    return (f"a paradox leaves `{each}` undefined" for each in matched.resolution.undefined)

"""Conflicts at run time, which only an unproved policy can have: forbid wins, what competes is dropped (section 4)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jurat.engine.match import Decision, Matched
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Call, Decide, Forbid, HandOff, Reply
from jurat.policies.resolution import ActionInForce
from jurat.policies.values import jsonable


def arbitrated(graph: PolicyGraph, matched: Matched) -> Decision:
    """The round's decision: at most one value a decision, one strict reply and one hand-off, none of them forbidden."""
    actions = matched.resolution.actions
    values = _decisions(actions)
    replies = _strict(graph, actions)
    offs = {each.action.to for each in actions if isinstance(each.action, HandOff)}
    competing = {each for each in actions if _competes(each, values, replies, offs) or _forbidden_reply(each, actions)}
    kept = tuple(each for each in actions if each not in competing)
    return Decision(
        matched,
        kept,
        (*_conflicts(graph, matched, values, replies, offs),),
        {name: jsonable(next(iter(found))) for name, found in sorted(values.items()) if len(found) == 1},
        next(iter(_strict(graph, kept)), None),
        next(iter(offs)) if len(offs) == 1 else None,
    )


def _decisions(actions: tuple[ActionInForce, ...]) -> dict[str, set[Any]]:
    found: dict[str, set[Any]] = {}
    for each in actions:
        if isinstance(each.action, Decide):
            found.setdefault(each.action.decision, set()).add(each.action.value)
    return found


def _strict(graph: PolicyGraph, actions: tuple[ActionInForce, ...]) -> set[str]:
    """The canned replies to be sent to the letter."""
    wanted = {each.action.id for each in actions if isinstance(each.action, Reply)}
    return {id_ for id_ in wanted if graph.vocabulary.replies[id_].mode == "strict"}


def _competes(each: ActionInForce, values: dict[str, set[Any]], replies: set[str], offs: set[str]) -> bool:
    action = each.action
    if isinstance(action, Decide):
        return len(values[action.decision]) > 1
    if isinstance(action, Reply):
        return action.id in replies and len(replies) > 1
    return isinstance(action, HandOff) and len(offs) > 1


def _forbidden_reply(each: ActionInForce, actions: tuple[ActionInForce, ...]) -> bool:
    return isinstance(each.action, Reply) and bool(_forbidders(actions, "reply", each.action.id))


def _forbidders(actions: tuple[ActionInForce, ...], what: str, target: str) -> list[ActionInForce]:
    forbids = (each for each in actions if isinstance(each.action, Forbid))
    return [
        each
        for each in forbids
        if isinstance(each.action, Forbid) and (each.action.what, each.action.target) == (what, target)
    ]


def _conflicts(
    graph: PolicyGraph, matched: Matched, values: dict[str, set[Any]], replies: set[str], offs: set[str]
) -> Iterator[str]:
    """A sentence for each. A prohibition that is merely possible is caution, not conflict."""
    for name, found in sorted(values.items()):
        if len(found) > 1:
            yield f"decision `{name}` has competing values, so none is taken"
    if len(replies) > 1:
        yield f"the replies {_listed(replies)} compete, so none is sent"
    if len(offs) > 1:
        yield f"hand-offs to {_listed(offs)} compete, so none is carried out"
    yield from _against_prohibitions(matched.resolution.actions)
    force = set(matched.resolution.in_force)
    yield from (
        f"`{a}` and `{b}` exclude each other and are both in force" for a, b in graph.exclusive if {a, b} <= force
    )
    if matched.resolution.undefined:
        yield f"a paradox leaves {_listed(set(matched.resolution.undefined))} undefined"


def _against_prohibitions(actions: tuple[ActionInForce, ...]) -> Iterator[str]:
    for each in actions:
        if isinstance(each.action, Call):
            what, target = "tool", each.action.tool
        elif isinstance(each.action, Reply):
            what, target = "reply", each.action.id
        else:
            continue
        for forbid in _forbidders(actions, what, target):
            if forbid.because != "possible":
                yield f"`{forbid.guideline}` forbids {what} `{target}`, which `{each.guideline}` demands: forbid wins"


def _listed(names: set[str]) -> str:
    return ", ".join(f"`{each}`" for each in sorted(names))

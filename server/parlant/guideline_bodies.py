"""What a policy file says of a guideline, from what a client says of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jurat.server.parlant.common import compose
from jurat.server.policy_text import listed
from jurat.server.refusals import Refusal
from jurat.server.sdk.events import event_formula
from jurat.server.sdk.rules import OBSERVATION

SILENT = ("action", "tools", "offer", "forbid", "decide", "reply", "hand_off")
"""The fields that do something."""


def body_of(old: Mapping[str, Any], said: Mapping[str, Any], notes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The body after a client has said something; ``notes`` are the action and description as they were.

    Raises:
        Refusal: it would say nothing, or its condition is blank.
    """
    body = dict(old)
    if said.get("condition") is not None:
        _condition(body, str(said["condition"]))
    if said.get("when") is not None:
        body["when"] = said["when"]
    if "action" in said or "description" in said:
        _instruct(body, {**(notes or {}), **said})
    for name, field, otherwise in (("criticality", "criticality", "medium"), ("priority", "rank", 0), ("track", "track", True)):  # fmt: skip
        if said.get(name) is not None:
            body.pop(field, None)
            if said[name] != otherwise:
                body[field] = said[name]
    compose(body, said.get("composition_mode"))
    for field, value in (said.get("policy") or {}).items():
        body.pop(field, None)
        if value is not None:
            body[field] = value
    return _observing(body)


def _condition(body: dict[str, Any], text: str) -> None:
    """Put a text in the place of the one that was shown: of the formula, where there was no other. The empty one is none.

    Raises:
        Refusal: it is blank and yet not empty, which says no more than that somebody forgot to fill it in.
    """
    if text and not text.strip():
        raise Refusal(422, "blank", "`condition` is blank; a guideline that always applies has none")
    if "condition" not in body:
        body.pop("when", None)
    body.pop("condition", None)
    formula = event_formula(text) if text else None
    if formula:
        body["when"] = formula
    elif text:
        body["condition"] = text


def _instruct(body: dict[str, Any], said: Mapping[str, Any]) -> None:
    action, more = said.get("action"), said.get("description")
    body.pop("action", None)
    if action:
        body["action"] = f"{action} ({more})" if more else action


def _observing(body: dict[str, Any]) -> dict[str, Any]:
    """A guideline that does nothing itself is meant to be so, for others to depend on it."""
    if not any(body.get(field) for field in SILENT):
        if not body.get("condition") and not body.get("when"):
            raise Refusal(422, "empty", "a guideline says when it applies or what to do, and this one neither")
        body["allow"] = {**(body.get("allow") or {}), **OBSERVATION}
    elif (body.get("allow") or {}).get("redundant-guideline") == OBSERVATION["redundant-guideline"]:
        body["allow"] = {name: why for name, why in body["allow"].items() if name not in OBSERVATION}
        if not body["allow"]:
            del body["allow"]
    return body


def with_tools(body: Mapping[str, Any], added: Sequence[str], removed: Sequence[str]) -> dict[str, Any]:
    """The body with tools that run added, and others taken away, whether they run or are offered."""
    found = dict(body)
    for field in ("tools", "offer"):
        kept = [each for each in listed(body.get(field)) if _name(each) not in removed]
        if field == "tools":
            kept += [each for each in added if each not in map(_name, kept)]
        found.pop(field, None)
        if kept:
            found[field] = kept
    return _observing(found)


def _name(tool: Any) -> str:
    return tool if isinstance(tool, str) else str(next(iter(tool)))

"""Taking something out of all relations that point at it, so that it can be deleted."""

from __future__ import annotations

from typing import Any

from jurat.policies.reader.refs import RELATION_KINDS
from jurat.server.parlant.tagging import put_agent
from jurat.server.policy_text import PolicyText, agents_of, listed
from jurat.server.refusals import Refusal


def forget_ref(text: PolicyText, ref: str) -> None:
    """Take a reference out of every relation, and of what agents include."""
    for section in ("guidelines", "journeys", "tags"):
        for id_, body in text.section(section).items():
            if isinstance(body, dict) and (kept := _without(body, ref)) != body:
                text.put(section, id_, kept)
    for id_, body in agents_of(text).items():
        if ref in listed(body.get("include")):
            rest = _rest(body["include"], ref)
            if not rest:  # an agent without `include` has everything
                raise Refusal(422, "included", f"agent `{id_}` includes nothing but `{ref[:60]}`")
            put_agent(text, id_, {**body, "include": rest})


def _without(body: dict[str, Any], ref: str) -> dict[str, Any]:
    found = dict(body)
    for kind in RELATION_KINDS:
        if kind in found:
            rest = _groups(found[kind], ref) if kind == "requires_any" else _rest(found[kind], ref)
            if rest:
                found[kind] = rest
            else:
                del found[kind]
    return found


def _groups(groups: Any, ref: str) -> list[Any]:
    return [rest for group in listed(groups) if (rest := _rest(group, ref))]


def _rest(refs: Any, ref: str) -> list[Any]:
    return [each for each in listed(refs) if each != ref]

"""Relationships: who wins, who needs whom, who brings whom along; with groups of alternatives, which are an `or`."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter, Response

from jurat.server.api.dependencies import Body, Served, Text
from jurat.server.api.errors import errors
from jurat.server.parlant.common import Bench, Reading, Workbench, Writing, missing, unsupported
from jurat.server.parlant.relations import KINDS, Relationship, RelationshipShown, Written, around, shown_relations
from jurat.server.parlant.tagging import AGENT, JOURNEY, STATE, policy_tags
from jurat.server.parlant.tools import ToolId, named
from jurat.server.policy_text import PolicyText, listed
from jurat.server.refusals import Refusal
from jurat.server.service import Service

ROUTER = APIRouter(tags=["relationships"])
Kind = Literal[
    "entailment", "priority", "dependency", "dependency_any", "disambiguation", "exclusion", "overlap", "reevaluation"
]
FIELDS = {kind: field for field, kind in KINDS.items()}


class Alternative(Body):
    """One of a group: a guideline, or a tag, of which ``any`` asks for one that carries it instead of all."""

    guideline: Text | None = None
    tag: Text | None = None
    any: bool = False


class RelationshipGiven(Body):
    """A new relation, from one end to another.

    ``match: any`` asks for one of those that carry the target tag instead of all. The kind `dependency_any` has ``any_of``
    in the place of a target: at least one of them is needed.
    """

    kind: Kind
    source_guideline: Text | None = None
    source_tag: Text | None = None
    source_tool: ToolId | None = None
    target_guideline: Text | None = None
    target_tag: Text | None = None
    target_tool: ToolId | None = None
    match: Literal["all", "any"] | None = None
    any_of: list[Alternative] | None = None


@ROUTER.get("/relationships", response_model=list[RelationshipShown])
async def list_(
    service: Served,
    bench: Bench,
    caller: Reading,  # noqa: ARG001
    *,
    kind: Kind | None = None,
    guideline_id: str | None = None,
    tag_id: str | None = None,
    tool_id: str | None = None,
    indirect: bool = True,
) -> list[dict[str, Any]]:
    """All relations, or those of a kind, or those of a guideline, tag or tool; with `indirect` those too that follow."""
    found = [each for each in await _all(bench, service) if kind in (None, each.written.kind)]
    wanted = [guideline_id, _reference(tag_id) if tag_id else None, tool_id.rpartition(":")[2] if tool_id else None]
    for ref in wanted:
        found = found if ref is None else around(found, ref, indirect=indirect)
    return [each.body for each in found]


@ROUTER.post("/relationships", status_code=201, response_model=RelationshipShown)
async def create(given: RelationshipGiven, service: Served, bench: Bench, caller: Writing) -> dict[str, Any]:  # noqa: ARG001
    """A new relation, which counts once the policy with it is proved."""
    if given.kind == "overlap":
        raise unsupported("`overlap`", "each tool's call is decided on its own")

    def add(text: PolicyText) -> Written:
        one = _written(given, text, service)
        body = dict(text.get(one.section, one.owner) or {})
        here = listed(body.get(one.field))
        target = list(one.target) if isinstance(one.target, tuple) else one.target
        if target in here:
            raise Refusal(422, "taken", "there is such a relation already")
        text.put(one.section, one.owner, {**body, one.field: [*here, target]})
        return one

    one = await bench.edit(add, f"a relation of the kind {given.kind}")
    return (await _one(bench, service, one.id)).body


@ROUTER.get("/relationships/{relationship_id}", response_model=RelationshipShown, responses=errors(404))
async def retrieve(relationship_id: str, service: Served, bench: Bench, caller: Reading) -> dict[str, Any]:  # noqa: ARG001
    """One relation."""
    return (await _one(bench, service, relationship_id)).body


@ROUTER.delete("/relationships/{relationship_id}", status_code=204, responses=errors(404))
async def delete(relationship_id: str, service: Served, bench: Bench, caller: Writing) -> Response:  # noqa: ARG001
    """Take a relation away."""
    one = (await _one(bench, service, relationship_id)).written

    def drop(text: PolicyText) -> None:
        body = dict(text.get(one.section, one.owner) or {})
        target = list(one.target) if isinstance(one.target, tuple) else one.target
        rest = [each for each in listed(body.pop(one.field, None)) if each != target]
        text.put(one.section, one.owner, {**body, one.field: rest} if rest else body)

    await bench.edit(drop, f"without a relation of the kind {one.kind}")
    return Response(status_code=204)


async def _all(bench: Workbench, service: Service) -> list[Relationship]:
    return await shown_relations(await bench.text(), service)


async def _one(bench: Workbench, service: Service, id_: str) -> Relationship:
    found = {each.written.id: each for each in await _all(bench, service)}
    if id_ not in found:
        raise missing("relationship", id_)
    return found[id_]


def _written(given: RelationshipGiven, text: PolicyText, service: Service) -> Written:
    source = _end(given, "source", text)
    if given.source_tool is not None:
        raise Refusal(422, "source", "a relation starts from a guideline or a tag")
    section = "guidelines" if source in text.section("guidelines") else "journeys"
    owner = source
    if source.startswith("tag:"):
        section, owner = "tags", source[4:]
    elif "/" in source:
        raise unsupported("a state as `source_tag`", "a guideline with its scope there can say it")
    return Written(section, owner, FIELDS[given.kind], _target(given, text, service, section))


def _target(given: RelationshipGiven, text: PolicyText, service: Service, section: str) -> str | tuple[str, ...]:
    if given.kind == "reevaluation":
        if given.target_tool is None or section != "guidelines":
            raise Refusal(
                422, "target", "`reevaluation` goes from a guideline to the tool after which it is judged again"
            )
        return named(service.agent.graph, given.target_tool)
    if given.kind == "dependency_any":
        if not given.any_of:
            raise Refusal(422, "target", "`dependency_any` names its alternatives in `any_of`")
        return tuple(dict.fromkeys(_alternative(each, text) for each in given.any_of))
    ref = _end(given, "target", text)
    if given.match == "any":
        if given.kind != "dependency" or not ref.startswith("tag:"):
            raise Refusal(422, "match", "`match: any` is about the tag that a `dependency` needs")
        return "any:" + ref[4:]
    return ref


def _alternative(given: Alternative, text: PolicyText) -> str:
    if (given.guideline is None) is (given.tag is None):
        raise Refusal(422, "target", "each of `any_of` is a `guideline` or a `tag`")
    ref = _checked(given.guideline, "guideline", text) if given.guideline else _checked(given.tag or "", "tag", text)
    return "any:" + ref[4:] if given.any and ref.startswith("tag:") else ref


def _end(given: RelationshipGiven, side: str, text: PolicyText) -> str:
    named_ = {what: getattr(given, f"{side}_{what}") for what in ("guideline", "tag", "tool")}
    chosen = [what for what, value in named_.items() if value is not None]
    if len(chosen) != 1 or chosen == ["tool"]:
        raise Refusal(422, side, f"a relation has one {side}: `{side}_guideline` or `{side}_tag`")
    return _checked(named_[chosen[0]], chosen[0], text)


def _checked(id_: str, what: str, text: PolicyText) -> str:
    """A reference to something that there is."""
    if what == "guideline":
        if id_ not in text.section("guidelines"):
            raise Refusal(422, "unknown", f"there is no guideline `{id_[:60]}` in the policy in effect")
        return id_
    ref = _reference(id_)
    known = (
        ref[4:] in policy_tags(text) if ref.startswith("tag:") else ref.partition("/")[0] in text.section("journeys")
    )
    if not known:
        raise Refusal(422, "unknown", f"there is no tag `{id_[:60]}`")
    return ref


def _reference(tag: str) -> str:
    """What the policy calls a tag of a client's."""
    if tag.startswith((JOURNEY, STATE)):
        return tag.partition(":")[2]
    return f"tag:agent-{tag.removeprefix(AGENT)}" if tag.startswith(AGENT) else f"tag:{tag}"

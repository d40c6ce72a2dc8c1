"""Guidelines: read from the policy in effect; each change of one is a new version of it."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter, Response
from pydantic import Field

from jurat.engine.store import Record, Store
from jurat.server.api.dependencies import Body, Served, Shown, Text
from jurat.server.api.errors import errors
from jurat.server.labelling import LABELS, keep_labels, labels_by_id
from jurat.server.parlant.common import (
    Bench,
    Composition,
    Labels,
    Names,
    Reading,
    Values,
    Workbench,
    Writing,
    missing,
    new_id,
    shown_composition,
)  # fmt: skip
from jurat.server.parlant.forgetting import forget_ref
from jurat.server.parlant.guideline_bodies import body_of, with_tools
from jurat.server.parlant.relations import RelationshipShown, shown_relations
from jurat.server.parlant.tagging import set_tags, share_out, shown_tags
from jurat.server.parlant.tools import ToolId, known, named
from jurat.server.policy_text import PolicyText
from jurat.server.service import Service

ROUTER = APIRouter(tags=["guidelines"])
KIND, DISABLED = "guideline", "disabled-guideline"
Criticality = Literal["low", "medium", "high"]


class GuidelineShown(Shown):
    """A guideline; ``policy`` is all that the policy says of it, in the policy's own language."""

    id: str
    condition: str
    action: str | None
    description: str | None
    title: str | None
    criticality: Criticality
    enabled: bool
    tags: list[str]
    metadata: dict[str, Any]
    composition_mode: Composition | None = None
    track: bool
    labels: list[str] = Field(default_factory=list)
    priority: int
    when: str | None
    policy: dict[str, Any]


class Association(Shown):
    """That a tool is run for a guideline; ``offered``: only where it is needed."""

    id: str
    guideline_id: str
    tool_id: ToolId
    offered: bool


class WholeGuideline(Shown):
    """A guideline with its relations and tools."""

    guideline: GuidelineShown
    relationships: list[RelationshipShown]
    tool_associations: list[Association]


class _Common(Body):
    action: Text | None = None
    description: Text | None = None
    title: Text | None = None
    criticality: Criticality | None = None
    enabled: bool | None = None
    composition_mode: Composition | None = None
    priority: int | None = None
    when: Text | None = None
    policy: dict[str, Any] | None = None
    """What else the policy is to say of it, in its own language; null takes a field away."""


class GuidelineGiven(_Common):
    """A new guideline: a condition in natural language, and `when`, a formula, that holds besides if given."""

    id: Text | None = None
    condition: str = ""
    metadata: dict[str, Any] | None = None
    tags: list[Text] | None = None
    track: bool = True
    labels: list[Text] | None = None


class Tools(Body):
    """Tools to add, and to take away."""

    add: list[ToolId] | None = None
    remove: list[ToolId] | None = None


class GuidelineChanged(_Common):
    """What is to be otherwise of a guideline; what is left out stays."""

    condition: str | None = None
    tool_associations: Tools | None = None
    tags: Names | None = None
    metadata: Values | None = None
    labels: Labels | None = None
    track: bool | None = None


@ROUTER.get("/guidelines", response_model=list[GuidelineShown])
async def list_(
    service: Served, bench: Bench, caller: Reading, tag_id: str | None = None  # noqa: ARG001
) -> list[dict[str, Any]]:  # fmt: skip
    """All guidelines, or those with a tag; `agent:ID` are those that only an agent has."""
    found = await guidelines_by_id(await bench.text(), service.store)
    return [each for each in found.values() if tag_id is None or tag_id in each["tags"]]


@ROUTER.post("/guidelines", status_code=201, response_model=GuidelineShown)
async def create(given: GuidelineGiven, service: Served, bench: Bench, caller: Writing) -> dict[str, Any]:  # noqa: ARG001
    """A new guideline, which counts once the policy with it is proved."""
    body = body_of({}, {**given.model_dump(exclude_unset=True), "condition": given.condition})
    notes = {
        "title": given.title,
        "description": given.description,
        "action": given.action,
        "metadata": given.metadata or {},
    }

    def add(text: PolicyText) -> str:
        words = given.title or given.action or given.condition or given.when or "guideline"
        id_ = new_id(text, "guidelines", given.id, words, "guideline")
        if given.tags is not None:
            set_tags(text, body, given.tags)
        if given.enabled is not False:
            text.put("guidelines", id_, body)
            share_out(text)
        return id_

    id_ = await bench.edit(add, f"the guideline {(given.title or given.action or given.condition)[:200]}")
    await service.store.keep_record(KIND, id_, notes)
    await keep_labels(service.store, id_, given.labels or ())
    if given.enabled is False:
        await service.store.keep_record(DISABLED, id_, {"body": body})
    return await _one(bench, service, id_)


@ROUTER.get("/guidelines/{guideline_id}", response_model=WholeGuideline, responses=errors(404))
async def retrieve(guideline_id: str, service: Served, bench: Bench, caller: Reading) -> dict[str, Any]:  # noqa: ARG001
    """One, with what it is related to and its tools."""
    return await _whole(bench, service, guideline_id)


@ROUTER.patch("/guidelines/{guideline_id}", response_model=WholeGuideline, responses=errors(404))
async def update(
    guideline_id: str, given: GuidelineChanged, service: Served, bench: Bench, caller: Writing  # noqa: ARG001
) -> dict[str, Any]:  # fmt: skip
    """Change one; it counts once the policy with the change is proved."""
    before = await _one(bench, service, guideline_id)
    notes = _notes(before, given)
    enabled = before["enabled"] if given.enabled is None else given.enabled

    def change(text: PolicyText) -> dict[str, Any]:
        old = text.get("guidelines", guideline_id)
        body = _changed(service, text, before["policy"] if old is None else old, given, before)
        if enabled:
            text.put("guidelines", guideline_id, body)
        elif old is not None:
            forget_ref(text, guideline_id)
            text.drop("guidelines", guideline_id)
        share_out(text)
        return body

    body = await bench.edit(change, f"another guideline {guideline_id}")
    await service.store.keep_record(KIND, guideline_id, notes)
    if given.labels is not None:
        await keep_labels(service.store, guideline_id, given.labels.applied(before["labels"]))
    if enabled:
        await service.store.drop_record(DISABLED, guideline_id)
    else:
        await service.store.keep_record(DISABLED, guideline_id, {"body": body})
    return await _whole(bench, service, guideline_id)


@ROUTER.delete("/guidelines/{guideline_id}", status_code=204, responses=errors(404))
async def delete(guideline_id: str, service: Served, bench: Bench, caller: Writing) -> Response:  # noqa: ARG001
    """Delete one, and what others say of it."""
    await _one(bench, service, guideline_id)

    def drop(text: PolicyText) -> None:
        forget_ref(text, guideline_id)
        text.drop("guidelines", guideline_id)
        share_out(text)

    await bench.edit(drop, f"without the guideline {guideline_id}")
    for kind in (KIND, DISABLED, LABELS):
        await service.store.drop_record(kind, guideline_id)
    return Response(status_code=204)


def _changed(
    service: Service, text: PolicyText, old: dict[str, Any], given: GuidelineChanged, before: dict[str, Any]
) -> dict[str, Any]:
    said = given.model_dump(exclude_unset=True, exclude={"tool_associations", "tags", "metadata", "labels"})
    body = body_of(old, said, notes={"action": before["action"], "description": before["description"]})
    if given.tags is not None:
        set_tags(text, body, given.tags.applied(shown_tags(text, old)))
    if given.tool_associations is not None:
        graph, wanted = service.agent.graph, given.tool_associations
        added = [named(graph, each) for each in wanted.add or ()]
        body = with_tools(body, added, [named(graph, each) for each in wanted.remove or ()])
    return body


def _notes(before: dict[str, Any], given: GuidelineChanged) -> dict[str, Any]:
    said = given.model_dump(exclude_unset=True)
    values = given.metadata.applied(before["metadata"]) if given.metadata is not None else before["metadata"]
    return {**{name: said.get(name, before[name]) for name in ("title", "description", "action")}, "metadata": values}


async def guidelines_by_id(text: PolicyText, store: Store) -> dict[str, dict[str, Any]]:
    """Every guideline for :class:`GuidelineShown`, by id; those that are disabled are no part of the policy."""
    notes, disabled = await store.records(KIND), await store.records(DISABLED)
    found = {id_: shown(text, id_, body or {}, notes.get(id_)) for id_, body in text.section("guidelines").items()}
    for id_, record in disabled.items():
        found.setdefault(id_, {**shown(text, id_, record.body["body"], notes.get(id_)), "enabled": False})
    for id_, labels in (await labels_by_id(store)).items():
        if id_ in found:
            found[id_]["labels"] = labels
    return found


def shown(text: PolicyText, id_: str, body: dict[str, Any], notes: Record | None) -> dict[str, Any]:
    """A guideline for :class:`GuidelineShown`."""
    kept = notes.body if notes else {}
    when = body.get("when")
    action, description = body.get("action"), kept.get("description")
    if description and action == f"{kept.get('action')} ({description})":
        action = kept["action"]
    else:
        description = None if action else description
    return {
        "id": id_, "condition": str(body.get("condition") or when or ""), "action": action, "description": description,
        "title": kept.get("title"), "criticality": body.get("criticality") or "medium", "enabled": True,
        "tags": shown_tags(text, body), "metadata": kept.get("metadata", {}), "track": body.get("track") is not False,
        "labels": [],
        "composition_mode": shown_composition(body), "priority": body.get("rank") or 0, "when": None if when is None else str(when), "policy": body,
    }  # fmt: skip


async def _one(bench: Workbench, service: Service, id_: str) -> dict[str, Any]:
    found = await guidelines_by_id(await bench.text(), service.store)
    if id_ not in found:
        raise missing("guideline", id_, found)
    return found[id_]


async def _whole(bench: Workbench, service: Service, id_: str) -> dict[str, Any]:
    text, graph = await bench.text(), service.agent.graph
    one = await _one(bench, service, id_)
    relations = [each for each in await shown_relations(text, service) if id_ in each.ends]
    pairs = [(tool, field == "offer") for field in ("tools", "offer") for tool in _tools(one["policy"].get(field))]
    return {
        "guideline": one,
        "relationships": [each.body for each in relations],
        "tool_associations": [
            {"id": f"{id_}:{tool}", "guideline_id": id_, "tool_id": known(graph, tool), "offered": offered}
            for tool, offered in pairs
        ],
    }


def _tools(value: Any) -> list[str]:
    return [each if isinstance(each, str) else next(iter(each)) for each in value or ()]

"""Journeys, with their states and the ways between them, which can be read and written here."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse, Response
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
    Workbench,
    Writing,
    compose,
    missing,
    new_id,
    shown_composition,
)
from jurat.server.parlant.forgetting import forget_ref
from jurat.server.parlant.journey_bodies import (
    about_id,
    described,
    merged,
    mermaid,
    placeholder,
    shown_trigger,
    trigger_of,
)
from jurat.server.parlant.tagging import set_tags, share_out, shown_tags
from jurat.server.policy_text import PolicyText, listed
from jurat.server.service import Service

ROUTER = APIRouter(tags=["journeys"])
KIND = "journey"
States = dict[str, dict[str, Any] | None]


class JourneyShown(Shown):
    """A journey; ``triggers`` and ``conditions`` are the same, by the newer and the older name.

    ``states`` are as the policy has them: one of `say`, `tool`, `fork`, `end` each, and the ways `to` others in order.
    """

    id: str
    title: str
    description: str
    conditions: list[str]
    triggers: list[str]
    tags: list[str]
    composition_mode: Composition | None = None
    labels: list[str] = Field(default_factory=list)
    priority: int
    initial: str
    on_end: str | None
    states: dict[str, dict[str, Any]]
    policy: dict[str, Any]


class _Common(Body):
    composition_mode: Composition | None = None
    priority: int | None = None
    initial: Text | None = None
    states: States | None = None
    """The states by id; of a change, those that are otherwise, null for those that go."""
    policy: dict[str, Any] | None = None


class JourneyGiven(_Common):
    """A new journey; without ``states`` it is its description, for as long as it is active.

    It starts when one of its ``triggers`` (or ``conditions``) holds: a text, or the id of a guideline, whose condition it takes.
    """

    title: Text
    description: str
    conditions: list[Text] | None = None
    triggers: list[Text] | None = None
    id: Text | None = None
    tags: list[Text] | None = None
    labels: list[Text] | None = None


class JourneyChanged(_Common):
    """What is to be otherwise of a journey; what is left out stays."""

    title: Text | None = None
    description: str | None = None
    conditions: Names | None = None
    triggers: Names | None = None
    tags: Names | None = None
    labels: Labels | None = None


@ROUTER.get("/journeys", response_model=list[JourneyShown])
async def list_(
    service: Served, bench: Bench, caller: Reading, tag_id: str | None = None  # noqa: ARG001
) -> list[dict[str, Any]]:  # fmt: skip
    """All journeys, or those with a tag."""
    found = await journeys_by_id(await bench.text(), service.store)
    return [each for each in found.values() if tag_id is None or tag_id in each["tags"]]


@ROUTER.post("/journeys", status_code=201, response_model=JourneyShown)
async def create(given: JourneyGiven, service: Served, bench: Bench, caller: Writing) -> dict[str, Any]:  # noqa: ARG001
    """A new journey, which counts once the policy with it is proved."""

    def add(text: PolicyText) -> str:
        id_ = new_id(text, "journeys", given.id, given.title, "journey")
        starts = [trigger_of(text, each) for each in [*(given.triggers or ()), *(given.conditions or ())]]
        body: dict[str, Any] = {"triggers": starts, **placeholder(given.description or given.title)}
        body = _settled(body, given)
        if given.tags is not None:
            set_tags(text, body, given.tags, scoped=False)
        text.put("journeys", id_, body)
        if given.states and given.description:
            described(text, id_, given.description)
        share_out(text)
        return id_

    id_ = await bench.edit(add, f"the journey {given.title[:200]}")
    await service.store.keep_record(KIND, id_, {"title": given.title, "description": given.description})
    await keep_labels(service.store, id_, given.labels or ())
    return await _one(bench, service, id_)


@ROUTER.get("/journeys/{journey_id}", response_model=JourneyShown, responses=errors(404))
async def retrieve(journey_id: str, service: Served, bench: Bench, caller: Reading) -> dict[str, Any]:  # noqa: ARG001
    """One journey."""
    return await _one(bench, service, journey_id)


@ROUTER.get(
    "/journeys/{journey_id}/mermaid", response_class=Response,
    responses={200: {"content": {"text/plain": {}}}, **errors(404)},
)  # fmt: skip
async def diagram(
    journey_id: str, service: Served, bench: Bench, caller: Reading  # noqa: ARG001
) -> PlainTextResponse:  # fmt: skip
    """A journey as a diagram of Mermaid's."""
    return PlainTextResponse(mermaid(await _one(bench, service, journey_id)))


@ROUTER.patch("/journeys/{journey_id}", response_model=JourneyShown, responses=errors(404))
async def update(
    journey_id: str, given: JourneyChanged, service: Served, bench: Bench, caller: Writing  # noqa: ARG001
) -> dict[str, Any]:  # fmt: skip
    """Change a journey; it counts once the policy with the change is proved."""
    before = await _one(bench, service, journey_id)

    def change(text: PolicyText) -> None:
        body = _settled(dict(text.get("journeys", journey_id)), given)
        if given.tags is not None:
            set_tags(text, body, given.tags.applied(shown_tags(text, body)), scoped=False)
        for starts in (given.triggers, given.conditions):
            if starts is not None:
                body["triggers"] = _triggers(text, body, starts)
        text.put("journeys", journey_id, body)
        if given.description is not None or given.states:
            described(text, journey_id, before["description"] if given.description is None else given.description)
        share_out(text)

    await bench.edit(change, f"another journey {journey_id}")
    said = given.model_dump(exclude_unset=True)
    notes = {name: said.get(name) or before[name] for name in ("title", "description")}
    await service.store.keep_record(KIND, journey_id, notes)
    if given.labels is not None:
        await keep_labels(service.store, journey_id, given.labels.applied(before["labels"]))
    return await _one(bench, service, journey_id)


@ROUTER.delete("/journeys/{journey_id}", status_code=204, responses=errors(404))
async def delete(journey_id: str, service: Served, bench: Bench, caller: Writing) -> Response:  # noqa: ARG001
    """Delete a journey with the guidelines that belong to it."""
    await _one(bench, service, journey_id)

    def drop(text: PolicyText) -> None:
        states = [f"{journey_id}/{state}" for state in text.get("journeys", journey_id)["states"]]
        scoped = [id_ for id_, body in text.section("guidelines").items() if body.get("scope") in (journey_id, *states)]
        for ref in (journey_id, *states, *scoped):
            forget_ref(text, ref)
        for id_ in scoped:
            text.drop("guidelines", id_)
        text.drop("journeys", journey_id)
        share_out(text)

    await bench.edit(drop, f"without the journey {journey_id}")
    for kind in (KIND, LABELS):
        await service.store.drop_record(kind, journey_id)
    return Response(status_code=204)


def _settled(body: dict[str, Any], given: _Common) -> dict[str, Any]:
    """The body with what the language has fields for."""
    if given.states is not None:
        body = merged(body, given.states, given.initial)
    elif given.initial is not None:
        body["initial"] = given.initial
    if given.priority is not None:
        body["rank"] = given.priority
    compose(body, given.composition_mode)
    for field, value in (given.policy or {}).items():
        body.pop(field, None)
        if value is not None:
            body[field] = value
    return body


def _triggers(text: PolicyText, body: dict[str, Any], wanted: Names) -> list[Any]:
    here = {shown_trigger(each): each for each in listed(body["triggers"])}
    return [here[name] if name in here else trigger_of(text, name) for name in wanted.applied(here)]


async def journeys_by_id(text: PolicyText, store: Store) -> dict[str, dict[str, Any]]:
    """Every journey for :class:`JourneyShown`, by id."""
    notes, labels = await store.records(KIND), await labels_by_id(store)
    bodies = text.section("journeys")
    return {
        id_: {**_shown(text, id_, body, notes.get(id_)), "labels": labels.get(id_, [])} for id_, body in bodies.items()
    }


def _shown(text: PolicyText, id_: str, body: dict[str, Any], notes: Record | None) -> dict[str, Any]:
    kept = notes.body if notes else {}
    about = text.get("guidelines", about_id(id_)) or {}
    triggers = [shown_trigger(each) for each in listed(body["triggers"])]
    states = {name: dict(state or {}) for name, state in body["states"].items()}
    return {
        "id": id_, "title": kept.get("title", id_), "description": kept.get("description", str(about.get("action") or "")),
        "conditions": triggers, "triggers": triggers, "tags": shown_tags(text, body), "priority": body.get("rank") or 0,
        "composition_mode": shown_composition(body), "initial": body["initial"], "on_end": body.get("on_end"), "states": states, "policy": body,
    }  # fmt: skip


async def _one(bench: Workbench, service: Service, id_: str) -> dict[str, Any]:
    found = await journeys_by_id(await bench.text(), service.store)
    if id_ not in found:
        raise missing("journey", id_, found)
    return found[id_]

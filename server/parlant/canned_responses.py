"""Canned responses: the policy's replies."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from jurat.engine.store import Record
from jurat.server.api.dependencies import Body, Served, Shown, Text
from jurat.server.api.errors import errors
from jurat.server.parlant.common import (
    Bench,
    Names,
    Reading,
    Values,
    Workbench,
    Writing,
    missing,
    moment,
    new_id,
    unsupported,
)
from jurat.server.parlant.tagging import AGENT, policy_tags
from jurat.server.policy_text import PolicyText, agents_of
from jurat.server.refusals import Refusal
from jurat.server.service import Service

ROUTER = APIRouter(tags=["canned responses"])
KIND = "reply"


class FieldGiven(Body):
    """What a field of a template stands for; the values come from tools, facts and variables."""

    name: Text
    description: str
    examples: list[str]


class ReplyShown(Shown):
    """A canned response; ``mode`` says whether it is given to the letter (`strict`) or may be phrased (`composited`)."""

    id: str
    creation_utc: Any
    value: str
    fields: list[FieldGiven]
    tags: list[str]
    signals: list[str]
    metadata: dict[str, Any]
    field_dependencies: list[str]
    mode: str


class ReplyGiven(Body):
    """A new canned response; ``{{ fields }}`` in it are filled in."""

    value: Text
    fields: list[FieldGiven]
    tags: list[Text] | None = None
    signals: list[str] | None = None
    metadata: dict[str, Any] | None = None
    field_dependencies: list[str] | None = None
    id: Text | None = None


class ReplyChanged(Body):
    """What is to be otherwise of a canned response."""

    value: Text | None = None
    fields: list[FieldGiven] | None = None
    tags: Names | None = None
    metadata: Values | None = None


@ROUTER.get("/canned_responses", response_model=list[ReplyShown])
async def list_(
    service: Served, bench: Bench, caller: Reading, tags: Annotated[list[Text] | None, Query()] = None  # noqa: ARG001
) -> list[dict[str, Any]]:  # fmt: skip
    """All canned responses, or those with any of the tags."""
    return [each for each in (await _by_id(bench, service)).values() if not tags or set(tags) & set(each["tags"])]


@ROUTER.post("/canned_responses", status_code=201, response_model=ReplyShown)
async def create(given: ReplyGiven, service: Served, bench: Bench, caller: Writing) -> dict[str, Any]:  # noqa: ARG001
    """A new canned response; a guideline gives it by `policy: {reply: ID}`."""
    _refuse(given)

    def add(text: PolicyText) -> str:
        owner = _owner(text, given.tags or ())
        id_ = new_id(text, "replies", given.id, given.value, "reply")
        text.put("replies", id_, _body({}, given.value) | owner)
        return id_

    id_ = await bench.edit(add, f"the canned response {given.value[:200]}")
    said = given.model_dump(include={"fields", "metadata"}, exclude_none=True) | {"tags": _others(given.tags or ())}
    await service.store.keep_record(KIND, id_, said)
    return (await _by_id(bench, service))[id_]


@ROUTER.get("/canned_responses/{canned_response_id}", response_model=ReplyShown, responses=errors(404))
async def retrieve(
    canned_response_id: str, service: Served, bench: Bench, caller: Reading  # noqa: ARG001
) -> dict[str, Any]:  # fmt: skip
    """One canned response."""
    return await _one(bench, service, canned_response_id)


@ROUTER.patch("/canned_responses/{canned_response_id}", response_model=ReplyShown, responses=errors(404))
async def update(
    canned_response_id: str, given: ReplyChanged, service: Served, bench: Bench, caller: Writing  # noqa: ARG001
) -> dict[str, Any]:  # fmt: skip
    """Change a canned response."""
    before = await _one(bench, service, canned_response_id)
    tags = before["tags"] if given.tags is None else given.tags.applied(before["tags"])

    def change(text: PolicyText) -> None:
        old = text.get("replies", canned_response_id) or {}
        body = dict(old) if given.value is None else _body(old, given.value)
        if given.tags is not None:
            owner = _owner(text, tags, known=before["tags"])
            body = {name: said for name, said in body.items() if name != "agent"} | owner
        if body != old:
            text.put("replies", canned_response_id, body)

    await bench.edit(change, f"another canned response {canned_response_id}")
    notes = {
        "fields": before["fields"] if given.fields is None else [each.model_dump() for each in given.fields],
        "tags": _others(tags),
        "metadata": before["metadata"] if given.metadata is None else given.metadata.applied(before["metadata"]),
    }
    await service.store.keep_record(KIND, canned_response_id, notes)
    return await _one(bench, service, canned_response_id)


@ROUTER.delete("/canned_responses/{canned_response_id}", status_code=204, responses=errors(404))
async def delete(canned_response_id: str, service: Served, bench: Bench, caller: Writing) -> Response:  # noqa: ARG001
    """Delete a canned response that no guideline gives or forbids."""
    await _one(bench, service, canned_response_id)
    await bench.edit(lambda text: text.drop("replies", canned_response_id), f"without the reply {canned_response_id}")
    await service.store.drop_record(KIND, canned_response_id)
    return Response(status_code=204)


def _refuse(given: ReplyGiven) -> None:
    if given.signals:
        raise unsupported("`signals`", "a guideline's condition says when an answer fits")
    if given.field_dependencies:
        raise unsupported("`field_dependencies`", "a template whose field has no value is not given")


def _owner(text: PolicyText, tags: Collection[str], known: Collection[str] = ()) -> dict[str, str]:
    """Whose a canned response with these tags is, as the policy says it; ``known`` are tags that need no looking up.

    Raises:
        Refusal: a tag that there is not, or two agents.
    """
    there = {*policy_tags(text), *(AGENT + id_ for id_ in agents_of(text)), *known}
    unknown = [each for each in tags if each not in there]
    if unknown:
        raise Refusal(422, "unknown", f"there is no tag `{unknown[0][:60]}`; make it before it is used")
    agents = [each.removeprefix(AGENT) for each in dict.fromkeys(tags) if each.startswith(AGENT)]
    if len(agents) > 1:
        raise Refusal(
            422, "agent", "a canned response is one agent's, or everyone's; leave `agent:` tags out for everyone"
        )
    return {"agent": agents[0]} if agents else {}


def _others(tags: Iterable[str]) -> list[str]:
    """The tags of which the policy says nothing."""
    return [each for each in tags if not each.startswith(AGENT)]


def _body(old: dict[str, Any] | None, value: str) -> dict[str, Any]:
    kept = {name: said for name, said in (old or {}).items() if name not in ("text", "template")}
    return {"template" if "{{" in value or "{%" in value else "text": value, **kept}


async def _by_id(bench: Workbench, service: Service) -> dict[str, dict[str, Any]]:
    notes = await service.store.records(KIND)
    replies = (await bench.text()).section("replies")
    return {id_: _shown(service, id_, body, notes.get(id_)) for id_, body in replies.items()}


def _shown(service: Service, id_: str, body: dict[str, Any], notes: Record | None) -> dict[str, Any]:
    kept = notes.body if notes else {}
    return {
        "id": id_, "creation_utc": moment(notes.at if notes else service.since),
        "value": str(body.get("text") or body.get("template") or ""), "fields": kept.get("fields", []),
        "tags": [*([f"{AGENT}{body['agent']}"] if "agent" in body else []), *kept.get("tags", [])], "signals": [], "metadata": kept.get("metadata", {}), "field_dependencies": [],
        "mode": body.get("mode") or "strict",
    }  # fmt: skip


async def _one(bench: Workbench, service: Service, id_: str) -> dict[str, Any]:
    found = await _by_id(bench, service)
    if id_ not in found:
        raise missing("canned response", id_, found)
    return found[id_]

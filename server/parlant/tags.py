"""Tags: names that guidelines, journeys and customers carry."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from jurat.engine.store import Store
from jurat.server.api.dependencies import Body, Served, Shown, Text
from jurat.server.api.errors import errors
from jurat.server.parlant.common import Bench, Reading, Writing, free_id, missing
from jurat.server.parlant.forgetting import forget_ref
from jurat.server.parlant.tagging import AGENT, JOURNEY, STATE, policy_tags
from jurat.server.policy_text import PolicyText, agents_of, listed
from jurat.server.refusals import Refusal
from jurat.server.sdk.ids import id_from

ROUTER = APIRouter(tags=["tags"])
KIND = "tag"


class TagShown(Shown):
    """A tag; in the policy it is called as its id says."""

    id: str
    name: str


class TagGiven(Body):
    """What a tag is called; its id is made of that."""

    name: Text


@ROUTER.get("/tags", response_model=list[TagShown])
async def list_(service: Served, bench: Bench, caller: Reading, name: str | None = None) -> list[dict[str, Any]]:  # noqa: ARG001
    """All tags, or those of a name."""
    found = await tags_by_id(await bench.text(), service.store)
    return [each for each in found.values() if name in (None, each["name"])]


@ROUTER.post("/tags", status_code=201, response_model=TagShown)
async def create(given: TagGiven, service: Served, bench: Bench, caller: Writing) -> dict[str, Any]:  # noqa: ARG001
    """A new tag."""
    known = await tags_by_id(await bench.text(), service.store)
    if any(each["name"] == given.name for each in known.values()):
        raise Refusal(422, "taken", f"there is a tag `{given.name[:60]}` already")

    def add(text: PolicyText) -> str:
        taken = [*policy_tags(text), *text.section("tags")]
        id_ = free_id(taken, id_from(given.name, "tag"))
        text.put("tags", id_, {})
        return id_

    id_ = await bench.edit(add, f"the tag {given.name[:200]}")
    await service.store.keep_record(KIND, id_, {"name": given.name})
    return {"id": id_, "name": given.name}


@ROUTER.get("/tags/{tag_id:path}", response_model=TagShown, responses=errors(404))
async def retrieve(tag_id: str, service: Served, bench: Bench, caller: Reading) -> dict[str, Any]:  # noqa: ARG001
    """One tag; those that say whose something is are there too, such as `agent:sales` and `journey:refund`."""
    return await found_tag(await bench.text(), service.store, tag_id)


@ROUTER.patch("/tags/{tag_id}", response_model=TagShown, responses=errors(404))
async def update(tag_id: str, given: TagGiven, service: Served, bench: Bench, caller: Writing) -> dict[str, Any]:  # noqa: ARG001
    """Call a tag otherwise; its id stays."""
    if tag_id not in policy_tags(text := await bench.text()):
        raise missing("tag", tag_id, policy_tags(text))
    await service.store.keep_record(KIND, tag_id, {"name": given.name})
    return {"id": tag_id, "name": given.name}


@ROUTER.delete("/tags/{tag_id}", status_code=204, responses=errors(404))
async def delete(tag_id: str, service: Served, bench: Bench, caller: Writing) -> Response:  # noqa: ARG001
    """Take a tag away from everything, with its relations."""

    def drop(text: PolicyText) -> None:
        if tag_id not in policy_tags(text):
            raise missing("tag", tag_id, policy_tags(text))
        _untag(text, tag_id)

    await bench.edit(drop, f"without the tag {tag_id[:200]}")
    await service.store.drop_record(KIND, tag_id)
    return Response(status_code=204)


def _untag(text: PolicyText, tag: str) -> None:
    for section in ("guidelines", "journeys"):
        for id_, body in text.section(section).items():
            tags = listed((body or {}).get("tags"))
            if tag in tags:
                rest = [each for each in tags if each != tag]
                kept = {name: value for name, value in body.items() if name != "tags"}
                text.put(section, id_, {**kept, "tags": rest} if rest else kept)
    forget_ref(text, f"tag:{tag}")
    forget_ref(text, f"any:{tag}")
    text.drop("tags", tag)


async def tags_by_id(text: PolicyText, store: Store) -> dict[str, dict[str, Any]]:
    """Every tag of the policy for :class:`TagShown`, by id."""
    names = await store.records(KIND)
    ids = policy_tags(text)
    return {id_: {"id": id_, "name": names[id_].body["name"] if id_ in names else id_} for id_ in ids}


async def found_tag(text: PolicyText, store: Store, id_: str) -> dict[str, Any]:
    """A tag for :class:`TagShown`, or one that says whose something is.

    Raises:
        Refusal: there is none.
    """
    owners = {AGENT: agents_of(text), JOURNEY: text.section("journeys")}
    for prefix, known in owners.items():
        if id_.startswith(prefix) and id_.removeprefix(prefix) in known:
            return {"id": id_, "name": id_}
    if id_.startswith(STATE) and _is_state(text, id_.removeprefix(STATE)):
        return {"id": id_, "name": id_}
    known_tags = await tags_by_id(text, store)
    if id_ not in known_tags:
        raise missing("tag", id_, known_tags)
    return known_tags[id_]


def _is_state(text: PolicyText, ref: str) -> bool:
    journey, _, state = ref.partition("/")
    body = text.get("journeys", journey)
    return body is not None and state in (body.get("states") or {})

"""Terms: words of the trade, which the model is told of where a conversation speaks of them."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from jurat.engine.store import Record
from jurat.server.api.dependencies import Body, NewId, Served, Shown, Text
from jurat.server.api.errors import errors
from jurat.server.parlant.common import Bench, Names, Reading, Workbench, Writing, free_id, missing
from jurat.server.parlant.tags import found_tag
from jurat.server.refusals import Refusal
from jurat.server.sdk.ids import id_from
from jurat.server.service import Service
from jurat.server.telling import TERM

ROUTER = APIRouter(tags=["terms"])


class TermShown(Shown):
    """A term."""

    id: str
    name: str
    description: str
    synonyms: list[str]
    tags: list[str]


class TermGiven(Body):
    """A new term; one with the tag `agent:ID` is told to that agent only."""

    name: Text
    description: Text
    synonyms: list[Text] | None = None
    tags: list[Text] | None = None
    id: NewId | None = None


class TermChanged(Body):
    """What is to be otherwise of a term."""

    name: Text | None = None
    description: Text | None = None
    synonyms: list[Text] | None = None
    tags: Names | None = None


@ROUTER.get("/terms", response_model=list[TermShown])
async def list_(service: Served, caller: Reading, tag_id: str | None = None) -> list[dict[str, Any]]:  # noqa: ARG001
    """All terms, or those with a tag."""
    found = [_shown(each) for each in (await service.store.records(TERM)).values()]
    return [each for each in found if tag_id is None or tag_id in each["tags"]]


@ROUTER.post("/terms", status_code=201, response_model=TermShown)
async def create(given: TermGiven, service: Served, bench: Bench, caller: Writing) -> dict[str, Any]:  # noqa: ARG001
    """A new term."""
    known = await service.store.records(TERM)
    if given.id in known:
        raise Refusal(422, "taken", f"`{str(given.id)[:60]}` is already the id of a term")
    await check_tags(bench, service, given.tags)
    body = {**given.model_dump(exclude={"id"}), "synonyms": given.synonyms or [], "tags": given.tags or []}
    id_ = given.id or free_id(known, id_from(given.name, "term"))
    return _shown(await service.store.keep_record(TERM, id_, body))


@ROUTER.get("/terms/{term_id}", response_model=TermShown, responses=errors(404))
async def retrieve(term_id: str, service: Served, caller: Reading) -> dict[str, Any]:  # noqa: ARG001
    """One term."""
    return _shown(await _one(service, term_id))


@ROUTER.patch("/terms/{term_id}", response_model=TermShown, responses=errors(404))
async def update(
    term_id: str, given: TermChanged, service: Served, bench: Bench, caller: Writing  # noqa: ARG001
) -> dict[str, Any]:  # fmt: skip
    """Change a term."""
    before = (await _one(service, term_id)).body
    await check_tags(bench, service, given.tags and given.tags.add)
    body = {**before, **given.model_dump(exclude_none=True, exclude={"tags"})}
    if given.tags is not None:
        body["tags"] = given.tags.applied(before["tags"])
    return _shown(await service.store.keep_record(TERM, term_id, body))


@ROUTER.delete("/terms/{term_id}", status_code=204, responses=errors(404))
async def delete(term_id: str, service: Served, caller: Writing) -> Response:  # noqa: ARG001
    """Delete a term."""
    if not await service.store.drop_record(TERM, term_id):
        raise missing("term", term_id)
    return Response(status_code=204)


async def check_tags(bench: Workbench, service: Service, tags: Any) -> None:
    """Refuse tags that there are not."""
    text = await bench.text() if tags else None
    for tag in tags or ():
        assert text is not None
        try:
            await found_tag(text, service.store, tag)
        except Refusal as refusal:
            raise Refusal(422, "unknown", f"{refusal.message}; make it before it is used") from None


def _shown(term: Record) -> dict[str, Any]:
    return {"id": term.id, **term.body}


async def _one(service: Service, id_: str) -> Record:
    found = await service.store.record(TERM, id_)
    if found is None:
        raise missing("term", id_)
    return found

"""Terms: words of the trade, which the model is told of where a conversation speaks of them."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from jurat.server.api.dependencies import Body, NewId, Served, Shown, Text
from jurat.server.api.errors import errors
from jurat.server.parlant.common import Bench, Names, Reading, Writing, free_id
from jurat.server.parlant.tagged import changed, check_tags, dropped, listed, one, shown
from jurat.server.refusals import Refusal
from jurat.server.sdk.ids import id_from
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
    return await listed(service, TERM, tag_id)


@ROUTER.post("/terms", status_code=201, response_model=TermShown)
async def create(given: TermGiven, service: Served, bench: Bench, caller: Writing) -> dict[str, Any]:  # noqa: ARG001
    """A new term."""
    known = await service.store.records(TERM)
    if given.id in known:
        raise Refusal(422, "taken", f"`{str(given.id)[:60]}` is already the id of a term")
    await check_tags(bench, service, given.tags)
    body = {**given.model_dump(exclude={"id"}), "synonyms": given.synonyms or [], "tags": given.tags or []}
    id_ = given.id or free_id(known, id_from(given.name, "term"))
    return shown(await service.store.keep_record(TERM, id_, body))


@ROUTER.get("/terms/{term_id}", response_model=TermShown, responses=errors(404))
async def retrieve(term_id: str, service: Served, caller: Reading) -> dict[str, Any]:  # noqa: ARG001
    """One term."""
    return shown(await one(service, TERM, term_id))


@ROUTER.patch("/terms/{term_id}", response_model=TermShown, responses=errors(404))
async def update(
    term_id: str, given: TermChanged, service: Served, bench: Bench, caller: Writing  # noqa: ARG001
) -> dict[str, Any]:  # fmt: skip
    """Change a term."""
    return await changed(bench, service, TERM, term_id, given)


@ROUTER.delete("/terms/{term_id}", status_code=204, responses=errors(404))
async def delete(term_id: str, service: Served, caller: Writing) -> Response:  # noqa: ARG001
    """Delete a term."""
    return await dropped(service, TERM, term_id)

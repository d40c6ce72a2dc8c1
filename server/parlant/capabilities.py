"""Capabilities: what an agent can help with, which the model is told of where a conversation speaks of it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from jurat.server.api.dependencies import Body, Served, Shown, Text
from jurat.server.api.errors import errors
from jurat.server.parlant.common import Bench, Names, Reading, Writing, free_id
from jurat.server.parlant.tagged import changed, check_tags, dropped, listed, one, shown
from jurat.server.sdk.ids import id_from
from jurat.server.telling import CAPABILITY

ROUTER = APIRouter(tags=["capabilities"])


class CapabilityShown(Shown):
    """A capability; ``signals`` are what customers say who want it."""

    id: str
    title: str
    description: str
    signals: list[str]
    tags: list[str]


class CapabilityGiven(Body):
    """A new capability; one with the tag `agent:ID` is told to that agent only."""

    title: Text
    description: Text
    signals: list[Text] | None = None
    tags: list[Text] | None = None


class CapabilityChanged(Body):
    """What is to be otherwise of a capability."""

    title: Text | None = None
    description: Text | None = None
    signals: list[Text] | None = None
    tags: Names | None = None


@ROUTER.get("/capabilities", response_model=list[CapabilityShown])
async def list_(service: Served, caller: Reading, tag_id: str | None = None) -> list[dict[str, Any]]:  # noqa: ARG001
    """All capabilities, or those with a tag."""
    return await listed(service, CAPABILITY, tag_id)


@ROUTER.post("/capabilities", status_code=201, response_model=CapabilityShown)
async def create(given: CapabilityGiven, service: Served, bench: Bench, caller: Writing) -> dict[str, Any]:  # noqa: ARG001
    """A new capability."""
    known = await service.store.records(CAPABILITY)
    await check_tags(bench, service, given.tags)
    body = {**given.model_dump(), "signals": given.signals or [], "tags": given.tags or []}
    id_ = free_id(known, id_from(given.title, "capability"))
    return shown(await service.store.keep_record(CAPABILITY, id_, body))


@ROUTER.get("/capabilities/{capability_id}", response_model=CapabilityShown, responses=errors(404))
async def retrieve(capability_id: str, service: Served, caller: Reading) -> dict[str, Any]:  # noqa: ARG001
    """One capability."""
    return shown(await one(service, CAPABILITY, capability_id))


@ROUTER.patch("/capabilities/{capability_id}", response_model=CapabilityShown, responses=errors(404))
async def update(
    capability_id: str, given: CapabilityChanged, service: Served, bench: Bench, caller: Writing  # noqa: ARG001
) -> dict[str, Any]:  # fmt: skip
    """Change a capability."""
    return await changed(bench, service, CAPABILITY, capability_id, given)


@ROUTER.delete("/capabilities/{capability_id}", status_code=204, responses=errors(404))
async def delete(capability_id: str, service: Served, caller: Writing) -> Response:  # noqa: ARG001
    """Delete a capability."""
    return await dropped(service, CAPABILITY, capability_id)

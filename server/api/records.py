"""What was decided and why, and what was proved: traces, versions, reports and certificates, all read-only."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse, Response

from jurat.server.api import traces
from jurat.server.api.auth import Caller, Chatting, requires
from jurat.server.api.dependencies import Served, Shown
from jurat.server.api.errors import errors
from jurat.server.api.versions import Effect, VersionShown, WholeVersion, in_line, version_of
from jurat.server.versions import reported

ROUTER = APIRouter(prefix="/v1", tags=["records"])
Reading = Annotated[Caller, requires("policy:read")]


class Versions(Shown):
    """All versions, newest first, and what took effect when, newest first."""

    active: int | None
    versions: list[VersionShown]
    activations: list[Effect]


@ROUTER.get("/traces/{id}", responses=errors(404))
async def trace(id: str, service: Served, caller: Chatting) -> dict[str, Any]:  # noqa: A002 - the path's name for it
    """One turn's trace, by the conversation's id, a hyphen and the turn's number (docs/engine.md)."""
    return await traces.found(service, caller, id)


@ROUTER.get("/report")
async def report(service: Served, caller: Reading) -> dict[str, Any]:  # noqa: ARG001
    """The report of the check of the policy in effect (docs/reports.md)."""
    return reported(service.agent.report, service.agent.graph, "policy")


@ROUTER.get("/versions", response_model=Versions)
async def versions(service: Served, caller: Reading) -> dict[str, Any]:  # noqa: ARG001
    """The versions of the policy that the store has; none of one that a program declares."""
    active = await service.store.activations()
    number = active[0].version if active else None
    return {
        "active": number,
        "versions": [in_line(each, number) for each in await service.store.versions()],
        "activations": [asdict(each) for each in active],
    }


@ROUTER.get("/versions/{number}", response_model=WholeVersion, responses=errors(404))
async def version(number: int, service: Served, caller: Reading) -> dict[str, Any]:  # noqa: ARG001
    """One version, with its files and the report of its check."""
    found, active = await version_of(service, number), await service.store.activations(1)
    line = in_line(found, active[0].version if active else None)
    return {**line, "files": dict(found.files), "report": dict(found.report)}


@ROUTER.get("/versions/{number}/report", responses=errors(404))
async def report_of_version(number: int, service: Served, caller: Reading) -> dict[str, Any]:  # noqa: ARG001
    """The report of the check of one version (docs/reports.md)."""
    return dict((await version_of(service, number)).report)


@ROUTER.get(
    "/versions/{number}/certificate", response_class=Response,
    responses={**errors(404, 409), 200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)  # fmt: skip
async def certificate(number: int, service: Served, caller: Reading) -> PlainTextResponse:  # noqa: ARG001
    """The evidence for one version, which `jurat verify` checks without a solver; it is written when it is first asked for."""
    found = await version_of(service, number)
    name = {"content-disposition": f'attachment; filename="version-{number}.jurat"'}
    return PlainTextResponse(await service.certificates.of(found), headers=name)

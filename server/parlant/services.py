"""Services: where the policy's tools run. They are read and taken away from afar, but not declared.

A service starts programs, is asked at an address, and is given secrets: whoever has the server's disk declares one.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Response

from jurat.policies import PolicyGraph
from jurat.policies.model import ServiceDeclaration
from jurat.server.api.dependencies import Body, Served, Shown, Text
from jurat.server.api.errors import errors
from jurat.server.parlant.common import Bench, Reading, Writing, missing, moment, unsupported
from jurat.server.parlant.tools import LOCAL, id_of, shown_tool
from jurat.server.service import Service

ROUTER = APIRouter(tags=["services"])
Kind = Literal["sdk", "openapi", "mcp"]
Name = Annotated[str, Path(max_length=2_000)]
WHY = "a service starts programs, asks addresses and is given secrets, so it is declared in the policy on the server's disk"


class ServiceShown(Shown):
    """A service with its tools; lists leave those out. ``sdk`` are functions of this server or its program, which have no url."""

    name: str
    kind: Kind
    url: str
    tools: list[dict[str, Any]] | None = None


class SdkGiven(Body):
    """A service of functions."""

    url: Text


class McpGiven(Body):
    """An MCP server."""

    url: Text


class OpenApiGiven(Body):
    """A service with an OpenAPI document."""

    url: Text
    source: Text


class ServiceGiven(Body):
    """A service as it is to be."""

    kind: Kind
    sdk: SdkGiven | None = None
    openapi: OpenApiGiven | None = None
    mcp: McpGiven | None = None


@ROUTER.get("/services", response_model=list[ServiceShown], response_model_exclude_none=True)
async def list_(service: Served, caller: Reading) -> list[dict[str, Any]]:  # noqa: ARG001
    """All services that tools of the policy run on."""
    return list(_by_name(service.agent.graph).values())


@ROUTER.get("/services/{name:path}", response_model=ServiceShown, responses=errors(404))
async def retrieve(name: Name, service: Served, caller: Reading) -> dict[str, Any]:  # noqa: ARG001
    """One service, with its tools."""
    found = _one(service, name)
    return {**found, "tools": _tools(service, name)}


@ROUTER.put("/services/{name:path}", response_model=ServiceShown, responses=errors(404))
async def declare(name: Name, given: ServiceGiven, service: Served, caller: Writing) -> dict[str, Any]:  # noqa: ARG001
    """A service that is declared so already, for programs that declare theirs whenever they start; any other is refused."""
    known = _by_name(service.agent.graph).get(name)
    if known is None or known["kind"] != given.kind or not _is_so(service.agent.graph, name, given):
        raise unsupported("declaring a service", WHY)
    return {**known, "tools": _tools(service, name)}


@ROUTER.delete("/services/{name:path}", status_code=204, responses=errors(404))
async def delete(name: Name, service: Served, bench: Bench, caller: Writing) -> Response:  # noqa: ARG001
    """Take a service away that no tool runs on; it cannot be declared from afar again."""
    _one(service, name)
    if name not in service.agent.graph.vocabulary.services:
        raise unsupported(
            "deleting this service", "it is named by the tools that run on it, and goes with the last of them"
        )
    await bench.edit(lambda text: text.drop("services", name), f"without the service {name}")
    return Response(status_code=204)


def _by_name(graph: PolicyGraph) -> dict[str, dict[str, Any]]:
    """Services for :class:`ServiceShown`: those declared, and those that tools name."""
    declared = {id_: _declared(each) for id_, each in graph.vocabulary.services.items()}
    named = {id_of(each)["service_name"]: each for each in graph.vocabulary.tools.values()}
    others = {
        name: {"name": name, "kind": "sdk" if name == LOCAL else tool.kind, "url": "" if name == LOCAL else name}
        for name, tool in named.items()
        if name not in declared
    }
    return {**declared, **others}


def _declared(service: ServiceDeclaration) -> dict[str, Any]:
    """The command that starts a program is nobody's business who may not read the policy's files."""
    return {"name": service.id, "kind": service.kind, "url": service.url or service.document or "stdio:"}


def _is_so(graph: PolicyGraph, name: str, given: ServiceGiven) -> bool:
    known = graph.vocabulary.services.get(name)
    if known is None:
        return False
    if given.openapi is not None:
        return given.openapi.source == known.document and given.openapi.url == (known.url or known.document)
    return given.mcp is not None and not known.command and given.mcp.url == known.url


def _tools(service: Service, name: str) -> list[dict[str, Any]]:
    engine = service.agent.engine
    tools = [id_ for id_, each in engine.graph.vocabulary.tools.items() if id_of(each)["service_name"] == name]
    return [shown_tool(engine, id_, moment(service.since)) for id_ in tools]


def _one(service: Service, name: str) -> dict[str, Any]:
    found = _by_name(service.agent.graph)
    if name not in found:
        raise missing("service", name, found)
    return found[name]

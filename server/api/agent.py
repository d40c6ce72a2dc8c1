"""What is served: health, the agent, its policy as a picture."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from jurat.server.about import about as told
from jurat.server.api.auth import Caller, requires
from jurat.server.api.dependencies import Served, Shown
from jurat.server.api.parameters import check_parameters
from jurat.server.drawing import picture_of, to_svg

ROUTER = APIRouter(tags=["agent"])


class Health(Shown):
    """That the server answers, and under which policy."""

    status: Literal["ok"]
    policy: str
    proved: bool


class Ready(Shown):
    """That conversations can be answered."""

    status: Literal["ready"]


class FactField(Shown):
    """A fact that an application may give, as a form asks for it."""

    name: str
    kind: Literal["enum", "bool", "number", "decimal", "text"]
    values: list[str]
    default: Any


class About(Shown):
    """The agent, whether its policy is proved, how many findings close the gate, and the facts that the caller may give."""

    agent: str
    description: str
    jurat: str
    judge: str
    proved: bool
    status: str
    digest: str
    obligations: int
    guidelines: int
    findings: int
    message_characters: int
    facts: list[FactField]


@ROUTER.get("/healthz", dependencies=[Depends(check_parameters)], response_model=Health)
async def health(service: Served) -> dict[str, Any]:
    """Whether the server answers."""
    agent = service.agent
    return {"status": "ok", "policy": agent.graph.digest, "proved": agent.report.passed}


@ROUTER.get("/readyz", dependencies=[Depends(check_parameters)], response_model=Ready)
async def ready(service: Served) -> dict[str, Any]:
    """Whether conversations can be answered: the policy may be served, and the store answers."""
    await service.ready()
    return {"status": "ready"}


@ROUTER.get("/about", response_model=About)
async def about(service: Served, caller: Annotated[Caller, requires("chat")]) -> dict[str, Any]:
    """What is served."""
    return told(service.agent, may_give_facts=caller.may("facts"))


@ROUTER.get("/policy", response_class=Response, responses={200: {"content": {"image/svg+xml": {}}}})
async def policy(service: Served, caller: Annotated[Caller, requires("policy:read")]) -> Response:  # noqa: ARG001
    """The policy as a picture; findings are marked in it."""
    svg = to_svg(picture_of(service.agent.graph, service.agent.report.failures))
    return Response(svg, media_type="image/svg+xml")

"""What the pages of the policy and of its versions read: the policy drawn, one guideline with all that is known, texts compared.

Everything is of the policy in effect unless ``digest`` names an earlier version.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query

from jurat.policies import PolicyGraph
from jurat.server.api.auth import Caller, requires
from jurat.server.api.dependencies import Served, Shown
from jurat.server.api.errors import errors
from jurat.server.api.versions import version_of
from jurat.server.inspecting.changes import changes
from jurat.server.inspecting.details import detail
from jurat.server.inspecting.policies import check_entity, drawing_of, number_of, policy_of
from jurat.server.refusals import Refusal
from jurat.server.reports.json_object import finding_as_json
from jurat.server.service import Service

ROUTER = APIRouter(prefix="/pages", tags=["pages"])
Reading = Annotated[Caller, requires("policy:read")]
Digest = Annotated[str | None, Query(pattern="^[0-9a-f]{64}$", max_length=64)]


class LineShown(Shown):
    """A line in a box; ``style`` says which."""

    style: Literal["code", "small", "fault"]
    text: str


class BoxShown(Shown):
    """A guideline, journey or state, where it stands and what is written in it; ``faults`` are places in ``findings``."""

    id: str
    kind: Literal["guideline", "journey", "state"]
    name: str
    condition: str
    actions: list[str]
    tags: list[str]
    lines: list[LineShown]
    faults: list[int]
    x: float
    y: float
    height: float


class ArrowShown(Shown):
    """A relation or a journey's transition; ``path`` is its way, as SVG has it."""

    source: str
    target: str
    kind: str
    label: str
    path: str


class PolicyShown(Shown):
    """The policy drawn. ``findings`` are those of the version in effect that close the gate (docs/reports.md); of an earlier one
    they are in its report.
    """

    digest: str
    current: bool
    version: int | None
    title: str
    width: float
    height: float
    box_width: float
    boxes: list[BoxShown]
    arrows: list[ArrowShown]
    findings: list[dict[str, Any]]


@ROUTER.get("/policy", response_model=PolicyShown, responses=errors(404))
async def policy(service: Served, caller: Reading, digest: Digest = None) -> dict[str, Any]:  # noqa: ARG001
    """The policy as a drawing, as data."""
    graph = await _policy(service, digest)
    current = graph.digest == service.agent.graph.digest
    findings = service.agent.report.failures if current else ()
    drawn = await drawing_of(graph)
    faults: dict[str, list[int]] = {}
    for place, finding in enumerate(findings):
        for subject in finding.subjects:
            faults.setdefault(subject, []).append(place)
    boxes = [
        {**box, "tags": sorted(graph.entities[box["id"]].tags), "faults": faults.get(box["id"], [])}
        for box in drawn["boxes"]
    ]
    return {
        **drawn,
        "digest": graph.digest,
        "current": current,
        "version": await number_of(service.store, service.agent.graph, graph.digest),
        "boxes": boxes,
        "findings": [finding_as_json(each) for each in findings],
    }


class ActionShown(Shown):
    """What a guideline wants done."""

    kind: str
    text: str


class StatementShown(Shown):
    """A statement that the judge is asked about."""

    key: str
    text: str


class Place(Shown):
    """Where something is written."""

    source: str
    line: int


class FindingNamed(Shown):
    """A finding in one line."""

    severity: Literal["error", "warning", "note"]
    allowed: bool
    code: str
    name: str
    message: str


class ProofShown(Shown):
    """A question that was answered about it, and what the answer relies on."""

    question: str
    check: str
    kind: Literal["obligation", "check"]
    verdict: Literal["proved", "refuted", "unknown"]
    model_independent: bool
    observations: list[str]
    axioms: list[str]


class Detail(Shown):
    """All that the policy says of one guideline, journey or state; proofs are those of the version in effect."""

    id: str
    kind: Literal["guideline", "journey", "state"]
    condition: str
    formula: str
    statements: list[StatementShown]
    actions: list[ActionShown]
    tags: list[str]
    rank: int
    on_unknown: str
    criticality: str | None
    scope: str
    reevaluate_after: list[str]
    triggers: list[str]
    place: Place | None
    text: str
    findings: list[FindingNamed]
    proofs: list[ProofShown]
    proofs_left_out: int


@ROUTER.get("/policy/entity", response_model=Detail, responses=errors(404))
async def entity(
    service: Served, caller: Reading, id: Annotated[str, Query(min_length=1, max_length=500)], digest: Digest = None  # noqa: A002, ARG001
) -> dict[str, Any]:  # fmt: skip
    """One guideline, journey or state: its text, condition, actions, proofs and findings."""
    graph = await _policy(service, digest)
    check_entity(graph, id)
    report = service.agent.report
    known = (report.proofs, report.findings) if graph.digest == report.digest else ((), ())
    return detail(graph, *known, id)


class LineCompared(Shown):
    """A line, with its numbers in both texts."""

    kind: Literal["same", "removed", "added"]
    before: int | None
    after: int | None
    text: str


class FileCompared(Shown):
    """A text that differs; ``too_long`` says that it was not compared line by line."""

    name: str
    status: Literal["added", "removed", "changed"]
    too_long: bool
    stretches: list[list[LineCompared]]


class TextsCompared(Shown):
    """What the texts of one version have that those of another have not."""

    before: int
    after: int
    files: list[FileCompared]


@ROUTER.get("/versions/{number}/texts", response_model=TextsCompared, responses=errors(404))
async def texts(number: int, against: int, service: Served, caller: Reading) -> dict[str, Any]:  # noqa: ARG001
    """How the texts of a version differ from those of another."""
    after, before = await version_of(service, number), await version_of(service, against)
    found = await asyncio.to_thread(changes, before.files, after.files)
    return {"before": against, "after": number, "files": found}


async def _policy(service: Service, digest: str | None) -> PolicyGraph:
    graph = await policy_of(service.store, service.agent.graph, digest)
    if graph is None:
        raise Refusal(404, "unknown", "there is no such version of the policy")
    return graph

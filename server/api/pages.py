"""The pages, and what they read that no other route has; nothing here changes anything.

Everything shown of a policy is of the one in effect unless ``digest`` names an earlier version. One's own turns are explained
by the policy that they ran under, whichever it was.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse
from pydantic import Field

from jurat.engine.trace import FORMAT
from jurat.policies import PolicyGraph, ValuationError
from jurat.server.api.auth import Caller, Chatting, requires
from jurat.server.api.dependencies import Served, Shown, own_session
from jurat.server.api.errors import errors
from jurat.server.api.traces import found as found_trace
from jurat.server.inspecting.changes import changes
from jurat.server.inspecting.details import detail
from jurat.server.inspecting.policies import drawing_of, number_of, policy_of
from jurat.server.inspecting.turns import statements, summary
from jurat.server.inspecting.whynot import why
from jurat.server.refusals import Refusal
from jurat.server.reports.json_object import finding_as_json
from jurat.server.service import Service

STATIC = Path(__file__).parent.parent / "static"
ROUTER = APIRouter(tags=["pages"])
TURNS = 50
"""Of a conversation that are told at once."""

Everybodys = Annotated[Caller, requires("sessions")]
Versioned = Annotated[Caller, requires("policy:read")]
Digest = Annotated[str | None, Query(pattern="^[0-9a-f]{64}$", max_length=64)]
Band = Annotated[list[float], Field(min_length=2, max_length=2)]


@ROUTER.get("/", include_in_schema=False)
async def page() -> FileResponse:
    """The pages; which of them is shown stands behind the `#` of the address."""
    return FileResponse(STATIC / "index.html")


class Listed(Shown):
    """A conversation in one line; times are in seconds since 1970, ``customer`` is what is known of the person."""

    id: str
    agent: str
    mode: Literal["auto", "manual"]
    ended: bool
    turns: int
    created: float
    updated: float
    customer: dict[str, str]


class Conversations(Shown):
    """Conversations, the one changed last first; ``before`` goes on from here, null where there are no more."""

    conversations: list[Listed]
    before: float | None


@ROUTER.get("/pages/conversations", response_model=Conversations)
async def conversations(
    service: Served,
    caller: Everybodys,
    *,
    search: Annotated[str, Query(max_length=200)] = "",
    before: Annotated[float | None, Query(allow_inf_nan=False)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> dict[str, Any]:
    """The conversations changed last, of all customers; ``search`` looks into ids and what is known of customers."""
    found = await service.store.sessions(limit + 1, before, matching=search.strip())
    shown = [
        {
            "id": each.id,
            "agent": each.agent,
            "mode": each.mode,
            "ended": each.ended,
            "turns": each.turns,
            "created": each.created,
            "updated": each.updated,
            "customer": {str(name): str(value)[:200] for name, value in list(each.customer.items())[:20]},
        }
        for each in found[:limit]
        if caller.deals_with(each.agent)
    ]
    return {"conversations": shown, "before": found[limit - 1].updated if len(found) > limit else None}


class CallDone(Shown):
    """A call of a turn and what became of it."""

    tool: str
    status: str


class TurnListed(Shown):
    """A turn in one line: what was said, what was in force at its end, and what is worth a look."""

    turn: int
    message: str | None
    event: str | None
    reply: str | None
    reply_source: str | None
    seconds: float
    in_force: list[str]
    dropped: int
    possible: int
    conflicts: int
    calls: list[CallDone]
    rejected: int
    handed_to: str | None
    policy: str
    unproved: bool


class Turns(Shown):
    """A stretch of a conversation: its turns from ``first`` on; ``total`` are those that have a trace, ``last`` the newest one."""

    id: str
    agent: str
    mode: Literal["auto", "manual"]
    running: bool
    created: float
    customer: dict[str, str]
    total: int
    first: int | None
    last: int | None
    turns: list[TurnListed]


@ROUTER.get("/pages/conversations/{id}", response_model=Turns, responses=errors(404))
async def turns(
    id: str,  # noqa: A002 - the path's name for it
    service: Served,
    caller: Chatting,
    *,
    around: Annotated[int | None, Query(ge=0, le=2**31 - 1)] = None,
) -> dict[str, Any]:
    """Some turns of a conversation in one line each: the page on which turn ``around`` is, the last page if left out."""
    session = await own_session(service, caller, id)
    numbers = await service.store.traces(session.id)
    place = sum(number < around for number in numbers) if around is not None else len(numbers)
    start = max(0, min(place, len(numbers) - 1)) // TURNS * TURNS
    wanted = numbers[start : start + TURNS]
    kept = await asyncio.gather(*(service.store.trace(session.id, number) for number in wanted))
    return {
        "id": session.id,
        "agent": session.agent,
        "mode": session.mode,
        "running": service.sessions.runs(session),
        "created": session.created,
        "customer": {str(name): str(value)[:200] for name, value in list(session.customer.items())[:20]},
        "total": len(numbers),
        "first": numbers[0] if numbers else None,
        "last": numbers[-1] if numbers else None,
        "turns": [summary(each) for each in kept if each is not None],
    }


class WholeTurn(Shown):
    """A turn with all that is needed to understand it.

    ``bands``: between which probabilities a statement counted as unknown, where that is still known. ``version`` is the number
    of the policy that it ran under, ``current`` whether that is in effect. ``entities`` are the ids of its guidelines, journeys
    and states, empty where the policy is gone.
    """

    trace: dict[str, Any]
    bands: dict[str, Band]
    version: int | None
    current: bool
    entities: list[str]
    statements: dict[str, str]


@ROUTER.get("/pages/turns/{id}", response_model=WholeTurn, responses=errors(404))
async def turn(id: str, service: Served, caller: Chatting) -> dict[str, Any]:  # noqa: A002
    """One turn, by the conversation's id, a hyphen and the turn's number."""
    trace = await found_trace(service, caller, id)
    graph = await policy_of(service.store, service.agent.graph, trace["policy"])
    return {
        "trace": trace,
        "bands": _bands(service, trace),
        "version": await number_of(service.store, trace["policy"]),
        "current": trace["policy"] == service.agent.graph.digest,
        "entities": list(graph.entities) if graph else [],
        "statements": {key: each.text for key, each in graph.vocabulary.observations.items()} if graph else {},
    }


def _bands(service: Service, trace: dict[str, Any]) -> dict[str, list[float]]:
    """Of the judge that answers now; one of another name may have had others, so then none are told."""
    judge = service.agent.engine.judge
    band = getattr(judge, "band", None)
    if band is None or judge.name != trace["judge"]:
        return {}
    return {each: list(band(each)) for each in statements(trace)}


class Explained(Shown):
    """Where a guideline, journey or state stood at the end of a turn, and why; ids stand between backticks."""

    id: str
    standing: Literal["in force", "left open", "dropped", "not triggered", "undecided"]
    sentences: list[str]


@ROUTER.get("/pages/turns/{id}/why", response_model=Explained, responses=errors(404, 409))
async def explained(
    id: str,  # noqa: A002
    service: Served,
    caller: Chatting,
    about: Annotated[str, Query(min_length=1, max_length=500)],
) -> dict[str, Any]:
    """Why a guideline was followed in a turn, or why not, in a few sentences."""
    trace = await found_trace(service, caller, id)
    graph = await policy_of(service.store, service.agent.graph, trace["policy"])
    if graph is None or trace["format"] != FORMAT:
        raise Refusal(
            409, "gone", "the policy that this turn ran under is not kept here, so nothing more can be said of it"
        )
    _check_entity(graph, about)
    try:
        return why(graph, trace, about)
    except ValuationError:
        raise Refusal(409, "gone", "what this turn speaks of is not what its policy speaks of") from None


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


@ROUTER.get("/pages/policy", response_model=PolicyShown, responses=errors(404))
async def policy(service: Served, caller: Chatting, digest: Digest = None) -> dict[str, Any]:
    """The policy as a drawing, as data."""
    graph = await _policy(service, caller, digest)
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
        "version": await number_of(service.store, graph.digest),
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


@ROUTER.get("/pages/policy/entity", response_model=Detail, responses=errors(404))
async def entity(
    service: Served, caller: Chatting, id: Annotated[str, Query(min_length=1, max_length=500)], digest: Digest = None  # noqa: A002
) -> dict[str, Any]:  # fmt: skip
    """One guideline, journey or state: its text, condition, actions, proofs and findings."""
    graph = await _policy(service, caller, digest)
    _check_entity(graph, id)
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


@ROUTER.get("/pages/versions/{number}/texts", response_model=TextsCompared, responses=errors(404))
async def texts(number: int, against: int, service: Served, caller: Versioned) -> dict[str, Any]:  # noqa: ARG001
    """How the texts of a version differ from those of another."""
    after, before = await service.store.version(number), await service.store.version(against)
    for found, wanted in ((after, number), (before, against)):
        if found is None:
            raise Refusal(404, "unknown", f"there is no version {wanted}")
    assert after is not None
    assert before is not None
    found_ = await asyncio.to_thread(changes, before.files, after.files)
    return {"before": against, "after": number, "files": found_}


async def _policy(service: Service, caller: Caller, digest: str | None) -> PolicyGraph:
    if digest not in (None, service.agent.graph.digest) and not caller.may("policy:read"):
        raise Refusal(403, "forbidden", "this needs the scope `policy:read`")
    graph = await policy_of(service.store, service.agent.graph, digest)
    if graph is None:
        raise Refusal(404, "unknown", "there is no such version of the policy")
    return graph


def _check_entity(graph: PolicyGraph, id_: str) -> None:
    if id_ not in graph.entities:
        raise Refusal(404, "unknown", f"the policy has no guideline, journey or state `{id_[:60]}`")

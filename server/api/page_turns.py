"""What the inspector reads: conversations, their turns in one line, a turn with all that explains it, why and why not.

One's own turns are explained by the policy that they ran under, whichever it was.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from jurat.engine.trace import FORMAT
from jurat.policies import RefusedTurn, ValuationError
from jurat.server.api.auth import Caller, Chatting, requires
from jurat.server.api.dependencies import Served, Shown, own_session
from jurat.server.api.errors import errors
from jurat.server.api.traces import found as found_trace
from jurat.server.inspecting.policies import check_entity, number_of, policy_of
from jurat.server.inspecting.turns import statements, summary
from jurat.server.inspecting.whynot import why
from jurat.server.refusals import Refusal
from jurat.server.service import Service

ROUTER = APIRouter(prefix="/pages", tags=["pages"])
TURNS = 50
"""Of a conversation that are told at once."""

Everybodys = Annotated[Caller, requires("sessions")]
Band = Annotated[list[float], Field(min_length=2, max_length=2)]


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


@ROUTER.get("/conversations", response_model=Conversations)
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


@ROUTER.get("/conversations/{id}", response_model=Turns, responses=errors(404))
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


@ROUTER.get("/turns/{id}", response_model=WholeTurn, responses=errors(404))
async def turn(id: str, service: Served, caller: Chatting) -> dict[str, Any]:  # noqa: A002
    """One turn, by the conversation's id, a hyphen and the turn's number."""
    trace = await found_trace(service, caller, id)
    graph = await policy_of(service.store, service.agent.graph, trace["policy"])
    return {
        "trace": trace,
        "bands": _bands(service, trace),
        "version": await number_of(service.store, service.agent.graph, trace["policy"]),
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


@ROUTER.get("/turns/{id}/why", response_model=Explained, responses=errors(404, 409))
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
    check_entity(graph, about)
    try:
        return why(graph, trace, about)
    except (ValuationError, RefusedTurn):
        raise Refusal(409, "gone", "what this turn speaks of is not what its policy speaks of") from None

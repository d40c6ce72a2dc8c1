"""Evaluations: whether the policy could be proved with a guideline in it, which does not take effect by that."""

from __future__ import annotations

import hashlib
import json
import secrets
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from jurat.engine.store import Store
from jurat.server.api.dependencies import Body, Served, Shown, Text
from jurat.server.api.errors import errors
from jurat.server.parlant.common import Bench, Reading, Workbench, Writing, missing, moment, new_id, unsupported
from jurat.server.parlant.guideline_bodies import body_of, with_tools
from jurat.server.parlant.tools import ToolId, named
from jurat.server.policy_text import PolicyText
from jurat.server.refusals import Refusal
from jurat.server.service import Service

ROUTER = APIRouter(tags=["evaluations"])
KIND = "evaluation"
PAYLOADS = 10
"""Evaluated at once; each is a proof."""
KEPT = 100
"""The evaluations that can be read again, the last ones."""
NOT_PROVED = ("not-proved", "unreadable", "files", "tools")
"""The codes of what is said of a policy, and not of a request."""


class Content(Body):
    """When a guideline applies, and what is done then."""

    condition: str
    action: Text | None = None


class GuidelinePayload(Body):
    """A guideline as it is to be: a new one, or ``updated_id`` with other words."""

    content: Content
    tool_ids: list[ToolId]
    operation: Literal["add", "update"]
    updated_id: Text | None = None
    action_proposition: bool | None = None
    properties_proposition: bool | None = None
    journey_node_proposition: bool | None = None


class Payload(Body):
    """What is evaluated."""

    kind: Literal["guideline"] = "guideline"
    guideline: GuidelinePayload


class EvaluationGiven(Body):
    """What is evaluated, each by itself."""

    payloads: Annotated[list[Payload], Field(min_length=1, max_length=PAYLOADS)]


class Invoice(Shown):
    """What came of one; ``error`` has all that was found. Nothing is proposed: the author says what is done."""

    payload: Payload
    checksum: str
    approved: bool
    data: dict[str, Any] | None
    error: str | None


class EvaluationShown(Shown):
    """An evaluation, which has ended when it is answered."""

    id: str
    status: Literal["completed"]
    progress: float
    creation_utc: Any
    error: str | None
    invoices: list[Invoice]


@ROUTER.post("/evaluations", status_code=201, response_model=EvaluationShown)
async def create(given: EvaluationGiven, service: Served, bench: Bench, caller: Writing) -> dict[str, Any]:  # noqa: ARG001
    """Whether the policy in effect could be proved with each guideline."""
    for each in given.payloads:
        _refuse(each.guideline)
    invoices = [await _invoice(service, bench, each) for each in given.payloads]
    kept = await service.store.keep_record(KIND, secrets.token_hex(6), {"invoices": invoices})
    await _forget_old(service.store)
    return _shown(kept)


@ROUTER.get("/evaluations/{evaluation_id}", response_model=EvaluationShown, responses=errors(404))
async def retrieve(
    evaluation_id: str,
    service: Served,
    caller: Reading,  # noqa: ARG001
    wait_for_completion: Annotated[int, Query(ge=0, le=3600)] = 0,  # noqa: ARG001 - each has ended
) -> dict[str, Any]:
    """One of the last hundred."""
    found = await service.store.record(KIND, evaluation_id)
    if found is None:
        raise missing("evaluation", evaluation_id)
    return _shown(found)


def _refuse(given: GuidelinePayload) -> None:
    if given.action_proposition and given.content.action is None:
        raise unsupported(
            "`action_proposition` without an action", "what is done is said by an author, and not made up"
        )
    if (given.operation == "update") is (given.updated_id is None):
        raise Refusal(422, "malformed", "`updated_id` belongs to the operation `update`, and to no other")


async def _invoice(service: Service, bench: Workbench, payload: Payload) -> dict[str, Any]:
    said, error = payload.model_dump(), None
    try:
        await bench.prove(lambda text: _put(service, text, payload.guideline))
    except Refusal as refusal:
        if refusal.code not in NOT_PROVED:
            raise
        error = "; ".join(each["msg"] for each in refusal.more["detail"]) or refusal.message
    data = {"guideline": {"action_proposition": payload.guideline.content.action, "properties_proposition": None}}
    sum_ = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
    return {
        "payload": said,
        "checksum": sum_,
        "approved": error is None,
        "data": None if error else data,
        "error": error,
    }


def _put(service: Service, text: PolicyText, given: GuidelinePayload) -> None:
    old = {} if given.updated_id is None else text.get("guidelines", given.updated_id)
    if old is None:
        raise Refusal(422, "unknown", f"there is no guideline `{str(given.updated_id)[:60]}`")
    tools = [named(service.agent.graph, each) for each in given.tool_ids]
    said = given.content.model_dump(exclude_none=True)
    body = with_tools(body_of({**old, **({"tools": tools} if tools else {})}, said), tools, [])
    words = given.content.action or given.content.condition or "guideline"
    text.put("guidelines", given.updated_id or new_id(text, "guidelines", None, words, "guideline"), body)


async def _forget_old(store: Store) -> None:
    for id_ in list(await store.records(KIND))[:-KEPT]:
        await store.drop_record(KIND, id_)


def _shown(record: Any) -> dict[str, Any]:
    return {
        "id": record.id, "status": "completed", "progress": 100.0, "creation_utc": moment(record.at), "error": None,
        "invoices": record.body["invoices"],
    }  # fmt: skip

"""Agents: who talks."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response
from pydantic import StringConstraints

from jurat.engine.session import DEFAULT_AGENT
from jurat.server.api.auth import Chatting
from jurat.server.api.dependencies import Body, Served, Shown, Text
from jurat.server.api.errors import errors
from jurat.server.parlant.common import (
    Bench,
    Composition,
    Names,
    Workbench,
    Writing,
    compose,
    missing,
    new_id,
    shown_composition,
    unsupported,
)
from jurat.server.parlant.tagging import policy_tags, put_agent, share_out
from jurat.server.policy_text import PolicyText, agents_of
from jurat.server.refusals import Refusal
from jurat.server.service import Service

ROUTER = APIRouter(tags=["agents"])
KIND = "agent"
Output = Literal["block", "stream"]
Name = Annotated[str, StringConstraints(pattern=r"\S", max_length=100)]


class AgentShown(Shown):
    """An agent; ``max_engine_iterations`` are the rounds of calls of a turn, alike for all."""

    id: str
    name: str
    description: str | None
    max_engine_iterations: int
    composition_mode: Composition
    message_output_mode: Output
    tags: list[str]
    model: str | None


class _Common(Body):
    description: str | None = None
    max_engine_iterations: int | None = None
    composition_mode: Composition | None = None
    message_output_mode: Output | None = None
    model: Text | None = None


class AgentGiven(_Common):
    """A new agent."""

    name: Name
    id: Text | None = None
    tags: list[Text] | None = None


class AgentChanged(_Common):
    """What is to be otherwise of an agent."""

    name: Name | None = None
    tags: Names | None = None


@ROUTER.get("/agents", response_model=list[AgentShown])
async def list_(service: Served, bench: Bench, caller: Chatting) -> list[dict[str, Any]]:
    """All agents that the caller deals with; the first is who answers if nobody is named."""
    return [each for each in (await _by_id(bench, service)).values() if caller.deals_with(each["id"])]


@ROUTER.post("/agents", status_code=201, response_model=AgentShown)
async def create(given: AgentGiven, service: Served, bench: Bench, caller: Writing) -> dict[str, Any]:  # noqa: ARG001
    """A new agent."""
    _refuse(given, service)
    body = {"name": given.name, **_said(given)}

    def add(text: PolicyText) -> str:
        _check_tags(text, given.tags or ())
        known = agents_of(text) or {DEFAULT_AGENT.id: {"name": DEFAULT_AGENT.name}}
        if given.id in (*known, "human"):
            raise Refusal(422, "taken", f"`{given.id}` is already the id of an agent, or of a person")
        id_ = new_id(text, "agents", given.id, given.name, "agent")
        id_ = id_ if id_ not in known else f"{id_}-{len(known) + 1}"
        for other, said in known.items():
            put_agent(text, other, said)
        put_agent(text, id_, body)
        share_out(text)
        return id_

    id_ = await bench.edit(add, f"the agent {given.name}")
    await service.store.keep_record(KIND, id_, {"tags": given.tags or []})
    return (await _by_id(bench, service))[id_]


@ROUTER.get("/agents/{agent_id}", response_model=AgentShown, responses=errors(404))
async def retrieve(agent_id: str, service: Served, bench: Bench, caller: Chatting) -> dict[str, Any]:
    """One agent."""
    found = await _by_id(bench, service)
    if agent_id not in found or not caller.deals_with(agent_id):
        raise missing("agent", agent_id, filter(caller.deals_with, found))
    return found[agent_id]


@ROUTER.patch("/agents/{agent_id}", response_model=AgentShown, responses=errors(404))
async def update(
    agent_id: str, given: AgentChanged, service: Served, bench: Bench, caller: Writing
) -> dict[str, Any]:  # fmt: skip
    """Change an agent."""
    _refuse(given, service)
    before = await retrieve(agent_id, service, bench, caller)
    tags = before["tags"] if given.tags is None else given.tags.applied(before["tags"])

    def change(text: PolicyText) -> None:
        _check_tags(text, (given.tags and given.tags.add) or ())
        body = dict(agents_of(text).get(agent_id) or {"name": DEFAULT_AGENT.name})
        body |= {"name": given.name} if given.name else {}
        body = {name: value for name, value in {**body, **_said(given)}.items() if value != ""}
        if body != agents_of(text).get(agent_id):
            put_agent(text, agent_id, body)

    await bench.edit(change, f"another agent {agent_id}")
    await service.store.keep_record(KIND, agent_id, {"tags": tags})
    return (await _by_id(bench, service))[agent_id]


@ROUTER.delete("/agents/{agent_id}", status_code=204, responses=errors(404))
async def delete(agent_id: str, service: Served, bench: Bench, caller: Writing) -> Response:
    """Delete an agent; its conversations go on with the first one."""
    await retrieve(agent_id, service, bench, caller)

    def drop(text: PolicyText) -> None:
        if len(agents_of(text)) < 2:
            raise Refusal(422, "last", "there is no other agent to answer")
        text.drop("agents", agent_id)

    await bench.edit(drop, f"without the agent {agent_id}")
    await service.store.drop_record(KIND, agent_id)
    return Response(status_code=204)


def _refuse(given: _Common, service: Service) -> None:
    if given.message_output_mode == "stream":
        raise unsupported("`message_output_mode: stream`", "a reply leaves once the whole of it was checked")
    rounds = service.agent.engine.limits.rounds
    if given.max_engine_iterations not in (None, rounds):
        raise unsupported("`max_engine_iterations`", f"all agents have the server's limit of {rounds} rounds")


def _said(given: _Common) -> dict[str, Any]:
    said = {"description": given.description, "model": given.model}
    compose(said, given.composition_mode)
    return {name: value for name, value in said.items() if value is not None}


def _check_tags(text: PolicyText, tags: Any) -> None:
    for tag in tags:
        if tag not in policy_tags(text):
            raise Refusal(422, "unknown", f"there is no tag `{tag[:60]}`; make it before it is used")


async def _by_id(bench: Workbench, service: Service) -> dict[str, dict[str, Any]]:
    notes, engine = await service.store.records(KIND), service.agent.engine
    text = await bench.text()
    known, bodies = set(policy_tags(text)), agents_of(text)
    return {
        id_: {
            "id": id_, "name": agent.name, "description": agent.description or None, "model": agent.model,
            "max_engine_iterations": engine.limits.rounds, "message_output_mode": "block",
            "composition_mode": shown_composition(bodies.get(id_) or {}) or "fluid",
            "tags": [tag for tag in (notes[id_].body["tags"] if id_ in notes else ()) if tag in known],
        }
        for id_, agent in engine.agents.items()
    }  # fmt: skip

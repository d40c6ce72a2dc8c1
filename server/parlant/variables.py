"""Context variables: what the model is told of a customer, of those with a tag, of an agent's conversations, or of all."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import StringConstraints

from jurat.engine.store import Record, Variable
from jurat.server.api.dependencies import Body, Served, Shown
from jurat.server.api.errors import errors
from jurat.server.parlant.common import Bench, Names, Reading, Writing, free_id, missing, moment, unsupported
from jurat.server.parlant.tagged import check_tags
from jurat.server.parlant.tools import ToolId
from jurat.server.refusals import Refusal
from jurat.server.sdk.ids import id_from
from jurat.server.service import Service
from jurat.server.telling import AGENT, GLOBAL, VARIABLE

ROUTER = APIRouter(tags=["context variables"])
DEFAULT, TAG, CUSTOMER = "DEFAULT", "tag:", "customer:"
Name = Annotated[str, StringConstraints(pattern=r"\S", max_length=200)]


class VariableShown(Shown):
    """A variable."""

    id: str
    name: str
    description: str | None
    tool_id: ToolId | None = None
    freshness_rules: str | None = None
    tags: list[str]


class VariableGiven(Body):
    """A new variable; one with the tag `agent:ID` is told to that agent only."""

    name: Name
    description: str | None = None
    tool_id: ToolId | None = None
    freshness_rules: str | None = None
    tags: list[Name] | None = None


class VariableChanged(Body):
    """What is to be otherwise of a variable."""

    name: Name | None = None
    description: str | None = None
    tool_id: ToolId | None = None
    freshness_rules: str | None = None
    tags: Names | None = None


class ValueShown(Shown):
    """A value of a variable."""

    id: str
    last_modified: Any
    data: Any


class ValueGiven(Body):
    """A value to be set."""

    data: Any


class WholeVariable(Shown):
    """A variable with its values by key: a customer's id, `tag:ID`, `agent:ID`, or `DEFAULT` for what counts otherwise."""

    context_variable: VariableShown
    key_value_pairs: dict[str, ValueShown] | None


@ROUTER.get("/context-variables", response_model=list[VariableShown])
async def list_(service: Served, caller: Reading, tag_id: str | None = None) -> list[dict[str, Any]]:  # noqa: ARG001
    """All variables, or those with a tag."""
    found = [_shown(each) for each in (await service.store.records(VARIABLE)).values()]
    return [each for each in found if tag_id is None or tag_id in each["tags"]]


@ROUTER.post("/context-variables", status_code=201, response_model=VariableShown)
async def create(given: VariableGiven, service: Served, bench: Bench, caller: Writing) -> dict[str, Any]:  # noqa: ARG001
    """A new variable."""
    _refuse(given)
    known = await service.store.records(VARIABLE)
    _check_name(known, given.name)
    await check_tags(bench, service, given.tags)
    body = {"name": given.name, "description": given.description, "tags": given.tags or []}
    return _shown(await service.store.keep_record(VARIABLE, free_id(known, id_from(given.name, "variable")), body))


@ROUTER.delete("/context-variables", status_code=204)
async def delete_many(service: Served, caller: Writing, tag_id: str | None = None) -> Response:  # noqa: ARG001
    """Delete all variables, or those with a tag."""
    for record in (await service.store.records(VARIABLE)).values():
        if tag_id is None or tag_id in record.body["tags"]:
            await _forget(service, record)
    return Response(status_code=204)


@ROUTER.get("/context-variables/{variable_id}", response_model=WholeVariable, responses=errors(404))
async def retrieve(
    variable_id: str, service: Served, caller: Reading, *, include_values: bool = True  # noqa: ARG001
) -> dict[str, Any]:  # fmt: skip
    """One variable, with its values."""
    record = await _one(service, variable_id)
    values = await service.store.variable(record.body["name"]) if include_values else {}
    keyed = {key: _value(record.id, key, each) for scope, each in values.items() if (key := _key(scope)) is not None}
    return {"context_variable": _shown(record), "key_value_pairs": keyed if include_values else None}


@ROUTER.patch("/context-variables/{variable_id}", response_model=VariableShown, responses=errors(404))
async def update(
    variable_id: str, given: VariableChanged, service: Served, bench: Bench, caller: Writing  # noqa: ARG001
) -> dict[str, Any]:  # fmt: skip
    """Change a variable; its values stay."""
    _refuse(given)
    before = (await _one(service, variable_id)).body
    await check_tags(bench, service, given.tags and given.tags.add)
    body = {**before, **given.model_dump(exclude_none=True, exclude={"tags"})}
    if given.tags is not None:
        body["tags"] = given.tags.applied(before["tags"])
    if body["name"] != before["name"]:
        _check_name(await service.store.records(VARIABLE), body["name"])
        for scope, value in (await service.store.variable(before["name"])).items():
            await service.store.set_variable(scope, body["name"], value.value)
            await service.store.set_variable(scope, before["name"], None)
    return _shown(await service.store.keep_record(VARIABLE, variable_id, body))


@ROUTER.delete("/context-variables/{variable_id}", status_code=204, responses=errors(404))
async def delete(variable_id: str, service: Served, caller: Writing) -> Response:  # noqa: ARG001
    """Delete a variable with its values."""
    await _forget(service, await _one(service, variable_id))
    return Response(status_code=204)


@ROUTER.get("/context-variables/{variable_id}/{key:path}", response_model=ValueShown, responses=errors(404))
async def get_value(variable_id: str, key: str, service: Served, caller: Reading) -> dict[str, Any]:  # noqa: ARG001
    """The value that is set for a key."""
    record = await _one(service, variable_id)
    found = (await service.store.variables(_scope(key))).get(record.body["name"])
    if found is None:
        raise missing("value for", key)
    return _value(record.id, key, found)


@ROUTER.put("/context-variables/{variable_id}/{key:path}", response_model=ValueShown, responses=errors(404))
async def set_value(  # noqa: PLR0917
    variable_id: str, key: str, given: ValueGiven, service: Served, bench: Bench, caller: Writing
) -> dict[str, Any]:  # fmt: skip
    """Set a value: of a customer (their id), of those with a tag (`tag:ID`), of an agent (`agent:ID`), or of all (`DEFAULT`)."""
    record = await _one(service, variable_id)
    if given.data is None:
        raise Refusal(422, "malformed", "`data` must be given; a value is taken away by deleting it")
    await check_tags(bench, service, [key.removeprefix(TAG)] if key.startswith((TAG, AGENT)) else None)
    if _scope(key).startswith(CUSTOMER) and await service.store.customer(key) is None:
        raise Refusal(422, "unknown", f"there is no customer `{key[:60]}`")
    await service.store.set_variable(_scope(key), record.body["name"], given.data)
    return await get_value(variable_id, key, service, caller)


@ROUTER.delete("/context-variables/{variable_id}/{key:path}", status_code=204, responses=errors(404))
async def delete_value(variable_id: str, key: str, service: Served, caller: Writing) -> Response:
    """Take a value away."""
    await get_value(variable_id, key, service, caller)
    await service.store.set_variable(_scope(key), (await _one(service, variable_id)).body["name"], None)
    return Response(status_code=204)


def _refuse(given: VariableGiven | VariableChanged) -> None:
    if given.tool_id is not None or given.freshness_rules is not None:
        raise unsupported("`tool_id` of a variable", "a program says so with `agent.create_variable(tool=…)`")


def _check_name(known: dict[str, Record], name: str) -> None:
    if any(each.body["name"] == name for each in known.values()):
        raise Refusal(422, "taken", f"there is a variable `{name[:60]}` already")


def _scope(key: str) -> str:
    if key == DEFAULT:
        return GLOBAL
    return key if key.startswith((TAG, AGENT)) else CUSTOMER + key


def _key(scope: str) -> str | None:
    """What clients call a scope; None of what tools have said."""
    if scope == GLOBAL:
        return DEFAULT
    return scope.removeprefix(CUSTOMER) if scope.startswith((CUSTOMER, TAG, AGENT)) else None


def _shown(record: Record) -> dict[str, Any]:
    return {"id": record.id, **{name: record.body.get(name) for name in ("name", "description", "tags")}}


def _value(variable: str, key: str, value: Variable) -> dict[str, Any]:
    id_ = hashlib.sha256(f"{variable}\n{key}".encode()).hexdigest()[:16]
    data = list(value.value) if isinstance(value.value, tuple) else value.value
    return {"id": id_, "last_modified": moment(value.at), "data": data}


async def _forget(service: Service, record: Record) -> None:
    for scope in await service.store.variable(record.body["name"]):
        await service.store.set_variable(scope, record.body["name"], None)
    await service.store.drop_record(VARIABLE, record.id)


async def _one(service: Service, id_: str) -> Record:
    found = await service.store.record(VARIABLE, id_)
    if found is None:
        raise missing("variable", id_)
    return found

"""API keys over HTTP, as `jurat keys` has them on the command line."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import Field, StringConstraints

from jurat.server.api.auth import Caller, requires
from jurat.server.api.dependencies import Body, Served, Shown, Text
from jurat.server.api.errors import errors
from jurat.server.keys import NAME_CHARACTERS, Key, KeyRefused, Keys
from jurat.server.refusals import Refusal
from jurat.server.scopes import Scope

ROUTER = APIRouter(tags=["keys"])
Minding = Annotated[Caller, requires("keys")]


async def _keys(request: Request) -> Keys:
    keys: Keys = request.app.state.gatekeeper.keys
    return keys


Kept = Annotated[Keys, Depends(_keys)]


class NewKey(Body):
    """A key to be made: what it may do, for which agents (all if left out), on whose behalf, how often and how long."""

    name: Annotated[str, StringConstraints(pattern=r"\S", max_length=NAME_CHARACTERS)]
    scopes: list[Scope] = Field(min_length=1)
    agents: list[Text] | None = None
    customer: Text | None = None
    rate: Annotated[float, Field(ge=0.001, le=1e6, allow_inf_nan=False)] | None = None
    seconds: Annotated[float, Field(ge=1, le=1e10, allow_inf_nan=False)] | None = None


class KeyShown(Shown):
    """A key without its secret; times are in seconds since 1970."""

    id: str
    name: str
    scopes: list[str]
    agents: list[str] | None
    customer: str | None
    rate: float | None
    created: float
    expires: float | None
    revoked: float | None


class KeyMade(KeyShown):
    """A key that was just made; ``key`` is what its holder sends, and is shown this once."""

    key: str


class KeysShown(Shown):
    """All that were ever made, oldest first."""

    keys: list[KeyShown]


@ROUTER.get("/keys", response_model=KeysShown)
async def list_(keys: Kept, caller: Minding) -> dict[str, Any]:  # noqa: ARG001
    """All keys, oldest first."""
    return {"keys": [shown(each) for each in await keys.all()]}


@ROUTER.post("/keys", status_code=201, response_model=KeyMade)
async def create(given: NewKey, keys: Kept, service: Served, caller: Minding) -> dict[str, Any]:
    """Make one. Nobody makes a key for more than they may do themselves."""
    _check_within(caller, given)
    if unknown := sorted({*(given.agents or ())} - {*service.agent.engine.agents}):
        raise Refusal(422, "unknown-name", f"`agents`: the policy has no agent `{unknown[0][:60]}`")
    made = given.model_dump()
    key, text = await keys.create(made.pop("name"), made.pop("scopes"), **made)
    return {**shown(key), "key": text}


@ROUTER.delete("/keys/{id}", response_model=KeyShown, responses=errors(404))
async def revoke(id: str, keys: Kept, caller: Minding) -> dict[str, Any]:  # noqa: A002
    """Take one back, for good. Nobody revokes a key that may do more than they do. Servers notice within five seconds."""
    try:
        _check_within(caller, await keys.get(id))
        return shown(await keys.revoke(id))
    except KeyRefused as error:
        raise Refusal(404, "unknown", str(error)) from None


def _check_within(caller: Caller, key: NewKey | Key) -> None:
    """Refuse a key for more than the caller may do.

    Raises:
        Refusal: it is one.
    """
    if beyond := sorted(set(key.scopes) - caller.scopes):
        raise Refusal(403, "forbidden", f"this needs the scope `{beyond[0]}`")
    if caller.agents is not None and (key.agents is None or not caller.agents.issuperset(key.agents)):
        raise Refusal(403, "forbidden", "this key or token is for other agents")
    if key.customer != caller.customer and not caller.may("sessions"):
        raise Refusal(403, "forbidden", "on behalf of another customer needs the scope `sessions`")
    if caller.rate is not None and (key.rate is None or key.rate > caller.rate.per_second):
        raise Refusal(
            403, "forbidden", f"`rate`: no more than {caller.rate.per_second:g} a second, as this key or token has"
        )


def shown(key: Key) -> dict[str, Any]:
    """A key for :class:`KeyShown`."""
    return {name: value for name, value in asdict(key).items() if name != "digest"}

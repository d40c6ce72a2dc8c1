"""`jurat keys`: who may call a served policy, and what for."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from jurat.server.cli.shell import Command, Exit, Refused, console, policy_argument, remark, require_extra

if TYPE_CHECKING:
    from jurat.engine.store import Store
    from jurat.server.keys import Key, Keys

Result = TypeVar("Result")
DAY_SECONDS = 86_400.0
EPILOG = """\b
Examples:
  jurat keys create my-agent --name website --scope chat --scope facts
  jurat keys create my-agent --name ci --scope policy:write --days 30
  jurat keys list my-agent
  jurat keys revoke my-agent 1f2e3d4c5b6a

\b
Scopes:
  chat          begin conversations, write in one's own, read them and why they went so
  facts         say what the application knows when a conversation begins
  sessions      everybody's conversations and traces, and to begin them on behalf of customers
  decide        ask what the policy decides of a situation
  tools         call guarded tools
  policy:read   versions, reports, certificates
  policy:write  put a version in effect
  calls         consequential calls, and to say what became of them
  manage:read   agents, customers, guidelines and what else there is
  manage:write  change them
  keys          make and revoke keys
"""


def _store_option(command: Command) -> Command:
    return click.option(
        "--store", metavar="URL", help="The store of the server.  [default: as `jurat serve` has it for this policy]"
    )(command)


@click.group(short_help="Make, list and revoke API keys.", epilog=EPILOG)
def keys() -> None:
    """Make, list and revoke the API keys of the server of a policy. It need not run, and may."""


@keys.command(short_help="Make a key; it is shown this once.")
@policy_argument
@click.option("--name", required=True, help="What it is for.")
@click.option("--scope", "scopes", multiple=True, required=True, help="What its holder may do; repeat it for more.")
@click.option("--agent", "agents", multiple=True, help="The id of an agent that it is for; repeat it.  [default: all]")
@click.option("--customer", help="The id of the customer on whose behalf its holder acts.  [default: none]")
@click.option("--rate", type=click.FloatRange(0.001, 1e6), help="Requests a second.  [default: no limit]")
@click.option("--days", type=click.FloatRange(0.0001, 100_000), help="How long it is taken.  [default: always]")
@_store_option
def create(
    path: str, *, store: str | None, name: str, scopes: tuple[str, ...], days: float | None, **given: Any
) -> int:
    """Make a key for the server of the policy at PATH and print it."""
    seconds = None if days is None else days * DAY_SECONDS
    given["agents"] = given["agents"] or None

    async def work(kept: Keys) -> tuple[Key, str]:
        return await kept.create(name, scopes, seconds=seconds, **given)

    key, text = _with_keys(path, store, work)
    remark(f"key {key.id}; it is not shown again")
    click.echo(text)
    return Exit.PASSED


@keys.command("list", short_help="All keys that were ever made.")
@policy_argument
@_store_option
@click.option("--format", "form", default="pretty", type=click.Choice(["pretty", "json"]), show_default=True)
def list_(path: str, *, store: str | None, form: str) -> int:
    """List the keys of the server of the policy at PATH, oldest first."""
    found = _with_keys(path, store, lambda kept: kept.all())
    if form == "json":
        click.echo(json.dumps([{k: v for k, v in asdict(each).items() if k != "digest"} for each in found], indent=2))
        return Exit.PASSED
    for each in found:
        console().print(_line(each))
    if not found:
        remark("there is no key")
    return Exit.PASSED


@keys.command(short_help="Take a key back, for good.")
@policy_argument
@click.argument("id_", metavar="ID")
@_store_option
def revoke(path: str, id_: str, *, store: str | None) -> int:
    """Take the key ID back. A server that runs notices within five seconds."""
    key = _with_keys(path, store, lambda kept: kept.revoke(id_))
    click.echo(f"key {key.id} is revoked")
    return Exit.PASSED


def _line(key: Key) -> str:
    now = datetime.now(UTC).timestamp()
    state = "revoked" if key.revoked is not None else "taken" if key.holds(now) else "expired"
    about = [key.id, state, key.name, ",".join(key.scopes)]
    about += [f"agents {','.join(key.agents)}"] if key.agents is not None else []
    about += [f"customer {key.customer}"] if key.customer is not None else []
    about += [f"until {datetime.fromtimestamp(key.expires, UTC):%Y-%m-%d %H:%M} UTC"] if key.expires else []
    return "  ".join(about)


def _with_keys(path: str, address: str | None, work: Callable[[Keys], Awaitable[Result]]) -> Result:
    """Run something on the keys of a store, whether or not a server has it open."""
    import asyncio

    from jurat.engine.store.opening import MEMORY
    from jurat.policies import JuratError
    from jurat.server.data import store_of
    from jurat.server.keys import Keys

    require_extra("server", "sqlalchemy", "alembic")
    if address == MEMORY:
        raise Refused("a store in memory is its server's alone; give that one a key by JURAT_API_KEY")
    if address is None and not Path(path).exists():  # a key of a misspelt policy would open nothing
        raise Refused(f"there is no policy at `{path}`; `--store` names the store of a server without one")
    place = address or store_of(path)

    async def run() -> Result:
        store = await _opened(place)
        try:
            return await work(Keys(store))
        finally:
            await store.close()

    try:
        return asyncio.run(run())
    except JuratError as error:
        raise Refused(str(error)) from None


async def _opened(place: Any) -> Store:
    from jurat.engine.store import open_store
    from jurat.engine.store.opening import open_beside

    return await open_beside(place) or await open_store(place)

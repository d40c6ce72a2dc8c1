"""What `chat` and `serve` share: their options, and getting from a path to an agent that may answer."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import click

from jurat.server.cli.backend import Asked, model_options, open_backend, require_sense
from jurat.server.cli.embedding import embedding_options, embeddings_of
from jurat.server.cli.shell import (
    Command,
    Exit,
    Refused,
    complain_mildly,
    console,
    load_policy,
    prove,
    remark,
    working,
)
from jurat.server.cli.streams import forgiving

if TYPE_CHECKING:
    import asyncio
    from pathlib import Path

    from jurat.engine import Toolbox
    from jurat.engine.store import Store
    from jurat.policies import PolicyGraph, Report
    from jurat.server.opening import Agent

Working = Callable[[str], AbstractContextManager[Callable[[str], None]]]


def agent_options(command: Command) -> Command:
    """The options that say with what an agent judges and speaks, and whether it may run unproved."""
    options = [
        model_options,
        embedding_options,
        click.option(
            "--script", type=click.Path(dir_okay=False), help="Follow a script (YAML) instead of asking a model."
        ),
        click.option("--unproved", is_flag=True, help="Run a policy that did not pass the check; every trace says so."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


class NotProved(Exception):
    """The check did not pass and nobody said that the policy may run all the same; carries the exit status."""

    def __init__(self, status: Exit) -> None:
        self.status = status
        super().__init__("the policy did not pass its check")


def open_agent(
    path: str, asked: Asked, script: str | None, unproved: bool, run: asyncio.Runner, *,
    store: str | Path | None = None,
) -> Agent:  # fmt: skip
    """Read, prove and assemble, with progress on standard error; with the address of a store, over it.

    Raises:
        NotProved: after the report was shown.
    """
    from jurat.server.opening import toolbox_of

    if asked.said and script:
        raise Refused("a script stands in for a model; give one of --model and --script")
    if asked.embeddings is not None and script:
        raise Refused("--embeddings is a shortcut before a model, and a script asks none; give one of them")
    require_sense(asked)
    graph = load_policy(path)
    report = proved(graph, path, unproved)
    if store is None:
        return _assembled(asked, script, run, graph, report, toolbox_of(graph, path), unproved=unproved)
    kept = run.run(_opened(store))
    try:
        parts = _in_effect(kept, graph, report, path, unproved, run)
        return _assembled(asked, script, run, *parts, unproved=unproved, store=kept)
    except BaseException:
        run.run(kept.close())
        raise


async def _opened(address: str | Path) -> Store:
    from jurat.engine.store import open_store

    return await open_store(address)


def _in_effect(  # noqa: PLR0917 - what open_agent has
    store: Store, graph: PolicyGraph, report: Report, path: str, unproved: bool, run: asyncio.Runner
) -> tuple[PolicyGraph, Report, Toolbox]:
    """What the store says is to be served: the policy on the disk, or the version that took its place over HTTP."""
    from jurat.server.opening import toolbox_of
    from jurat.server.versions import FILE, chosen, put_in_effect

    found = run.run(chosen(store, graph, path))
    if not found.from_disk:
        remark(f"version {found.number} of the policy is in effect; `{path}` has not changed since that was put there")
        report = proved(found.graph, path, unproved)
    run.run(put_in_effect(store, found, report, FILE))
    return found.graph, report, toolbox_of(found.graph, path)


def _assembled(  # noqa: PLR0917 - as above
    asked: Asked, script: str | None, run: asyncio.Runner, graph: PolicyGraph, report: Report, toolbox: Toolbox, *,
    unproved: bool, store: Store | None = None,
) -> Agent:  # fmt: skip
    from jurat.server.opening import open_with_backend, open_with_script
    from jurat.server.scripts import ScriptError, read_script

    if script:
        try:
            return open_with_script(graph, report, toolbox, read_script(script), unproved=unproved, store=store)
        except ScriptError as error:
            raise Refused(str(error)) from None
    backend = open_backend(asked, run)
    with working(f"warming up {backend.name}"):
        return run.run(
            open_with_backend(
                graph, report, toolbox, backend, unproved=unproved, store=store, embeddings=embeddings_of(asked)
            )
        )


def proved(graph: PolicyGraph, path: str, unproved: bool) -> Report:
    """The report of a policy that may run: it passed, or the user said that it may run unproved."""
    from jurat.server.cache import proofs
    from jurat.server.cli.check import status_of
    from jurat.server.proving import Bounds
    from jurat.server.reports.pretty import render
    from jurat.server.reports.result import judged

    report = prove(graph, Bounds(store=proofs()))  # what did not change since the last run is not proved again
    if report.passed:
        return report
    with forgiving():
        console(error=True).print(render(judged(report, graph, path)), end="")
    if not unproved:
        raise NotProved(status_of(report.status))
    complain_mildly("this policy runs although it did not pass its check; every trace says so")
    return report

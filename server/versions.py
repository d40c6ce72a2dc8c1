"""The versions of a policy at run time: proved before they take effect, stored, compared, taken back.

What is served first is the policy on the disk. It becomes a version of its own when it is not the one that was read from there
last; otherwise the server goes on with the version that was in effect when it stopped.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

from jurat.engine import Toolbox
from jurat.engine.errors import ToolLoadError
from jurat.engine.store import Activation, Store, Version
from jurat.policies import JuratError, PolicyError, PolicyGraph, Report, load
from jurat.policies.model import ServiceDeclaration
from jurat.server.editing import EditRefused, Put, Remove, edited, home_among
from jurat.server.opening import Agent, home_of, toolbox_of
from jurat.server.proving.bounds import Bounds
from jurat.server.proving.elsewhere import comparison_of, report_of
from jurat.server.reports.json_object import as_object
from jurat.server.reports.result import judged
from jurat.server.version_files import check_named_files, placed, unplaced, unplaced_error

PROOF_SECONDS = 120.0
"""That proving a new version may take; beyond it the version is refused as undecided."""

COMPARISON_SECONDS = 120.0
FILE, HTTP = "file", "http"
Files = Mapping[str, str]
Made = TypeVar("Made")
Change = Mapping[str, Mapping[str, Any]]
"""The parts of a policy by section and id, as a policy file has them; None takes one out."""


class NotInEffect(JuratError):
    """A version that was not admitted; ``report`` says why, as ``jurat check --format json`` does."""

    def __init__(self, report: Mapping[str, Any]) -> None:
        self.report = report
        super().__init__(
            f"the check of the new version ended with `{report['status']}`, so the old one stays in effect"
        )


class NotThere(JuratError):
    """The version that was to be changed is not the one in effect."""


def changed_files(files: Files, change: Change) -> dict[str, str]:
    """The files with parts of the policy changed, each where it stands, or in the file that has most to do with it.

    Raises:
        EditRefused: a part to be taken out is not there, or its place was not found.
    """
    found = dict(files)
    for section, parts in change.items():
        for id_, body in parts.items():
            name = home_among(found, (section, id_))
            edit = Remove((section,), id_) if body is None else Put((section,), id_, body, over=True)
            try:
                found[name] = edited(found[name], edit)
            except RecursionError:
                raise EditRefused(f"`{section}.{id_[:60]}` is nested too deeply") from None
    return found


def files_of(graph: PolicyGraph, path: str) -> dict[str, str]:
    """The texts that a policy was read from, by their names as seen from its folder."""
    home = home_of(path)
    return {os.path.relpath(name, home): text for name, text in graph.policy.sources.items()}


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is to be served; ``number`` is None where it is no version yet."""

    graph: PolicyGraph
    files: Files
    number: int | None = None
    from_disk: bool = True


async def chosen(store: Store, graph: PolicyGraph, path: str) -> Chosen:
    """The policy on the disk, or the version in effect if nobody has touched the disk since."""
    active, versions = await store.activations(1), await store.versions()
    from_disk = next((each for each in versions if each.origin == FILE), None)
    if not active or from_disk is None or from_disk.digest != graph.digest:
        return Chosen(graph, files_of(graph, path))
    version = await store.version(active[0].version)
    if version is None or version.digest == graph.digest:
        return Chosen(graph, files_of(graph, path), None if version is None else version.number)
    return Chosen(load(placed(version.files, home_of(path))), version.files, version.number, from_disk=False)


def reported(report: Report, graph: PolicyGraph, path: str) -> dict[str, Any]:
    """A report for :mod:`json`."""
    result = judged(report, graph, path)
    return as_object(result, 0 if result.passed else 1)


async def put_in_effect(store: Store, given: Chosen, report: Report, origin: str, comment: str = "") -> int:
    """Store that a policy takes effect, as a new version unless it is one; its number."""
    if given.number is not None:
        return given.number
    said = reported(report, given.graph, origin)
    version = await store.add_version(Version(given.graph.digest, given.files, said, origin, time.time(), comment))
    await store.activate(Activation(version.number, time.time(), comment))
    return version.number


def _same(one: ServiceDeclaration | None, other: ServiceDeclaration) -> bool:
    return one is not None and replace(one, span=other.span) == other


class Workshop(Protocol):
    """Where the versions of a server come from: what they are read beside, and who wants to hear of them."""

    home: Path
    """The folder that other files are named from."""

    def files(self) -> Files:
        """The policy as it was when the server was started, where no version is stored."""

    def toolbox(self, graph: PolicyGraph) -> Toolbox:
        """The tools of a version.

        Raises:
            ToolLoadError: everything that cannot be found.
        """

    def taken(self, graph: PolicyGraph, files: Files) -> None:
        """A version takes effect."""


class Folder:
    """A policy in a folder, with its tools beside it."""

    def __init__(self, graph: PolicyGraph, home: Path) -> None:
        self._graph = graph
        self.home = home

    def files(self) -> Files:
        return {os.path.relpath(name, self.home): text for name, text in self._graph.policy.sources.items()}

    def toolbox(self, graph: PolicyGraph) -> Toolbox:
        return toolbox_of(graph, self.home)

    def taken(self, graph: PolicyGraph, files: Files) -> None:
        """Nothing is written back to the folder: it is its author's."""


class Versions:
    """Changes what a server serves. One change at a time."""

    def __init__(
        self,
        agent: Agent,
        change: Callable[[Agent], None],
        workshop: Workshop,
    ) -> None:
        self._agent = agent
        self._change = change
        self._workshop = workshop
        self._store = agent.engine.store
        self._files: Files | None = None
        self._lock = asyncio.Lock()
        self._leaving: set[asyncio.Task[None]] = set()

    async def active(self) -> int | None:
        """The version in effect; None where there is none, for nothing was stored yet."""
        found = await self._store.activations(1)
        return found[0].version if found else None

    async def add(self, files: Files, comment: str, author: str | None = None) -> Version:
        """Put a new version in effect; ``author`` is who sent it, as of a :class:`~jurat.engine.store.Version`.

        Raises:
            PolicyError: it cannot be read.
            FilesRefused: it names files that it may not.
            NotInEffect: it did not pass its check.
            ToolLoadError: it names a tool that cannot be loaded.
            StoreError: it cannot be stored.
        """
        async with self._lock:
            return await self._added(files, comment, author)

    async def files(self) -> Files:
        """The files of the version in effect; the same object as long as they are the same.

        Raises:
            StoreError: they cannot be read.
        """
        if self._files is None:
            number = await self.active()
            version = None if number is None else await self._store.version(number)
            self._files = self._workshop.files() if version is None else version.files
        return self._files

    async def edit(
        self, change: Callable[[Files], tuple[Files, Made]], comment: str, author: str | None = None
    ) -> Made:
        """Put in effect what a function makes of the files in effect; what else it returns. Nobody comes in between.

        Raises:
            PolicyError, NotInEffect, ToolLoadError, StoreError: as :meth:`add`.
        """
        async with self._lock:
            before = await self.files()
            files, made = change(before)
            if dict(files) != dict(before):
                await self._added(files, comment, author)
            return made

    async def prove(self, change: Callable[[Files], tuple[Files, Made]]) -> Made:
        """Prove what a function makes of the files in effect, and leave it at that; what else it returns.

        Raises:
            PolicyError, FilesRefused, NotInEffect, ToolLoadError, StoreError: as :meth:`add`, but that no tool is looked for.
        """
        files, made = change(await self.files())
        await self._proved(files, trusted=False)
        return made

    def replaced(self, agent: Agent) -> None:
        """Another policy is served, which was stored as the version in effect."""
        self._agent, self._files = agent, None

    async def _added(self, files: Files, comment: str, author: str | None) -> Version:
        agent, report = await self._admitted(files, trusted=False)
        made = Version(agent.graph.digest, dict(files), report, HTTP, time.time(), comment, author)
        version = await self._store.add_version(made)
        await self._take(agent, version, comment, author)
        return version

    async def change(self, change: Change, comment: str, of: int | None = None, author: str | None = None) -> Version:
        """Put a new version in effect that is the one in effect with some parts of it changed; ``of`` is the number that it must have.

        Raises:
            NotThere: another version is in effect, or none that was stored.
            EditRefused: a part to be taken out is not there, or its place in the files was not found.
            PolicyError, FilesRefused, NotInEffect, ToolLoadError, StoreError: as :meth:`add`.
        """
        async with self._lock:
            number = await self.active()
            if of not in (None, number):
                raise NotThere(f"version {of} is not in effect, but {number or 'none'}")
            files = await asyncio.to_thread(changed_files, await self.files(), change)
            return await self._added(files, comment, author)

    async def roll_back(self, version: Version, comment: str, author: str | None = None) -> None:
        """Put a version in effect again; it is proved again too, for the solver may have learnt meanwhile.

        Raises:
            PolicyError, NotInEffect, ToolLoadError, StoreError: as :meth:`add`.
        """
        async with self._lock:
            agent, _ = await self._admitted(version.files)
            await self._take(agent, version, comment, author)

    async def _admitted(self, files: Files, *, trusted: bool = True) -> tuple[Agent, dict[str, Any]]:
        graph, report, said = await self._proved(files, trusted=trusted)
        toolbox = await asyncio.to_thread(self._workshop.toolbox, graph)
        return replace(self._agent, engine=self._agent.engine.renewed(graph, toolbox, report), report=report), said

    async def _proved(self, files: Files, *, trusted: bool) -> tuple[PolicyGraph, Report, dict[str, Any]]:
        if not trusted:
            await asyncio.to_thread(check_named_files, files, self._workshop.home, self._agent.graph)
        there = placed(files, self._workshop.home)
        try:
            graph = await asyncio.to_thread(load, there)
        except PolicyError as error:
            raise unplaced_error(error, self._workshop.home) from None
        if not trusted:
            self._check_services(graph)
        report = await self._report(graph, there)
        said = unplaced(reported(report, graph, "policy"), self._workshop.home)
        if not report.passed:
            raise NotInEffect(said)
        return graph, report, said

    async def _report(self, graph: PolicyGraph, files: Files) -> Report:
        """The proof, which is there already where nothing that it is about has changed."""
        known = self._agent.report
        if known.passed and known.digest == graph.digest:
            return known
        return await report_of(graph, files, Bounds(seconds=PROOF_SECONDS))

    def _check_services(self, graph: PolicyGraph) -> None:
        """A service starts programs and is given secrets: nobody declares one from afar that is not in effect already.

        Raises:
            ToolLoadError: the version declares one.
        """
        known = self._agent.graph.vocabulary.services
        new = [id_ for id_, each in graph.vocabulary.services.items() if not _same(known.get(id_), each)]
        if new:
            raise ToolLoadError(
                f"service `{new[0]}` is not declared so by the policy in effect; change a service on the server's disk"
            )

    async def _take(self, agent: Agent, version: Version, comment: str, author: str | None) -> None:
        await self._store.activate(Activation(version.number, time.time(), comment, author))
        before, self._agent, self._files = self._agent, agent, version.files
        self._workshop.taken(agent.graph, version.files)
        self._change(agent)
        leaving = asyncio.create_task(before.engine.retire())
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)

    async def compared(self, before: Version, after: Version) -> dict[str, Any] | None:
        """What the later one does otherwise, with situations; None where that is not found in time."""
        names = (f"version {before.number}", f"version {after.number}")
        files = placed(before.files, self._workshop.home), placed(after.files, self._workshop.home)
        found: dict[str, Any] | None = unplaced(
            await comparison_of(*files, names, COMPARISON_SECONDS), self._workshop.home
        )
        return found

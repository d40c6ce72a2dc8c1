"""From what was declared to an engine that may answer: read, prove, open the model once."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from jurat.engine import Engine, Limits, Toolbox
from jurat.engine.errors import ToolLoadError
from jurat.engine.hooks import Hooks
from jurat.engine.loading import load_tools
from jurat.engine.store import Store
from jurat.llm import Backend, Judge, LLMError, Voice
from jurat.policies import PolicyError, PolicyGraph, Report, build_graph
from jurat.policies.model import Policy
from jurat.server.cache import proofs
from jurat.server.cli.shell import complain_mildly, console, show_diagnostics, working
from jurat.server.cli.streams import forgiving
from jurat.server.opening import Agent, assemble
from jurat.server.proving import Bounds, started
from jurat.server.sdk import given
from jurat.server.sdk.capture import capturing
from jurat.server.sdk.elsewhere import ToolElsewhere
from jurat.server.sdk.errors import NotProved, NotStarted, SDKError
from jurat.server.sdk.tool import ToolEntry

if TYPE_CHECKING:
    from jurat.llm.backends.opening import Kind
    from jurat.llm.protocol import Embedder
    from jurat.server.scripts import Script

VARIABLES = {"model": "JURAT_MODEL", "backend": "JURAT_BACKEND", "url": "JURAT_URL", "script": "JURAT_SCRIPT"}
SHORTCUT = {"embeddings": "JURAT_EMBEDDINGS", "embedding_model": "JURAT_EMBEDDING_MODEL"}
"""Where a server is told from outside of the program what the program does not say."""

JudgeFilter = Callable[[Judge], Judge]


@dataclass(slots=True)
class Minds:
    """Who judges and who speaks; opened when first needed and freed at the end."""

    model: str | None = None
    backend: str | None = None
    url: str | None = None
    cassette: str | None = None
    script: str | None = None
    judge: Judge | None = None
    voice: Voice | None = None
    embeddings: str | None = None
    embedding_model: str | None = None
    opened: Backend | None = field(default=None, init=False)
    _embedder: Embedder | None = field(default=None, init=False)
    _script: Script | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        given_here = any((self.model, self.backend, self.url, self.cassette, self.script, self.judge, self.voice))
        if not given_here:
            for name, variable in VARIABLES.items():
                setattr(self, name, os.environ.get(variable) or None)
        if self.embeddings is None and self.embedding_model is None and not (self.script or self.judge):
            for name, variable in SHORTCUT.items():
                setattr(self, name, os.environ.get(variable) or None)
        self._require_sense()
        if self.script is not None and capturing() is None:  # what is only looked at follows no script
            self._script = _read(self.script)

    def _require_sense(self) -> None:
        if (self.judge is None) != (self.voice is None):
            raise SDKError("`judge` and `voice` are given together, or neither")
        if self.script and (self.model or self.backend or self.url or self.judge):
            raise SDKError("a script stands in for a model; give one of `script` and `model`")
        if self.embeddings and (self.script or self.judge):
            raise SDKError("`embeddings` is a shortcut before a model, and none is asked here")
        if self.embedding_model and not self.embeddings:
            raise SDKError("`embedding_model` names a model of the server at `embeddings`; give that too")

    @property
    def name(self) -> str:
        """What the model is called before it is opened."""
        from jurat.llm.models import DEFAULT_MODEL

        if self.judge is not None:
            return str(self.judge.name)
        return "scripted" if self.script else self.model or self.url or DEFAULT_MODEL

    async def ready(self, graph: PolicyGraph) -> tuple[Judge, Voice]:
        """The judge and the voice, for a policy.

        Raises:
            NotStarted: the model cannot be loaded or reached.
        """
        if self.judge is None or self.voice is None:
            try:
                if self._script is not None:
                    self.judge, self.voice = self._script.judge(), self._script.voice()
                else:
                    self.judge, self.voice = await self._modelled(graph)
            except (LLMError, click.ClickException) as error:
                raise NotStarted(
                    error.format_message() if isinstance(error, click.ClickException) else str(error)
                ) from error
        return self.judge, self.voice

    async def _modelled(self, graph: PolicyGraph) -> tuple[Judge, Voice]:
        from jurat.llm.backends.opening import opened
        from jurat.llm.batching import Batching
        from jurat.llm.judge import ScoringJudge
        from jurat.llm.voice import ModelVoice
        from jurat.server.cli.backend import Asked, choice_of, tell_note

        asked = Asked(cast("Kind | None", self.backend), self.model, self.url, self.cassette)
        choice = await asyncio.to_thread(choice_of, asked)
        with working(f"loading {self.name}"):
            source = await opened(choice)
        tell_note(source)
        self.opened = backend = Batching(source)
        judge = ScoringJudge(backend)
        with working(f"warming up {backend.name}"):
            await judge.warm_up()
        return await self._behind_shortcut(judge, graph), ModelVoice(backend)

    async def _behind_shortcut(self, judge: Judge, graph: PolicyGraph) -> Judge:
        if self.embeddings is None:
            return judge
        from jurat.server.prefiltering import Embeddings, prefiltered

        before, self._embedder = await prefiltered(judge, Embeddings(self.embeddings, self.embedding_model), graph)
        return before

    async def close(self) -> None:
        """Free the models."""
        for model in (self._embedder, self.opened):
            if model is not None:
                await model.close()


def _read(script: object) -> Script:
    """The script in a file.

    Raises:
        SDKError: there is none, or it cannot be used.
    """
    from jurat.server.scripts import ScriptError, read_script

    if not isinstance(script, str | os.PathLike):
        raise SDKError(f"`script` is a file, not `{given.shown(script)}`; objects are given as `judge` and `voice`")
    try:
        return read_script(os.fspath(script))
    except OSError as error:
        raise SDKError(f"`script`: `{script}` cannot be read: {error.strerror or error}") from None
    except ScriptError as error:
        raise SDKError(f"`script`: {error}") from None


@dataclass(frozen=True, slots=True)
class Assembly:
    """What an agent is assembled of besides its policy."""

    tools: Mapping[str, ToolEntry]
    hooks: Hooks
    filter: JudgeFilter
    limits: Limits
    unproved: bool
    proof_seconds: float | None
    customers: Callable[[str], Awaitable[Mapping[str, Any] | None]]
    store: Store


async def opened(read: Callable[[], Policy], name: str, minds: Minds, parts: Assembly) -> Agent:
    """The agent of a policy that was declared; what is wrong with it is printed.

    Raises:
        NotProved: it cannot be read, or did not pass its check and ``unproved`` was not said.
        SDKError: the model cannot answer.
    """
    graph = _graph(read)
    report = await _proved(graph, name, parts)
    judge, voice = await minds.ready(graph)
    toolbox = await asyncio.to_thread(toolbox_of_program, graph, parts.tools)
    engine: Engine = assemble(
        graph, report, toolbox, parts.filter(judge), voice, unproved=parts.unproved, limits=parts.limits,
        hooks=parts.hooks, store=parts.store,
    )  # fmt: skip
    return Agent(engine, report, customers=parts.customers)


def toolbox_of_program(graph: PolicyGraph, entries: Mapping[str, ToolEntry]) -> Toolbox:
    """The functions of the program, and what is elsewhere.

    Raises:
        NotStarted: what cannot be found or reached.
    """
    known = {name: entry.tool for name, entry in entries.items() if entry.tool is not None}
    folders = {name: entry.folder for name, entry in entries.items() if isinstance(entry, ToolElsewhere) and entry.kind}
    if not folders:
        return Toolbox(graph, known)
    try:
        tools, services = load_tools(graph, next(iter(folders.values())), known=known, folders=folders)
    except ToolLoadError as error:
        raise NotStarted(str(error)) from error
    return Toolbox(graph, tools, services=services)


def _graph(read: Callable[[], Policy]) -> PolicyGraph:
    try:
        return build_graph(read())
    except PolicyError as error:
        show_diagnostics(error)
        raise NotProved("the policy cannot be used; what is wrong with it is shown above") from None


async def _proved(graph: PolicyGraph, name: str, parts: Assembly) -> Report:
    from jurat.server.reports.pretty import render
    from jurat.server.reports.result import count, judged

    bounds = Bounds(seconds=parts.proof_seconds, store=proofs())
    with started(graph, bounds) as proof, working(f"proving {count(len(graph.guidelines), 'guideline')}") as tell:
        report = await asyncio.to_thread(proof.report, lambda check, done: tell(f"proving {check}, {done} done"))
    if report.passed:
        return report
    with forgiving():
        console(error=True).print(render(judged(report, graph, name)), end="")
    if not parts.unproved:
        raise NotProved(
            f"the policy did not pass its check (`{report.status.value}`); `unproved=True` serves it all the same"
        )
    complain_mildly("this policy runs although it did not pass its check; every trace says so")
    return report


def program_name() -> str:
    """What reports call the program: the file that was started."""
    import sys

    name = sys.argv[0] if sys.argv and sys.argv[0] not in ("", "-c", "-m") else "the program"
    return Path(name).name

"""From a path to an engine that may answer: read, prove, load the tools, load the model."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jurat.engine import Engine, Toolbox
from jurat.engine.store import Store
from jurat.llm import Backend, Judge, Voice
from jurat.policies import PolicyGraph, Report
from jurat.policies.types import BoolType, IntType, ListType, Type

if TYPE_CHECKING:
    from jurat.llm.protocol import Embedder
    from jurat.server.prefiltering import Embeddings
    from jurat.server.scripts import Script


@dataclass(frozen=True, slots=True)
class Agent:
    """An engine with what it was made of; ``backend`` and ``embedder`` are the models to free at the end, if there are any.

    ``customers`` finds what is known of a customer by id; without it those of the store are known.
    """

    engine: Engine
    report: Report
    backend: Backend | None = None
    embedder: Embedder | None = None
    customers: Callable[[str], Awaitable[Mapping[str, Any] | None]] | None = None

    @property
    def graph(self) -> PolicyGraph:
        return self.engine.graph

    @property
    def name(self) -> str:
        """What the first agent of the policy is called."""
        return next(iter(self.engine.agents.values())).name

    async def customer_of(self, id_: str | None) -> Mapping[str, Any] | None:
        """What tools are told of a customer, nothing of a guest; None of one who is not known."""
        if id_ is None:
            return {}
        if self.customers is not None:
            return await self.customers(id_)
        found = await self.engine.store.customer(id_)
        return None if found is None else {**found.metadata, "id": found.id, "name": found.name}

    async def close(self) -> None:
        """Free the model, leave the services, and let go of the store."""
        try:
            await asyncio.to_thread(self.engine.toolbox.close)
            for model in (self.embedder, self.backend):
                if model is not None:
                    await model.close()
        finally:
            await self.engine.store.close()


def home_of(path: str | Path) -> Path:
    """The folder of a policy."""
    return Path(path) if Path(path).is_dir() else Path(path).parent


def toolbox_of(graph: PolicyGraph, path: str | Path) -> Toolbox:
    """The policy's tools, from the folder of the files that declare them.

    Raises:
        ToolLoadError: everything that cannot be found, imported or understood.
    """
    declared = [tool.span.source for tool in graph.vocabulary.tools.values() if tool.kind == "python"]
    home = home_of(path)
    folders = {Path(source).parent for source in declared}
    return Toolbox.load(graph, folders.pop() if len(folders) == 1 else home)


async def open_with_backend(
    graph: PolicyGraph,
    report: Report,
    toolbox: Toolbox,
    backend: Backend,
    *,
    unproved: bool,
    store: Store | None = None,
    embeddings: Embeddings | None = None,
) -> Agent:
    """An agent that judges and speaks with the model of a backend, which is freed where that cannot be.

    With ``embeddings`` the judge is behind the shortcut of :mod:`jurat.llm.prefilter`.

    Raises:
        UnprovedPolicy: the check did not pass, and ``unproved`` is not given.
        BackendError: a model cannot answer, or no shortcut was fitted.
        CalibrationError: what was fitted is damaged.
    """
    from jurat.llm.batching import Batching
    from jurat.llm.judge import ScoringJudge
    from jurat.llm.voice import ModelVoice
    from jurat.server.prefiltering import prefiltered

    embedder: Embedder | None = None
    try:
        backend = Batching(backend)
        scoring = ScoringJudge(backend)
        judge, embedder = await prefiltered(scoring, embeddings, graph) if embeddings else (scoring, None)
        engine = assemble(graph, report, toolbox, judge, ModelVoice(backend), unproved=unproved, store=store)
        await scoring.warm_up()
    except BaseException:
        for model in (embedder, backend):
            if model is not None:
                await model.close()
        raise
    return Agent(engine, report, backend, embedder)


def open_with_script(
    graph: PolicyGraph, report: Report, toolbox: Toolbox, script: Script, *, unproved: bool, store: Store | None = None
) -> Agent:
    """An agent that follows a script, without any model."""
    judge, voice = script.judge(), script.voice()
    return Agent(assemble(graph, report, toolbox, judge, voice, unproved=unproved, store=store), report)


def assemble(
    graph: PolicyGraph, report: Report, toolbox: Toolbox, judge: Judge, voice: Voice, *, unproved: bool, **options: Any
) -> Engine:
    """The engine of a policy, its report checked; ``options`` are the engine's. Without hooks the store's terms and variables are told."""
    from jurat.server.telling import Told

    if options.get("hooks") is None and options.get("store") is not None:
        options["hooks"] = Told(options["store"])
    return Engine(graph, judge, voice, toolbox, report=report, unproved=unproved, **options)


def facts_of(graph: PolicyGraph, texts: Mapping[str, str]) -> dict[str, Any]:
    """Facts that a person typed, as the plain values of their types; what fits no type stays text and is refused later."""
    declared = graph.vocabulary.facts
    return {path: _read(text, declared[path].type) if path in declared else text for path, text in texts.items()}


def _read(text: str, type_: Type) -> Any:
    if isinstance(type_, ListType):
        return [_read(each.strip(), type_.element) for each in text.split(",") if each.strip()]
    if isinstance(type_, BoolType):
        return {"true": True, "false": False}.get(text.casefold(), text)
    if isinstance(type_, IntType):
        return int(text) if text.removeprefix("-").isdecimal() else text
    return text

"""An engine around a policy text, with a scripted judge and voice."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pytest

from jurat.engine import Engine, Limits, Session, Toolbox, Turn
from jurat.engine.check import claim_statement
from jurat.llm import ReplyRequest
from jurat.llm.scripted import Rule, ScriptedJudge, ScriptedVoice
from jurat.policies import load


@dataclass
class World:
    """One session with an engine of its own; ``say`` runs a turn from start to end."""

    engine: Engine
    session: Session
    judge: ScriptedJudge
    voice: ScriptedVoice

    def say(self, message: str | None, **more: Any) -> Turn:
        return asyncio.run(self.engine.turn(self.session, message, **more))

    def statuses(self, turn: Turn) -> list[tuple[str, str]]:
        return [(call.tool, call.status) for call in turn.calls]


class Make(Protocol):
    def __call__(self, policy: str, **more: Any) -> World: ...


@pytest.fixture
def world() -> Make:
    def make(
        policy: str,
        *,
        judge: Mapping[str, Rule] | None = None,
        default: Any = "error",
        replies: Sequence[str] | Callable[[ReplyRequest], str] | None = None,
        arguments: Mapping[str, Any] | None = None,
        tools: Mapping[str, Callable[..., Any]] | None = None,
        facts: Mapping[str, object] | None = None,
        customer: Mapping[str, Any] | None = None,
        limits: Limits | None = None,
        clock: Callable[[], float] = lambda: 0.0,
        toolbox: Toolbox | None = None,
        plugin_data: Mapping[str, Any] | None = None,
        judged_by: ScriptedJudge | None = None,
    ) -> World:
        graph = load(inspect.cleandoc(policy))
        honest = {claim_statement(tool): False for tool in graph.vocabulary.tools}
        sensor = judged_by or ScriptedJudge({**honest, **(judge or {})}, default=default)
        voice = ScriptedVoice(replies, arguments)
        box = Toolbox(graph, tools) if toolbox is None else toolbox
        engine = Engine(graph, sensor, voice, box, limits=limits, unproved=True, clock=clock, plugin_data=plugin_data)
        return World(engine, engine.start_session(facts, customer), sensor, voice)

    return make

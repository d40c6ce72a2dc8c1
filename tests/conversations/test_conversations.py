"""Every conversation of this folder, held turn by turn against what its file expects."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from jurat.engine import Engine, Session, Toolbox, Turn, replay
from jurat.llm import ReplyRequest
from jurat.llm.scripted import ScriptedJudge, ScriptedVoice
from jurat.policies import PolicyGraph, load

HERE = Path(__file__).parent
FILES = sorted(HERE.glob("*.yaml"))
KEYS = {"about", "policy", "tools", "facts", "customer", "judge", "arguments", "turns"}


class Rehearsed(ScriptedVoice):
    """Says what the turn at hand gives it to say, and what it was told where the turn gives nothing."""

    def __init__(self, arguments: Mapping[str, Any]) -> None:
        super().__init__(self._next, arguments)
        self.lines: list[str] = []

    def _next(self, request: ReplyRequest) -> str:
        if self.lines:
            return self.lines.pop(0)
        return " ".join((*request.tool_results, *request.instructions)) or "How can I help?"


def graph_of(case: Mapping[str, Any], repository: Path) -> PolicyGraph:
    text = case["policy"]
    return load(text if "\n" in text else str(repository / text))


def toolbox_of(case: Mapping[str, Any], graph: PolicyGraph, folder: Path, repository: Path) -> Toolbox:
    if "tools" not in case and "\n" not in case["policy"]:
        return Toolbox.load(graph, repository / case["policy"])
    (folder / "tools.py").write_text(case.get("tools", ""))
    return Toolbox.load(graph, folder)


def patterns(arguments: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    return {
        tool: {name: re.compile(each) if isinstance(each, str) else each for name, each in given.items()}
        for tool, given in arguments.items()
    }


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_conversation(path: Path, tmp_path: Path, repository: Path) -> None:
    case = yaml.safe_load(path.read_text())
    assert set(case) <= KEYS, f"unknown: {set(case) - KEYS}"
    graph = graph_of(case, repository)
    voice = Rehearsed(patterns(case.get("arguments", {})))
    toolbox = toolbox_of(case, graph, tmp_path, repository)
    engine = Engine(graph, ScriptedJudge(case.get("judge", {})), voice, toolbox, unproved=True, clock=lambda: 0.0)
    session = engine.start_session(case.get("facts"), case.get("customer"))
    for number, expected in enumerate(case["turns"], start=1):
        voice.lines = list(expected.get("voice", []))
        turn = asyncio.run(engine.turn(session, expected.get("say"), event=expected.get("event")))
        shown = "\n".join(turn.trace.explain())
        for key, wanted in expected.items():
            found = LOOKS[key](turn, session, wanted)
            assert found == wanted, f"turn {number}, {key}: expected {wanted}, found {found}\n{shown}"
        again = replay(graph, json.loads(json.dumps(turn.trace.as_json())))
        assert [each.differences for each in again if each.differences] == []


def _in_force(turn: Turn, _: Session, __: Any) -> list[str] | None:
    return None if turn.resolution is None else list(turn.resolution.in_force)


def _dropped(turn: Turn, _: Session, __: Any) -> dict[str, str]:
    return {} if turn.resolution is None else {g: drop.reason for g, drop in turn.resolution.dropped.items()}


def _parts(text: str, wanted: list[str]) -> list[str]:
    return [each for each in wanted if each in text]


def _faults(turn: Turn, _: Session, wanted: list[str]) -> list[str]:
    found = [fault for draft in turn.trace.drafts for fault in draft.faults]
    parts = [part for part, fault in zip(wanted, found, strict=False) if part in fault]
    return parts if len(found) == len(wanted) else found


LOOKS = {
    "say": lambda turn, session, wanted: wanted,
    "event": lambda turn, session, wanted: wanted,
    "voice": lambda turn, session, wanted: wanted,
    "in_force": _in_force,
    "dropped": _dropped,
    "calls": lambda turn, session, wanted: [[call.tool, call.status] for call in turn.calls],
    "facts": lambda turn, session, wanted: {key: session.facts.get(key) for key in wanted},
    "journeys": lambda turn, session, wanted: dict(session.journeys),
    "decided": lambda turn, session, wanted: turn.trace.decisions,
    "handed_to": lambda turn, session, wanted: turn.trace.handed_to,
    "reply": lambda turn, session, wanted: turn.response.text if turn.response else None,
    "reply_has": lambda turn, session, wanted: _parts(turn.response.text if turn.response else "", wanted),
    "faults": _faults,
    "explains": lambda turn, session, wanted: [line for line in wanted if line in turn.trace.explain()],
}

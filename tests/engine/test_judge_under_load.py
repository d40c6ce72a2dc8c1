"""Many sessions, one model, and messages that come while it judges: no stale answer, no lost turn, nothing left waiting."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import Any

import pytest

from jurat.engine import Engine, Session, Toolbox, TurnSuperseded
from jurat.llm import BackendError
from jurat.llm.batching import Batching
from jurat.llm.calibration import Calibration
from jurat.llm.injection import CONTROLS
from jurat.llm.judge import ScoringJudge
from jurat.llm.protocol import Scoring
from jurat.llm.scripted import ScriptedVoice
from jurat.policies import load

POLICY = """
jurat: 1
observations:
  red: The customer says red
  blue: The customer says blue
guidelines:
  red: {when: red, action: Speak of red}
  blue: {when: blue, action: Speak of blue}
  both: {when: red && blue, action: Speak of both}
"""
PLAIN = Calibration(slope=1.0, intercept=0.0, low=0.2, high=0.8)


class Reader:
    """Reads the last message; takes some steps of the loop for it, and fails about a session that says so."""

    name, digest = "reader", "0"

    def __init__(self, draw: random.Random) -> None:
        self.draw = draw
        self.calls = self.under_way = 0

    async def score(self, prefix: str, suffixes: Sequence[str], answers: tuple[str, str]) -> list[float]:
        self.calls += 1
        self.under_way += 1
        try:
            for _ in range(self.draw.randint(0, 4)):
                await asyncio.sleep(0)
        finally:
            self.under_way -= 1
        said = prefix.rpartition("The customer now says:")[2]
        if "fail" in said:
            raise BackendError("it does not read that")
        return [self._score(said, each) for each in suffixes]

    def _score(self, said: str, suffix: str) -> float:
        control = next((true for text, true in CONTROLS if text in suffix), None)
        holds = control if control is not None else any(each in said and each in suffix for each in ("red", "blue"))
        return 0.95 if holds else 0.05

    async def close(self) -> None: ...


class Together(Reader):
    async def score_many(self, requests: Sequence[Scoring], answers: tuple[str, str]) -> list[Any]:
        found = [self.score(each.prefix, each.suffixes, answers) for each in requests]
        return list(await asyncio.gather(*found, return_exceptions=True))


async def customer(engine: Engine, session: Session, draw: random.Random) -> list[tuple[str, set[str]]]:
    """Says colours, often before the last one was answered; what each turn had to hear, and what it took for true."""
    texts = [draw.choice(["red", "blue", "red and blue", "nothing", "fail"]) for _ in range(8)]
    turns = []
    for text in texts:
        turns.append(asyncio.create_task(engine.turn(session, text)))
        for _ in range(draw.randint(0, 60)):
            await asyncio.sleep(0)
    heard, unanswered = [], ""
    for text, turn in zip(texts, await asyncio.gather(*turns, return_exceptions=True), strict=True):
        unanswered += f" {text}"
        if isinstance(turn, TurnSuperseded):
            continue
        assert not isinstance(turn, BaseException), turn
        heard.append((unanswered, {each.observation for each in turn.trace.rounds[-1].asked if each.truth}))
        unanswered = ""
    assert unanswered == ""
    return heard


def holds(heard: str) -> set[str]:
    return set() if "fail" in heard else {each for each in ("red", "blue") if each in heard}


@pytest.mark.parametrize("kind", [Reader, Together])
@pytest.mark.parametrize("seed", range(5))
def test_messages_that_come_while_the_model_judges(kind: type[Reader], seed: int) -> None:
    async def run() -> list[tuple[str, set[str]]]:
        draw, graph = random.Random(seed), load(POLICY)
        backend = kind(draw)
        batching = Batching(backend, piece=2)
        judge = ScoringJudge(batching, calibration=PLAIN)
        engine = Engine(graph, judge, ScriptedVoice(lambda _: "Well"), Toolbox(graph, {}), unproved=True)
        customers = [customer(engine, engine.start_session(), random.Random(f"{seed} {n}")) for n in range(12)]
        heard = await asyncio.wait_for(asyncio.gather(*customers), 30)
        await asyncio.sleep(0.01)
        assert (len(batching._queue), len(batching._running), backend.under_way) == (0, 0, 0)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return [turn for each in heard for turn in each]

    turns = asyncio.run(run())
    assert [turn for turn in turns if turn[1] != holds(turn[0])] == []
    assert 12 < len(turns) < 12 * 8, "some were superseded, and not all"

"""What a turn costs beside the model, by stage, and how many conditions are asked with and without partial evaluation.

    python benchmarks/matcher/overhead.py [--turns N] [--sizes 10 100 1000]

The backend answers at once, by a hash of the question; everything else is the product: prompt, calibration, memory (off:
every turn asks), batching, engine. Processor time, so that a busy machine does not change it much.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

sys.path += [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "solver")]
from measuring import heading
from synthetic import TIERS, policy_text

from jurat.engine import Engine, Limits, Toolbox
from jurat.engine import engine as engine_module
from jurat.engine import match as match_module
from jurat.engine.match import Knowledge
from jurat.engine.relevance import Outlook
from jurat.llm.batching import Batching
from jurat.llm.judge import ScoringJudge
from jurat.llm.scripted import ScriptedVoice
from jurat.policies import PolicyGraph, load

SAID = ("My order 1042 has not arrived yet, and the chair of the last one was broken.", "Can I have my money back?")


class Instant:
    """A backend that answers at once: one condition in ten is true."""

    name, digest = "instant", "0"

    def __init__(self) -> None:
        self.asked = 0

    async def score(self, prefix: str, suffixes: Sequence[str], answers: tuple[str, str]) -> list[float]:  # noqa: ARG002
        self.asked += len(suffixes)
        return [0.99 if hashlib.md5(each.encode()).digest()[0] < 26 else 0.01 for each in suffixes]  # noqa: S324

    async def generate(self, prompt: str, schema: dict[str, Any] | None = None, **_: Any) -> str:
        raise NotImplementedError

    async def close(self) -> None:
        return None


def flat(conditions: int) -> str:
    """A guideline for each condition: nothing can be left out."""
    observations = "\n".join(f"  o{n}: The customer asks about matter number {n}" for n in range(conditions))
    guidelines = "\n".join(f"  g{n}: {{when: o{n}, action: Deal with matter {n}}}" for n in range(conditions))
    return f"jurat: 1\nobservations:\n{observations}\nguidelines:\n{guidelines}\n"


def shop(guidelines: int) -> str:
    """Departments of ten guidelines behind a condition of their own, by tier and by what was done before, as shops have."""
    observations, facts, told = [], ["  customer.tier: {type: {enum: [standard, gold], ordered: true}}"], []
    for number in range(-(-guidelines // 10)):
        d = f"d{number}"
        names = ("asks", "angry", "refund", "exchange", "status", "thanks", "human", "again")
        observations += [f"  {d}_{each}: The customer says something of department {number} ({each})" for each in names]
        facts.append(f"  {d}.open: bool")
        lines = [
            f"{{when: {d}_asks, action: Answer}}",
            f"{{when: '{d}_refund && customer.tier >= \"gold\"', action: Refund, requires: [{d}-0]}}",
            f"{{when: '{d}_refund && customer.tier < \"gold\"', action: Explain, requires: [{d}-0]}}",
            f"{{when: '{d}_exchange && {d}.open', action: Exchange, requires: [{d}-0]}}",
            f"{{when: {d}_status, action: Look it up, requires: [{d}-0]}}",
            f"{{when: '{d}_thanks && !{d}_angry', action: Thank, requires: [{d}-0]}}",
            f"{{when: {d}_human, action: Offer a person, overrides: [{d}-1, {d}-2, {d}-3]}}",
            f"{{when: '{d}_angry && {d}.open', action: Apologise}}",
            f"{{when: '{d}_again && {d}.open', action: Say it again, requires: [{d}-4]}}",
            f"{{when: '!{d}.open', action: Say that it is closed, requires: [{d}-0]}}",
        ]
        told += [f"  {d}-{place}: {line}" for place, line in enumerate(lines)]
    body = {"facts": facts, "observations": observations, "guidelines": told[:guidelines]}
    return "jurat: 1\n" + "\n".join(f"{name}:\n" + "\n".join(lines) for name, lines in body.items()) + "\n"


def engine_of(graph: PolicyGraph, backend: Instant) -> Engine:
    judge = ScoringJudge(Batching(backend))
    voice = ScriptedVoice(lambda _: "I look into it.")
    return Engine(graph, judge, voice, Toolbox(graph), unproved=True, limits=Limits(answers_kept=0))


def everything(outlook: Outlook, asked: frozenset[str], *, all_: bool) -> frozenset[str]:  # noqa: ARG001
    """In the place of :func:`jurat.engine.relevance.needed`."""
    return frozenset(outlook.graph.vocabulary.observations) - asked


def facts_of(graph: PolicyGraph, turn: int) -> dict[str, object]:
    """All facts known, others each turn."""
    found: dict[str, object] = {}
    for n, (path, fact) in enumerate(graph.vocabulary.facts.items()):
        kind = type(fact.type).__name__
        odd = (n * 7 + turn) % 3 == 0
        tiers = [each for each in TIERS if each in getattr(fact.type, "values", ())]
        found[path] = tiers[turn % len(tiers)] if tiers else odd if kind == "BoolType" else (n * 137 + turn * 61) % 1000
    return found


async def talked(graph: PolicyGraph, turns: int, backend: Instant) -> list[float]:
    """Processor seconds of each turn, the first few left out; two messages a session."""
    engine, took = engine_of(graph, backend), []
    for number in range(turns // 2 + 3):
        session = engine.start_session(facts_of(graph, number))
        for said in SAID:
            start = time.process_time()
            await engine.turn(session, said)
            took.append(time.process_time() - start)
        if number == 2:
            took, backend.asked = [], 0
    return took


STAGES = (
    ("prompt, calibration, batching", match_module, "judged"),
    ("axioms, conditions, bounds", Outlook, "of"),
    ("which to ask", match_module, "needed"),
    ("trusted values", Knowledge, "refresh"),
    ("resolution", Outlook, "resolution"),
    ("conflicts", engine_module, "arbitrated"),
    ("trace", engine_module, "described"),
    ("reply and its check", engine_module, "respond"),
)


@contextmanager
def timed_stages(spent: dict[str, float]) -> Iterator[None]:
    """Add up what each stage takes by itself; what it takes to look is in none of them."""
    stack: list[list[float]] = []

    def entered() -> None:
        stack.append([time.process_time(), 0.0])

    def left(name: str) -> None:
        start, inner = stack.pop()
        whole = time.process_time() - start
        spent[name] += whole - inner
        if stack:
            stack[-1][1] += whole

    def wrapped(name: str, function: Any) -> Any:
        def plain(*arguments: Any, **more: Any) -> Any:
            entered()
            try:
                return function(*arguments, **more)
            finally:
                left(name)

        async def waiting(*arguments: Any, **more: Any) -> Any:
            entered()
            try:
                return await function(*arguments, **more)
            finally:
                left(name)

        return waiting if asyncio.iscoroutinefunction(function) else plain

    patches = [patch.object(owner, attribute, wrapped(name, getattr(owner, attribute))) for name, owner, attribute in STAGES]  # fmt: skip
    for each in patches:
        each.start()
    try:
        yield
    finally:
        for each in patches:
            each.stop()


def overhead(sizes: Sequence[int], turns: int) -> None:
    print("| conditions | p50 ms | p99 ms | " + " | ".join(name for name, _, _ in STAGES) + " | rest |")
    print("|" + " ---: |" * (len(STAGES) + 4))
    for size in sizes:
        graph, number = load(flat(size)), max(20, min(turns, 40_000 // size))
        took = sorted(asyncio.run(talked(graph, number, Instant())))
        spent: dict[str, float] = defaultdict(float)
        with timed_stages(spent):
            whole = asyncio.run(talked(graph, number, Instant()))
        share = {name: spent[name] / (len(whole) + 6) * 1e3 for name, _, _ in STAGES}
        rest = statistics.fmean(took) * 1e3 - sum(share.values())
        worst = took[min(len(took) - 1, int(len(took) * 0.99))]
        cells = [
            f"{statistics.median(took) * 1e3:.2f}",
            f"{worst * 1e3:.2f}",
            *(f"{each:.2f}" for each in share.values()),
        ]
        print(f"| {size:,} | " + " | ".join(cells) + f" | {max(0.0, rest):.2f} |")


def questions(sizes: Sequence[int], turns: int) -> None:
    print(
        "\n| policy | guidelines | conditions | asked a turn: everything | asked: partial evaluation | saved | ms a turn |"
    )
    print("| --- |" + " ---: |" * 6)
    shapes = {"shop": shop, "modular": policy_text, "flat": flat}
    for name, text in shapes.items():
        for size in sizes:
            graph, number = load(text(size)), max(20, min(turns, 20_000 // size))
            few, all_ = Instant(), Instant()
            took = asyncio.run(talked(graph, number, few))
            with patch("jurat.engine.match.needed", everything):
                count = len(asyncio.run(talked(graph, number, all_)))
            some, every = few.asked / count, all_.asked / count
            cells = f"{size:,} | {len(graph.vocabulary.observations):,} | {every:,.1f} | {some:,.1f} | {1 - some / every:.0%}"
            print(f"| {name} | {cells} | {statistics.median(took) * 1e3:.2f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--turns", type=int, default=400, metavar="N", help="turns measured at each size, fewer at large ones"
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 100, 1000], metavar="N")
    arguments = parser.parse_args()
    print(heading())
    overhead(arguments.sizes, arguments.turns)
    questions(arguments.sizes, arguments.turns)


if __name__ == "__main__":
    main()

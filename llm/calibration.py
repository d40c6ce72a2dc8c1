"""Measures the judge on labelled cases, and fits the calibration that it uses.

    python -m jurat.llm.calibration --cases CASES.jsonl … [--nlupp nlupp_dev.json] [--model FILE.gguf]

A line of a case file is {"split": "choice" | "report", "conversation": [[role, text], …],
"conditions": {statement: bool, …}}. The calibration is fitted on the split `choice` and everything is
reported for both; only `report` counts, since the prompt was chosen on the other as well.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import random
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jurat.llm.backends.embedded import EmbeddedBackend
from jurat.llm.judge import CALIBRATION, Calibration, ScoringJudge, logit, sigmoid
from jurat.llm.models import DEFAULT_MODEL, pull
from jurat.llm.protocol import Message, Role

UNKNOWN_COST = 0.25  # what an unknown answer costs, where a wrong one costs 1: unknown is safe, and wrong acts
_NLUPP_CASES = 60
_ROLES: dict[str, Role] = {"customer": "customer", "agent": "agent", "tool": "tool"}


@dataclass(frozen=True, slots=True)
class Case:
    """Statements about the last message of a conversation, with the truth about each."""

    source: str
    split: str
    conversation: tuple[Message, ...]
    statements: dict[str, bool]


@dataclass(frozen=True, slots=True)
class Scored:
    source: str
    split: str
    score: float
    true: bool


def read_cases(file: Path) -> list[Case]:
    """The cases of a file in the form that this module's description gives."""
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines() if line.strip()]
    return [
        Case(file.stem, c["split"], tuple(Message(_ROLES[r], t) for r, t in c["conversation"]), c["conditions"])
        for c in lines
    ]


def nlupp_cases(file: Path, split: str, number: int = _NLUPP_CASES) -> list[Case]:
    """For each of number / 2 utterances of NLU++ one intent that holds and one of its domain that does not.

    The two splits share no utterance. The choice is random with a fixed seed.
    """
    data = json.loads(file.read_text("utf-8"))
    utterances = [u for u in data["utterances"] if u["true"]]
    random.Random(7).shuffle(utterances)  # noqa: S311 - a sample, not a secret
    half = len(utterances) // 2
    chosen = utterances[:half] if split == "choice" else utterances[half:]
    draw = random.Random(split)  # noqa: S311 - as above
    return [_nlupp_case(data["conditions"], u, split, draw) for u in chosen[: number // 2]]


def _nlupp_case(conditions: dict[str, Any], utterance: dict[str, Any], split: str, draw: random.Random) -> Case:
    domains = {"general", utterance["domain"]}
    false = [k for k, c in conditions.items() if domains & set(c["domain"]) and k not in utterance["true"]]
    pair = {draw.choice(utterance["true"]): True, draw.choice(false): False}
    statements = {_statement(conditions[k]["question"]): true for k, true in pair.items()}
    return Case("nlupp", split, (Message("customer", utterance["text"]),), statements)


def _statement(question: str) -> str:
    rest = question.removeprefix("is the intent ").rstrip("?")
    return f"The customer is {rest}" if rest.startswith("asking") else f"The customer wants {rest}"


async def scored(judge: ScoringJudge, cases: Iterable[Case]) -> list[Scored]:
    """The judge's raw score of every statement."""
    found: list[Scored] = []
    for case in cases:
        print(f"\r{len(found)} statements", end="", file=sys.stderr, flush=True)
        scores, _ = await judge.scores(case.conversation, list(case.statements))
        pairs = zip(scores, case.statements.values(), strict=True)
        found += [Scored(case.source, case.split, score, true) for score, true in pairs]
    print(file=sys.stderr)
    return found


def fitted(cases: Sequence[Scored]) -> Calibration:
    """Platt scaling by gradient descent on the log-loss, then the band that costs least."""
    slope, intercept = 1.0, 0.0
    points = [(logit(c.score), float(c.true)) for c in cases]
    for _ in range(20_000):
        errors = [(sigmoid(slope * x + intercept) - y, x) for x, y in points]
        slope -= 0.05 * sum(e * x for e, x in errors) / len(points)
        intercept -= 0.05 * sum(e for e, _ in errors) / len(points)
    steps = [i / 20 for i in range(1, 20)]
    bands = [Calibration(slope, intercept, low, high) for low in steps for high in steps if low < high]
    return min(bands, key=lambda band: _cost(band, cases))


def _cost(calibration: Calibration, cases: Sequence[Scored]) -> float:
    truths = [(calibration.truth(calibration.probability(c.score)), c.true) for c in cases]
    return sum(UNKNOWN_COST if truth is None else float(truth != true) for truth, true in truths)


def auroc(cases: Sequence[Scored]) -> float:
    """The chance that a true statement scores higher than a false one; nan without both kinds."""
    true, false = ([c.score for c in cases if c.true is kind] for kind in (True, False))
    if not true or not false:
        return math.nan
    return sum((t > f) + 0.5 * (t == f) for t in true for f in false) / (len(true) * len(false))


def report(cases: Sequence[Scored], calibration: Calibration) -> str:
    """A table with a row for each source and split."""
    rows = ["| cases | split | n | AUROC | accuracy at 0.5 | unknown | wrong of the decided |", "|---" * 7 + "|"]
    for source, split in sorted({(c.source, c.split) for c in cases}):
        some = [c for c in cases if (c.source, c.split) == (source, split)]
        rows.append(f"| {source} | {split} | {len(some)} | {_figures(some, calibration)} |")
    return "\n".join(rows)


def _figures(cases: Sequence[Scored], calibration: Calibration) -> str:
    found = [(calibration.probability(c.score), c.true) for c in cases]
    right = sum((p > 0.5) == true for p, true in found)
    decided = [(calibration.truth(p), true) for p, true in found if calibration.truth(p) is not None]
    wrong = sum(truth != true for truth, true in decided)
    unknown = 1 - len(decided) / len(found)
    share = wrong / len(decided) if decided else math.nan
    return f"{auroc(cases):.3f} | {right / len(found):.3f} | {unknown:.0%} | {share:.1%} ({wrong})"


async def _measure(arguments: argparse.Namespace) -> None:
    cases = [c for file in arguments.cases for c in read_cases(file)]
    if arguments.nlupp:
        cases += [c for split in ("choice", "report") for c in nlupp_cases(arguments.nlupp, split)]
    backend = await EmbeddedBackend.load(arguments.model or pull(DEFAULT_MODEL), threads=arguments.threads)
    begin = time.monotonic()
    found = await scored(ScoringJudge(backend), cases)
    seconds = time.monotonic() - begin
    await backend.close()
    print(f"{len(found)} statements in {seconds:.0f} s, model {backend.name} {backend.digest[:12]}\n")
    print(report(found, CALIBRATION))
    fit = fitted([c for c in found if c.split == "choice"])
    print(f"\nfitted on `choice`: {fit}, which gives\n\n{report(found, fit)}")


def main() -> None:
    """Run the measurement; see the module's description."""
    parser = argparse.ArgumentParser(prog="python -m jurat.llm.calibration", description="Measure the judge.")
    parser.add_argument("--cases", type=Path, nargs="+", required=True, metavar="FILE", help="labelled cases, JSONL")
    parser.add_argument("--nlupp", type=Path, metavar="FILE", help="intents of NLU++")
    parser.add_argument("--model", type=Path, metavar="FILE", help="a GGUF model; else the default one")
    parser.add_argument("--threads", type=int, metavar="N", help="1 is fastest where other work fills the cores")
    asyncio.run(_measure(parser.parse_args()))


if __name__ == "__main__":
    main()

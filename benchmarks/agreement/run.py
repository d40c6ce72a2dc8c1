"""Everything that says what is in force, on many random situations: `python benchmarks/agreement/run.py [PAIRS]`.

Policies with every relation, tags, journeys, scopes, ranks, axioms, defaults and facts of all types are drawn by
number; for each of them situations that differ in what the policy looks at. Each pair is answered by the reference
semantics, the engine's questions and resolution, the propositional lane, Z3, the certificate checker's encoder and
clingo (tests/properties/agreement.py says how). Ends with a table, and with status 1 if anything differed.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import count
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.properties import agreement, comparing, random_policies
from tests.properties.agreement import Tally, drawn_case, features
from tests.properties.sides import SIDES, compared

from jurat.engine import match, relevance
from jurat.policies import semantics, valuation
from jurat.policies.graph import PolicyGraph
from jurat.policies.valuation import Valuation

POLICIES_A_TASK = 10
REMEMBERED = 5_000
PACKAGES = ("z3-solver", "python-sat", "clingo")


@dataclass(slots=True)
class Record:
    """What came out of some policies, and the seconds spent on each side."""

    tally: Tally = field(default_factory=Tally)
    policies: int = 0
    pairs: int = 0
    drawn: int = 0
    seconds: Counter[str] = field(default_factory=Counter)
    features: Counter[str] = field(default_factory=Counter)

    def add(self, other: Record) -> None:
        self.tally.add(other.tally)
        self.policies += other.policies
        self.pairs += other.pairs
        self.drawn += other.drawn
        self.seconds.update(other.seconds)
        self.features.update(other.features)


class Remembered:
    """A pure function whose last few thousand results are kept."""

    def __init__(self, function: Callable[..., Any], key: Callable[..., Hashable]) -> None:
        self._function = function
        self._key = key
        self._known: dict[Hashable, tuple[PolicyGraph, Any]] = {}

    def __call__(self, graph: PolicyGraph, *rest: Any) -> Any:
        key = (id(graph), self._key(*rest))
        if key not in self._known:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[key] = graph, self._function(graph, *rest)
        return self._known[key][1]


def _values(valuation: Valuation) -> Hashable:
    return frozenset(valuation.values.items())


@contextmanager
def remembered() -> Iterator[None]:
    """What the reference and the engine have in common is computed once for each situation."""
    shared: list[tuple[str, Callable[..., Hashable], list[ModuleType]]] = [
        ("bounds", lambda certain, possible: (certain, possible), [semantics, relevance, comparing]),
        ("matched", _values, [semantics, relevance, comparing]),
        ("settle", _values, [semantics, match, relevance, agreement]),
        ("keys", lambda: None, [valuation, random_policies]),
    ]
    with ExitStack() as stack:
        for name, key, modules in shared:
            function = Remembered(getattr(modules[0], name), key)
            for module in modules:
                stack.enter_context(patch.object(module, name, function))
        yield


def some_policies(seed: int, task: int, draws: int) -> Record:
    """The policies of one task, compared."""
    found = Record()
    with remembered():
        for number in range(task * POLICIES_A_TASK, (task + 1) * POLICIES_A_TASK):
            _one_policy(found, seed, number, draws)
    return found


def _one_policy(found: Record, seed: int, number: int, draws: int) -> None:
    started = time.process_time()
    case = drawn_case(Random(f"{seed}:{number}"), draws)
    found.seconds["reference"] += time.process_time() - started
    found.policies += 1
    found.pairs += len(case.situations)
    found.drawn += case.drawn
    found.features.update(set(features(case.graph)))
    for name, side in SIDES.items():
        started = time.process_time()
        tally = compared(case, {name: side})
        found.seconds[name] += time.process_time() - started
        tally.mismatches = [f"policy {seed}:{number}: {each}" for each in tally.mismatches]
        found.tally.add(tally)


def compare(pairs: int, seed: int, draws: int, workers: int, minutes: float) -> Iterator[Record]:
    """So many pairs at least, or as many as fit the time; what was found so far, again and again."""
    found, started, tasks = Record(), time.monotonic(), count()
    with ProcessPoolExecutor(workers) as pool:
        running: set[Future[Record]] = set()
        while running or _more(found, pairs, started, minutes):
            while _more(found, pairs, started, minutes) and len(running) < 2 * workers:
                running.add(pool.submit(some_policies, seed, next(tasks), draws))
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for each in done:
                found.add(each.result())
                for mismatch in each.result().tally.mismatches:
                    sys.stderr.write(f"MISMATCH {mismatch}\n")
            yield found


def _more(found: Record, pairs: int, started: float, minutes: float) -> bool:
    return found.pairs < pairs and time.monotonic() - started < 60 * minutes


def table(found: Record, seconds: float, workers: int) -> Iterator[str]:
    """The result in Markdown."""
    tally, wrong = found.tally, Counter(each.split(": ")[1] for each in found.tally.mismatches)
    versions = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    yield f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, {versions}, {platform.machine()}, "
    yield f"{os.cpu_count()} cores, {workers} workers: {found.pairs:,} different pairs of a policy and a situation "
    yield f"({found.drawn:,} drawn) over {found.policies:,} policies in {seconds / 60:.0f} minutes, "
    yield f"**{len(tally.mismatches)} mismatches**.\n\n"
    yield "| compared with the reference | pairs | not to be admitted | left open | mismatches | CPU a pair |\n"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |\n"
    for name in SIDES:
        left = f"{tally.open[name]:,}" if tally.open[name] else ""
        cost = f"{found.seconds[name] / max(found.pairs, 1) * 1e6:.0f} µs"
        yield f"| {name} | {tally.pairs[name]:,} | {tally.refusals[name]:,} | {left} | {wrong[name]} | {cost} |\n"
    yield f"\nQuestions put to the propositional lane by cone: {tally.questions['sat']:,}. Models asked of Z3: {tally.questions['z3 models']:,}. "
    yield f"Stable models seen by clingo: {tally.questions['clingo models']:,}.\n\n| policies with | share |\n| --- | ---: |\n"
    for name, number in sorted(found.features.items(), key=lambda item: (-item[1], item[0])):
        yield f"| {name} | {100 * number / found.policies:.1f} % |\n"


def main() -> int:
    """Print the table; 1 if anything differed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", nargs="?", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--draws", type=int, default=320, help="situations drawn for each policy (default 320)")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument(
        "--minutes", type=float, default=600, help="stop after this time with what was compared by then"
    )
    parser.add_argument("--table", type=Path, help="a file for the table, written anew whenever there is more to tell")
    options = parser.parse_args()
    found, started, text = Record(), time.monotonic(), ""
    for found in compare(options.pairs, options.seed, options.draws, options.workers, options.minutes):
        seconds = time.monotonic() - started
        text = "".join(table(found, seconds, options.workers))
        said = f"{found.pairs} pairs, {found.policies} policies, {len(found.tally.mismatches)} mismatches"
        sys.stderr.write(f"{seconds:.0f} s: {said}\n")
        if options.table:
            options.table.write_text(text, "utf-8")
    sys.stdout.write(text)
    return 1 if found.tally.mismatches else 0


if __name__ == "__main__":
    sys.exit(main())

"""How long `jurat check` takes beside a naive pairwise loop: `python benchmarks/solver/conflicts.py [GUIDELINES]`.

The loop is what one writes first: for each pair of guidelines whose actions differ, a fresh Z3 solver with the whole
policy and both in force. It is run on a sample of the pairs, and the rest is extrapolated; the sample's verdicts are
compared with ours.
"""

from __future__ import annotations

import argparse
import platform
import random
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import z3

sys.path.insert(0, str(Path(__file__).parent))
from synthetic import policy_text

import jurat
from jurat.policies import PolicyGraph, Verdict
from jurat.solver import encode
from jurat.solver.checks.conflicting_actions import clashes


def naive(graph: PolicyGraph, sample: int) -> tuple[float, list[bool]]:
    """Seconds a pair, and whether each sampled pair can be in force together."""
    encoding = encode(graph)
    policy = encoding.everything()
    pairs = [(clash.left, clash.right) for clash in clashes(graph)]
    chosen = random.Random(0).sample(pairs, min(sample, len(pairs)))
    started = time.perf_counter()
    found = []
    for left, right in chosen:
        solver = z3.Solver()
        solver.add(*policy, encoding.certain[left], encoding.certain[right])
        found.append(solver.check() == z3.sat)
    return (time.perf_counter() - started) / len(chosen), found


def main() -> None:
    """Print one table row a size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("guidelines", nargs="*", type=int, default=[100, 1000])
    parser.add_argument("--sample", type=int, default=20, help="pairs that the naive loop runs (default 20)")
    options = parser.parse_args()
    print(
        f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, z3 {z3.get_version_string()}, {platform.machine()}"
    )
    print("| guidelines | obligations | read | check | naive pairwise (extrapolated) | ratio |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")
    for size in options.guidelines:
        print(row(size, options.sample), flush=True)


def row(size: int, sample: int) -> str:
    """One size: our seconds, and the loop's."""
    text = policy_text(size)
    started = time.perf_counter()
    graph = jurat.load(text)
    read = time.perf_counter() - started
    report = jurat.check(graph)
    each, found = naive(graph, sample)
    if any(found) != any(proof.verdict is Verdict.REFUTED for proof in report.proofs):
        raise SystemExit("the naive loop and `jurat check` disagree")
    total = each * report.obligations
    return f"| {size} | {report.obligations} | {read:.2f} s | {report.seconds:.2f} s | {total:.0f} s | {total / report.seconds:.0f} |"


if __name__ == "__main__":
    main()

"""How long `jurat check` takes beside a naive pairwise loop: `python benchmarks/solver/conflicts.py [GUIDELINES]`.

The loop is what one writes first: for each pair of guidelines whose actions differ, a fresh Z3 solver with the whole
policy and both in force. It is run on a sample of the pairs, and the rest is extrapolated; the sample's verdicts are
compared with ours.
"""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path

import z3

sys.path += [str(Path(__file__).parent), str(Path(__file__).parents[1])]
from measuring import Took, heading, timed
from synthetic import policy_text

import jurat
from jurat.policies import PolicyGraph, Verdict
from jurat.solver import encode
from jurat.solver.checks.conflicting_actions import clashes
from jurat.solver.encoding import Encoding


def naive(graph: PolicyGraph, sample: int) -> tuple[Took, list[bool]]:
    """What a pair takes, and whether each sampled pair can be in force together."""
    encoding = encode(graph)
    policy = encoding.everything()
    pairs = [(clash.left, clash.right) for clash in clashes(graph)]
    chosen = random.Random(0).sample(pairs, min(sample, len(pairs)))
    took, found = timed(lambda: [_together(encoding, policy, *pair) for pair in chosen])
    return Took(took.wall / len(chosen), took.cpu / len(chosen)), found


def _together(encoding: Encoding, policy: list[z3.BoolRef], left: str, right: str) -> bool:
    solver = z3.Solver()
    solver.add(*policy, encoding.certain[left], encoding.certain[right])
    return bool(solver.check() == z3.sat)


def main() -> None:
    """Print one table row a size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("guidelines", nargs="*", type=int, default=[100, 1000])
    parser.add_argument("--sample", type=int, default=20, help="pairs that the naive loop runs (default 20)")
    options = parser.parse_args()
    print(heading("z3-solver", "python-sat"))
    print("| guidelines | obligations | read | check, every question | naive pairwise, extrapolated | ratio |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")
    for size in options.guidelines:
        print(row(size, options.sample), flush=True)


def row(size: int, sample: int) -> str:
    """One size: our seconds, and the loop's."""
    read, graph = timed(lambda: jurat.load(policy_text(size)))
    took, report = timed(lambda: jurat.check(graph))
    each, found = naive(graph, sample)
    if any(found) != any(proof.verdict is Verdict.REFUTED for proof in report.proofs):
        raise SystemExit("the naive loop and `jurat check` disagree")
    total = Took(each.wall * report.obligations, each.cpu * report.obligations)
    loop = f"{total.wall:,.0f} s ({total.cpu:,.0f} s)"
    return f"| {size:,} | {report.obligations:,} | {read} | {took} | {loop} | {total.cpu / took.cpu:,.0f} |"


if __name__ == "__main__":
    main()

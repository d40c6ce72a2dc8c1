"""How long all conflict obligations of a policy take: `python benchmarks/solver/obligations.py [GUIDELINES …] [--shape SHAPE]`.

Nothing but the obligations: the policy is cut into parts, each is written as clauses, and every pair of actions that
contradict each other is asked about in propositional logic, from the policy graph to one proof an obligation. Each row is
a process of its own; memory is all that it ever held, reading included. `--whole` asks every other question too, as
`jurat check` does.
"""

from __future__ import annotations

import argparse
import gc
import subprocess
import sys
from pathlib import Path

sys.path += [str(Path(__file__).parent), str(Path(__file__).parents[1])]
from measuring import Took, heading, peak_megabytes, timed
from synthetic import Shape, policy_text

import jurat
from jurat.policies import PolicyGraph, Proof, Verdict
from jurat.solver.checks import conflicting_actions
from jurat.solver.limits import Limits
from jurat.solver.prover import Prover
from jurat.solver.slices import slices


def proved(graph: PolicyGraph) -> int:
    """How many obligations there are, all of them proved; a part is let go when it is done."""
    whole = Prover(graph, Limits(agreed=0))
    count = 0
    for part in slices(graph, whole.cones):
        prover = Prover(part, whole.limits, whole)
        prover.gather(conflicting_actions.entities(part))
        count += sum(_held(outcome.proof) for outcome in conflicting_actions.run(prover))
    return count


def _held(proof: Proof) -> bool:
    if proof.verdict is not Verdict.PROVED:
        raise SystemExit(f"not proved: {proof.question}")
    return True


def checked(graph: PolicyGraph) -> int:
    """The same of the whole check."""
    report = jurat.check(graph)
    for proof in report.proofs:
        _held(proof)
    return report.obligations


def measured(size: int, shape: Shape, *, whole: bool) -> str:
    """One row, in this process."""
    gc.disable()  # as `jurat check` reads
    reading, graph = timed(lambda: jurat.load(policy_text(size, shape=shape)))
    gc.freeze()
    gc.enable()
    took, count = timed(lambda: checked(graph) if whole else proved(graph))
    each = Took(took.wall / count * 1e6, took.cpu / count * 1e6)
    return f"| {shape} | {size:,} | {count:,} | {reading} | {took} | {each.cpu:.0f} µs | {peak_megabytes()} MB |"


def main() -> None:
    """Print one table row a size, each from a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("guidelines", nargs="*", type=int, default=[100, 1000, 10_000])
    parser.add_argument("--shape", choices=["modular", "dense", "ranked"], default="modular")
    parser.add_argument("--whole", action="store_true", help="every question of `jurat check`")
    parser.add_argument("--row", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.row:
        print(measured(options.guidelines[0], options.shape, whole=options.whole))
        return
    what = "check" if options.whole else "encode and solve"
    print(heading("python-sat", "z3-solver"))
    print(f"| shape | guidelines | obligations | read | {what} | each | memory |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |", flush=True)
    for size in options.guidelines:
        command = [sys.executable, __file__, str(size), "--shape", options.shape, "--row"]
        subprocess.run([*command, *(["--whole"] * options.whole)], check=True)


if __name__ == "__main__":
    main()

"""Planted bugs in the propositional lane, and how soon each is found: `python benchmarks/agreement/mutate.py`.

An example is a policy with three situations; a bug counts as found if the lane and the reference differ within 2,000.
"""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.properties.sat_mutations import EXAMPLES, MUTANTS, REWRITTEN, found_after


def found(seed: int, says: str) -> tuple[int | None, float]:
    """After how many examples, and how many seconds."""
    started = time.process_time()
    return found_after(MUTANTS[says], seed), time.process_time() - started


def main() -> int:
    """Print the table; 1 if fewer than 95 % were found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    with ProcessPoolExecutor(options.workers) as pool:
        results = dict(zip(MUTANTS, pool.map(partial(found, options.seed), MUTANTS), strict=True))
    seen = [number for number, _ in results.values() if number is not None]
    share = 100 * len(seen) / len(results)
    sys.stdout.write(
        f"Seed {options.seed}: {len(seen)} of {len(results)} planted bugs found within {EXAMPLES} examples "
    )
    sys.stdout.write(
        f"({share:.1f} %); half of them after {sorted(seen)[len(seen) // 2]}, the last after {max(seen)}.\n"
    )
    for kind, group in REWRITTEN.items():
        sys.stdout.write(f"\n| {kind} | where | found after |\n| --- | --- | ---: |\n")
        for says, where, _, _ in group:
            sys.stdout.write(f"| {says} | `{where}` | {results[says][0] or 'not found'} |\n")
    return 0 if share >= 95 else 1


if __name__ == "__main__":
    sys.exit(main())

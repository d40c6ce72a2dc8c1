"""How long one edit takes to be proved again: `python benchmarks/solver/editing.py [GUIDELINES]`.

Each edit gives one guideline another bound, another decision, or a relation, most of which make conflicts, and is then
undone, which is timed too: from the changed guideline to the report about all that it touches. Beside it, the whole check from the start.
"""

from __future__ import annotations

import argparse
import gc
import random
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

sys.path += [str(Path(__file__).parent), str(Path(__file__).parents[1])]
from measuring import heading, timed
from synthetic import policy_text

from jurat.policies import build_graph, read_policy
from jurat.policies.model import Guideline, Policy, Ref, Relation
from jurat.solver import check
from jurat.solver.verifier import Verifier

EDITS = 200


def main() -> None:
    """Print one table row a size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("guidelines", nargs="*", type=int, default=[1000, 10_000])
    sizes = parser.parse_args().guidelines
    print(heading("python-sat", "z3-solver"))
    print(f"| guidelines | whole check | one of {EDITS} edits, median | 95th percentile | slowest |")
    print("| ---: | ---: | ---: | ---: | ---: |")
    for size in sizes:
        print(row(size), flush=True)


def row(size: int) -> str:
    """One size."""
    policy = read_policy(policy_text(size))
    graph = build_graph(policy)
    whole, _ = timed(lambda: check(graph))
    verifier = Verifier(graph)
    gc.collect()
    gc.freeze()
    rng = random.Random(0)
    took = [each for _ in range(EDITS // 2) for each in edit(verifier, rng)]
    walls, cpus = sorted(wall for wall, _ in took), sorted(cpu for _, cpu in took)
    middle = _shown(statistics.median(walls), statistics.median(cpus))
    late, slowest = int(0.95 * EDITS), EDITS - 1
    cells = (f"{whole}", middle, _shown(walls[late], cpus[late]), _shown(walls[slowest], cpus[slowest]))
    return f"| {size:,} | {' | '.join(cells)} |"


def _shown(wall: float, cpu: float) -> str:
    return f"{wall * 1e3:.0f} ms ({cpu * 1e3:.0f} ms)"


def edit(verifier: Verifier, rng: random.Random) -> Iterator[tuple[float, float]]:
    """Seconds that a random edit takes, on the clock and of the processor, and then its undoing."""
    policy: Policy = verifier.policy.policy
    g, h = rng.sample(sorted(policy.guidelines), 2)
    one, other = policy.guidelines[g], policy.guidelines[h]
    relations = None
    match rng.randrange(10):
        case 0 | 1 | 2 | 3 | 4 | 5:
            new = replace(one, condition=neighbour(policy, g).condition)
        case 6 | 7 | 8:
            new = replace(one, actions=neighbour(policy, g).actions)
        case _:
            new = replace(one, actions=other.actions)
            relations = (*policy.relations, Relation("overrides", Ref("guideline", g), Ref("guideline", h)))
    for guideline, stated in ((new, relations), (one, None if relations is None else policy.relations)):
        start, used = time.perf_counter(), time.process_time()
        verifier.change({g: guideline}, stated)
        yield time.perf_counter() - start, time.process_time() - used


def neighbour(policy: Policy, g: str) -> Guideline:
    """Another guideline of the same topic."""
    topic = g.split("-", maxsplit=1)[0]
    return policy.guidelines[f"{topic}-angry"] if not g.endswith("angry") else policy.guidelines[f"{topic}-offer-1"]


if __name__ == "__main__":
    main()

"""How long one edit takes to be proved again: `python benchmarks/solver/editing.py [GUIDELINES]`.

Each edit gives one guideline another bound, another decision, or a relation, most of which make conflicts, and is then
undone, which is timed too: from the changed guideline to the report about all that it touches. Beside it, the whole check from the start.
"""

from __future__ import annotations

import argparse
import gc
import platform
import random
import statistics
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

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
    print(
        f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, {platform.machine()}, {EDITS} edits a row"
    )
    print("| guidelines | whole check | one edit, median | one edit, 95th percentile | slowest | ratio to the median |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")
    for size in parser.parse_args().guidelines:
        print(row(size), flush=True)


def row(size: int) -> str:
    """One size."""
    policy = read_policy(policy_text(size))
    graph = build_graph(policy)
    start = time.perf_counter()
    check(graph)
    whole = time.perf_counter() - start
    verifier = Verifier(graph)
    gc.collect()
    gc.freeze()
    rng = random.Random(0)
    times = sorted(seconds for _ in range(EDITS // 2) for seconds in edit(verifier, rng))
    median, late = statistics.median(times), times[int(0.95 * EDITS)]
    cells = (f"{whole:.2f} s", f"{median * 1e3:.0f} ms", f"{late * 1e3:.0f} ms", f"{times[-1] * 1e3:.0f} ms")
    return f"| {size:,} | {' | '.join(cells)} | {whole / median:,.0f} |"


def edit(verifier: Verifier, rng: random.Random) -> Iterator[float]:
    """Seconds that a random edit takes, and then its undoing."""
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
        start = time.perf_counter()
        verifier.change({g: guideline}, stated)
        yield time.perf_counter() - start


def neighbour(policy: Policy, g: str) -> Guideline:
    """Another guideline of the same topic."""
    topic = g.split("-", maxsplit=1)[0]
    return policy.guidelines[f"{topic}-angry"] if not g.endswith("angry") else policy.guidelines[f"{topic}-offer-1"]


if __name__ == "__main__":
    main()

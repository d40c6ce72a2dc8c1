"""How large certificates are and how long they take: `python benchmarks/solver/certificate.py [GUIDELINES …]`.

Processor seconds of one process: writing is the SAT solver and the certificate, without the check that comes before;
verifying is all that `jurat verify` does once the policy is read.
"""

from __future__ import annotations

import argparse
import gzip
import platform
import resource
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

sys.path.insert(0, str(Path(__file__).parent))
from synthetic import policy_text

import jurat
from jurat.policies.checker import verify
from jurat.solver.certificates import certificate

Result = TypeVar("Result")


def timed(action: Callable[[], Result]) -> tuple[float, Result]:
    started = time.process_time()
    result = action()
    return time.process_time() - started, result


def row(size: int) -> str:
    """One size."""
    graph = jurat.load(policy_text(size))
    checking, report = timed(lambda: jurat.check(graph))
    writing, data = timed(lambda: certificate(graph, report))
    verifying, (_, found) = timed(lambda: verify(data, graph))
    derived, all_ = len(found["drup"]), sum(map(len, found.values()))
    if all_ - derived != 2:
        raise SystemExit(f"{all_ - derived - 2} claims are not derived")
    small, memory = len(gzip.compress(data)), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return (
        f"| {size} | {all_} | {checking:.2f} s | {writing:.2f} s | {verifying:.2f} s | {len(data) / 1e6:.2f} MB "
        f"| {small / 1e6:.2f} MB | {memory} MB |"
    )


def main() -> None:
    """Print one table row a size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("guidelines", nargs="*", type=int, default=[100, 1000])
    options = parser.parse_args()
    print(
        f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, python-sat {version('python-sat')}, {platform.machine()}"
    )
    print("| guidelines | claims | check | write | verify | certificate | compressed | memory, all of it |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for size in options.guidelines:
        print(row(size), flush=True)


if __name__ == "__main__":
    main()

"""How long reading a policy takes: `python benchmarks/policies/reading.py [GUIDELINES]`."""

from __future__ import annotations

import argparse
import platform
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).parents[1] / "solver"))
from synthetic import policy_text

from jurat.policies import build_graph, read_policy


def main() -> None:
    """Print one table row a size: PyYAML's C parser alone, the reader, and the graph."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("guidelines", nargs="*", type=int, default=[1000, 10_000])
    print(
        f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, PyYAML {yaml.__version__}, {platform.machine()}"
    )
    print("| guidelines | size | PyYAML alone | read and type-check | build the graph |")
    print("| ---: | ---: | ---: | ---: | ---: |")
    for size in parser.parse_args().guidelines:
        print(row(size), flush=True)


def row(size: int) -> str:
    """One size."""
    text = policy_text(size)
    start = time.perf_counter()
    yaml.load(text, Loader=yaml.CSafeLoader)
    parsed = time.perf_counter()
    policy = read_policy(text)
    read = time.perf_counter()
    build_graph(policy)
    built = time.perf_counter()
    return (
        f"| {size} | {len(text) / 1e6:.1f} MB | {parsed - start:.2f} s | {read - parsed:.2f} s | {built - read:.2f} s |"
    )


if __name__ == "__main__":
    main()

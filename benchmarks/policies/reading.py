"""How long reading a policy takes: `python benchmarks/policies/reading.py [GUIDELINES]`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import yaml

sys.path += [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "solver")]
from measuring import heading, timed
from synthetic import policy_text

from jurat.policies import build_graph, read_policy


def main() -> None:
    """Print one table row a size: PyYAML's C parser alone, the reader, and the graph."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("guidelines", nargs="*", type=int, default=[1000, 10_000])
    sizes = parser.parse_args().guidelines
    print(heading("PyYAML"))
    print("| guidelines | size | PyYAML alone | read and type-check | build the graph |")
    print("| ---: | ---: | ---: | ---: | ---: |")
    for size in sizes:
        print(row(size), flush=True)


def row(size: int) -> str:
    """One size."""
    text = policy_text(size)
    parsed, _ = timed(lambda: yaml.load(text, Loader=yaml.CSafeLoader))
    read, policy = timed(lambda: read_policy(text))
    built, _ = timed(lambda: build_graph(policy))
    return f"| {size:,} | {len(text) / 1e6:.1f} MB | {parsed} | {read} | {built} |"


if __name__ == "__main__":
    main()

"""How the time of a check grows with the policy: `python benchmarks/solver/growth.py [--most GUIDELINES] [--plot FILE]`.

Runs `obligations.py` with and without `--whole` for 10, 100, … guidelines, each in a process of its own, prints the table
and plots the processor seconds, on two logarithmic scales, as a small SVG.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from math import log10
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))
from measuring import heading

WIDTH, HEIGHT, LEFT, TOP, BELOW = 420, 300, 60, 20, 40
LINES = (("encode and solve", "#1f6f8b", False), ("whole check", "#b5542b", True))
LEAST, MOST = -3, 3
"""The powers of ten, in seconds, between which the plot stands."""


@dataclass(frozen=True, slots=True)
class Point:
    guidelines: int
    seconds: float


def main() -> None:
    """Print the table and write the plot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--most", type=int, default=100_000, help="the largest policy (default 100,000)")
    parser.add_argument("--plot", type=Path, default=Path(__file__).with_name("growth.svg"))
    options = parser.parse_args()
    print(heading("python-sat", "z3-solver"))
    print("|  | shape | guidelines | obligations | read | encode and solve, or check | each | memory |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |", flush=True)
    sizes = [10**power for power in range(1, 7) if 10**power <= options.most]
    points = {name: [_point(name, size, whole=whole) for size in sizes] for name, _, whole in LINES}
    options.plot.write_text(plot(points), encoding="utf-8")


def _point(name: str, size: int, *, whole: bool) -> Point:
    script = Path(__file__).with_name("obligations.py")
    command = [sys.executable, str(script), str(size), "--row", *(["--whole"] * whole)]
    row = subprocess.run(command, check=True, text=True, capture_output=True).stdout.strip()
    print(f"| {name} {row}", flush=True)
    *_, processor = re.findall(r"\(([\d.]+) s\)", row)
    return Point(size, max(float(processor), 10.0**LEAST))


# -- the plot ----------------------------------------------------------------------------------------------------


def plot(points: dict[str, list[Point]]) -> str:
    """One line a measurement, log over log."""
    most = max(point.guidelines for line in points.values() for point in line)
    size = f'width="{LEFT + WIDTH + 40}" height="{TOP + HEIGHT + BELOW}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="11">'
    return "\n".join([head, *_axes(most), *_lines(points, most), "</svg>", ""])


def _axes(most: int) -> Iterator[str]:
    yield f'<rect x="{LEFT}" y="{TOP}" width="{WIDTH}" height="{HEIGHT}" fill="#fff" stroke="#999"/>'
    for power in range(LEAST, MOST + 1):
        y = _y(10.0**power)
        yield f'<path d="M{LEFT} {y:.1f}h{WIDTH}" stroke="#ddd"/>'
        yield f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{10.0**power:g} s</text>'
    for power in range(1, round(log10(most)) + 1):
        label = f'<text x="{_x(10**power, most):.1f}" y="{TOP + HEIGHT + 16}" text-anchor="middle">'
        yield f"{label}{10**power:,}</text>"
    yield f'<text x="{LEFT + WIDTH / 2}" y="{TOP + HEIGHT + 34}" text-anchor="middle">guidelines</text>'


def _lines(points: dict[str, list[Point]], most: int) -> Iterator[str]:
    for place, (name, colour, _) in enumerate(LINES):
        at = [(_x(point.guidelines, most), _y(point.seconds)) for point in points[name]]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in at)
        yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
        yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in at)
        yield f'<text x="{LEFT + 10}" y="{TOP + 18 + 16 * place}" fill="{colour}">{name}, processor seconds</text>'


def _x(guidelines: int, most: int) -> float:
    return LEFT + WIDTH * (log10(guidelines) - 1) / max(1.0, log10(most) - 1)


def _y(seconds: float) -> float:
    return TOP + HEIGHT * (MOST - log10(seconds)) / (MOST - LEAST)


if __name__ == "__main__":
    main()

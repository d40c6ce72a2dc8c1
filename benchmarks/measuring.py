"""What all benchmarks share: a heading that says where they ran, and seconds on the clock beside those of the processor."""

from __future__ import annotations

import os
import platform
import resource
import shlex
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds on the clock, and of the processor: user and system, of this process and of children that ended."""

    wall: float
    cpu: float

    def __str__(self) -> str:
        return f"{_shown(self.wall)} ({_shown(self.cpu)})"


def _shown(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 0.1 else f"{seconds:.3f} s"


def timed(action: Callable[[], Result]) -> tuple[Took, Result]:
    """What an action takes, and its result."""
    wall, cpu = time.perf_counter(), _processor()
    result = action()
    return Took(time.perf_counter() - wall, _processor() - cpu), result


def _processor() -> float:
    uses = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(use.ru_utime + use.ru_stime for use in uses)


def peak_megabytes() -> int:
    """The most memory that this process has held so far (resident set)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def heading(*packages: str) -> str:
    """The command line, the day, the machine, what else it does, and the versions of what is measured."""
    versions = " ".join(f"{package} {version(package)}" for package in packages)
    day, load = f"{datetime.now(UTC):%Y-%m-%d}", f"{os.getloadavg()[0]:.1f}"
    machine = f"{_processor_name()}, {os.cpu_count()} cores, load {load} before"
    said = f"{day}, {machine}; Python {platform.python_version()} {versions}; seconds on the clock (of the processor)"
    arguments = (Path(each).name if each.startswith("/") else each for each in sys.argv[1:])
    return f"`python {shlex.join([_script(), *arguments])}`\n\n{said}\n"


def _script() -> str:
    path = Path(sys.argv[0]).resolve()
    root = Path(__file__).resolve().parents[1]
    return str(path.relative_to(root)) if path.is_relative_to(root) else path.name


def _processor_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())

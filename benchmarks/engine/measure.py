"""What the engine itself costs: `python benchmarks/engine/measure.py [--turns N] [--parlant PYTHON]`.

- a turn without the model: 100 guidelines, each with a condition of its own, one in ten true; every turn asks all of them of the
  scripted judge, and is stored in SQLite; with `--parlant` (a Python that has it) Parlant's engine on the same guidelines and
  messages, its model as scripted, its sessions in its own files;
- `jurat serve` with 1,000 guidelines, from the command to the line that says it answers, with the proofs of the run before;
- a resolution of 1,000 guidelines, beside the reference and Parlant's relational resolver; and 10,000 situations at once;
- the memory of 10,000 conversations in a server that holds 1,000.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path += [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "policies")]
from measuring import heading
from related import related, with_relations

import jurat
from jurat.engine import Engine, Toolbox
from jurat.engine.compiled import Compiled
from jurat.engine.store import MemoryStore, open_store
from jurat.llm.scripted import ScriptedJudge, ScriptedVoice
from jurat.policies import load
from jurat.server.sessions import Sessions

SAID = ("My order 1042 has not arrived yet, and the chair of the last one was broken.", "Can I have my money back?")
GUIDELINES, MANY, SITUATIONS, CONVERSATIONS = 100, 1_000, 10_000, 10_000


def guidelines(count: int) -> list[tuple[str, str]]:
    return [(f"The customer asks about matter number {n}", f"Deal with matter {n}") for n in range(count)]


def policy(count: int) -> str:
    lines = [
        f"  g{n}: {{condition: {condition}, action: {action}}}"
        for n, (condition, action) in enumerate(guidelines(count))
    ]
    return "jurat: 1\nguidelines:\n" + "\n".join(lines) + "\n"


def percentiles(seconds: Sequence[float]) -> str:
    ordered = sorted(seconds)
    return (
        f"{statistics.median(ordered) * 1e3:.2f} | {ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))] * 1e3:.2f}"
    )


# -- a turn --------------------------------------------------------------------------------------------------------


async def turns(number: int, address: str) -> tuple[list[float], list[float]]:
    """Seconds on the clock and of the processor of each turn, two a session."""
    graph = load(policy(GUIDELINES))
    judge = ScriptedJudge({key: n % 10 == 0 for n, key in enumerate(graph.vocabulary.observations)})
    store = await open_store(address)
    engine = Engine(
        graph, judge, ScriptedVoice(lambda _: "I look into it."), Toolbox(graph), unproved=True, store=store
    )
    took, used = [], []
    for place in range(-10, number // 2):
        session = engine.start_session()
        for said in SAID:
            started, processor = time.perf_counter(), time.process_time()
            await engine.turn(session, said)
            if place >= 0:
                took.append(time.perf_counter() - started)
                used.append(time.process_time() - processor)
    await store.close()
    return took, used


def parlant_turns(python: str, number: int, folder: str) -> dict[str, Any]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    given = {"guidelines": guidelines(GUIDELINES), "messages": SAID * (number // 2), "folder": folder, "port": port}
    return asked(python, "parlant_turn.py", given)


def asked(python: str, script: str, given: Any) -> dict[str, Any]:
    """What a script of Parlant's says, in its own Python."""
    place = next(Path(__file__).parents[1].glob(f"*/{script}"))
    ran = subprocess.run([python, str(place)], input=json.dumps(given), text=True, capture_output=True, check=False)
    if ran.returncode:
        sys.exit(ran.stderr[-2000:])
    found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return found


def a_turn(number: int, python: str | None) -> None:
    print(f"\n### A turn, {GUIDELINES} guidelines\n")
    print("| | p50 ms | p99 ms | of the processor: p50 ms | p99 ms |\n| --- | ---: | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as folder:
        for name, address in (("Jurat, SQLite", f"{folder}/store.db"), ("Jurat, in memory", "memory")):
            took, used = asyncio.run(turns(number, address))
            print(f"| {name} | {percentiles(took)} | {percentiles(used)} |", flush=True)
        if python:
            few = max(10, number // 20)
            found = parlant_turns(python, few, folder)
            name = f"Parlant {found['version']}, its files, {few} turns"
            print(
                f"| {name} | {percentiles(found['seconds'][4:])} | {percentiles(found['processor'][4:])} |", flush=True
            )


# -- starting ------------------------------------------------------------------------------------------------------


def start_seconds(folder: Path) -> float:
    """From the command to the line that says where it answers."""
    script = folder / "script.yaml"
    script.write_text("otherwise: false\n")
    command = [
        sys.executable,
        "-m",
        "jurat",
        "serve",
        str(folder / "policy.yaml"),
        "--script",
        str(script),
        "--port",
        "0",
    ]
    environment = {**os.environ, "JURAT_CACHE": str(folder / "cache"), "JURAT_DATA": str(folder / "data")}
    started = time.perf_counter()
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert " at http" in process.stdout.readline()
        seconds = time.perf_counter() - started
        process.terminate()
    return seconds


def starting() -> None:
    print(f"\n### Start, {MANY:,} guidelines\n\n| run | seconds |\n| --- | ---: |")
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "policy.yaml").write_text(with_relations(*related(MANY, random.Random(MANY))))
        print(f"| first, everything is proved | {start_seconds(Path(name)):.2f} |", flush=True)
        print(f"| again | {min(start_seconds(Path(name)) for _ in range(3)):.2f} |", flush=True)


# -- resolving -----------------------------------------------------------------------------------------------------


def best(action: Callable[[], object], times: int) -> float:
    """Seconds of the processor, the median of several."""
    took = []
    for _ in range(times):
        started = time.process_time()
        action()
        took.append(time.process_time() - started)
    return statistics.median(took)


def resolving(python: str | None) -> None:
    names, relations = related(MANY, random.Random(MANY))
    graph = load(with_relations(names, relations))
    started = time.process_time()
    compiled = Compiled(graph)
    compiling = time.process_time() - started
    rng = random.Random(1)
    rows = [{f"o_{name}": rng.random() < 1 / 3 for name in names} for _ in range(SITUATIONS)]
    few = rows[:200]
    assert [compiled.resolve(row).in_force for row in few] == [jurat.resolve(graph, row).in_force for row in few]
    print(f"\n### Resolving {MANY:,} guidelines, a third of them matched; compiled in {compiling:.2f} s\n")
    print("| | µs a situation |\n| --- | ---: |")
    ours = best(lambda: [compiled.resolve(row) for row in few], 5) / len(few)
    print(f"| compiled | {ours * 1e6:,.0f} |")
    print(
        f"| the reference, `jurat.resolve` | {best(lambda: [jurat.resolve(graph, row) for row in few[:20]], 3) / 20 * 1e6:,.0f} |"
    )
    if python:
        matched = [[name for name in names if row[f"o_{name}"]] for row in few[:20]]
        found = asked(python, "parlant_resolver.py", {"guidelines": names, "relations": relations, "turns": matched})
        print(f"| Parlant {found['version']}, its relational resolver | {found['seconds'] * 1e6:,.0f} |", flush=True)
    whole = best(lambda: compiled.resolve_all(rows), 3)
    print(f"| compiled, {SITUATIONS:,} at once: {whole:.2f} s | {whole / SITUATIONS * 1e6:,.1f} |", flush=True)


# -- memory --------------------------------------------------------------------------------------------------------


def resident() -> float:
    """Megabytes of this process."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / 2**20


async def memory() -> None:
    graph = load(policy(10))
    judge = ScriptedJudge(dict.fromkeys(graph.vocabulary.observations, False))
    print(
        f"\n### Memory, {CONVERSATIONS:,} conversations of two turns\n\n| conversations | MB in memory | held |\n| ---: | ---: | ---: |"
    )
    with tempfile.TemporaryDirectory() as folder:
        store = await open_store(f"{folder}/store.db")
        assert not isinstance(store, MemoryStore)
        engine = Engine(graph, judge, ScriptedVoice(lambda _: "Yes."), Toolbox(graph), unproved=True, store=store)
        sessions = Sessions(store, engine.open)
        for number in range(CONVERSATIONS + 1):
            if number in (0, 1_000, 2_000, 5_000, CONVERSATIONS):
                print(f"| {number:,} | {resident():.0f} | {len(sessions):,} |", flush=True)
            session = engine.start_session(id=str(number))
            sessions.add(session)
            for said in SAID:
                await engine.turn(session, said)
        await store.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--turns", type=int, default=1_000, metavar="N")
    parser.add_argument("--parlant", metavar="PYTHON", help="a Python that has parlant")
    parser.add_argument(
        "--memory", action="store_true", help="only the memory, in a process that did nothing else before"
    )
    options = parser.parse_args()
    if options.memory:
        asyncio.run(memory())
        return
    print(heading("sqlalchemy"), flush=True)
    a_turn(options.turns, options.parlant)
    starting()
    resolving(options.parlant)
    sys.stdout.flush()
    subprocess.run([sys.executable, __file__, "--memory"], check=True)


if __name__ == "__main__":
    main()

"""How many `POST /v1/decide` a second a server answers, and how long each takes: `python benchmarks/server/decide.py`.

A server of its own (`jurat serve` on the example policy, one process) is asked over the loopback address by this process, on the
same machine, so that both share its cores. Requests leave at a fixed rate whether or not answers have come, and a time
is counted from when its request should have left (no coordinated omission). Then the rate is left to the server: each
connection asks again as soon as it is answered. Each situation is a new one, in which a number of days was never asked about, so that
no answer can be one that was kept; in the last row they come from a thousand, and most answers are.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from measuring import heading

ROOT = Path(__file__).resolve().parents[2]
KEY = "the key of this measurement, made for it"
POLICY = "examples/support"
NEW = count()
TRUTHS = (True, False, None)


def situation(chance: random.Random, days: int) -> dict[str, object]:
    """What is asked about: some observations, the tier of a customer, and the age of an order."""
    names = ("asks_refund", "accepts_refund", "wants_human", "asks_upgrade", "reports_account_problem")
    drawn: dict[str, object] = {name: chance.choice(TRUTHS) for name in names}
    return {**drawn, "customer.tier": chance.choice(("standard", "silver", "gold", "platinum")), "order.age_days": days}


def request(chance: random.Random, days: int | None = None) -> bytes:
    """One request as it is sent, about a situation that is a new one unless it says how old the order is."""
    body = json.dumps({"situation": situation(chance, next(NEW) if days is None else days)}).encode()
    head = f"POST /v1/decide HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {KEY}\r\n"
    return f"{head}content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


class Connection:
    """One connection, which asks one thing at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def ask(self, text: bytes) -> bool:
        """Whether it is answered with success."""
        self._writer.write(text)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        await self._reader.readexactly(length)
        return head.startswith(b"HTTP/1.1 200 ")


class Measured:
    """Times of answers, in seconds, and what was no success."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.failed = 0
        self.begun = time.perf_counter()
        self.seconds = 0.0

    def note(self, since: float, good: bool) -> None:
        """One answer."""
        self.times.append(time.perf_counter() - since)
        self.failed += not good

    def __str__(self) -> str:
        times = sorted(self.times)
        p50, p99, p999 = (times[int(len(times) * share)] * 1000 for share in (0.5, 0.99, 0.999))
        rate = len(times) / self.seconds
        return f"{rate:,.0f} | {p50:.2f} | {p99:.2f} | {p999:.2f} | {times[-1] * 1000:.2f} | {self.failed}"


async def at_rate(free: asyncio.Queue[Connection], rate: float, seconds: float) -> Measured:
    """Requests at a fixed rate; whoever finds no connection free waits, and that counts."""
    chance, measured, tasks = random.Random(1), Measured(), set()

    async def one(due: float, text: bytes) -> None:
        connection = await free.get()
        measured.note(due, await connection.ask(text))
        free.put_nowait(connection)

    for number in range(int(rate * seconds)):
        due, text = measured.begun + number / rate, request(chance)
        if (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        task = asyncio.create_task(one(due, text))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    while tasks:
        await asyncio.wait(tasks)
    measured.seconds = time.perf_counter() - measured.begun
    return measured


async def at_most(free: asyncio.Queue[Connection], seconds: float, days: int | None = None) -> Measured:
    """As many as are answered."""
    measured = Measured()

    async def keep(number: int) -> None:
        connection, chance = await free.get(), random.Random(number)
        while (since := time.perf_counter()) < measured.begun + seconds:
            measured.note(since, await connection.ask(request(chance, days)))
        free.put_nowait(connection)

    await asyncio.gather(*(keep(number) for number in range(free.qsize())))
    measured.seconds = time.perf_counter() - measured.begun
    return measured


@contextmanager
def serving() -> Iterator[tuple[int, int]]:
    """A server; its port and its process."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "script.yaml"
        script.write_text("judge: {asks_refund: [refund]}\notherwise: false\n")
        command = [sys.executable, "-m", "jurat", "serve", POLICY, "--script", str(script), "--port", "0"]
        environment = {**os.environ, "JURAT_API_KEY": KEY, "JURAT_CACHE": folder}
        command += ["--store", str(Path(folder) / "store.db")]
        with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert " at http" in line, "the server did not start"
            try:
                yield int(line.partition(" at ")[2].split()[0].rpartition(":")[2]), process.pid
            finally:
                process.terminate()


def processor(pid: int) -> float:
    """Seconds of the processor that a process has had."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def measure(port: int, pid: int, asked: argparse.Namespace) -> None:
    """Both ways, after a second of warming up."""
    free: asyncio.Queue[Connection] = asyncio.Queue()
    for _ in range(asked.connections):
        free.put_nowait(Connection(*await asyncio.open_connection("127.0.0.1", port)))
    await at_most(free, 1)
    print(
        "| what | answers a second | p50 ms | p99 ms | p99.9 ms | longest ms | failed | server's processor, µs an answer |"
    )
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for rate in asked.rates:
        await row(f"{rate:,.0f} a second", pid, at_rate(free, rate, asked.seconds))
    await row("as many as are answered", pid, at_most(free, asked.seconds))
    await row("as many, of a thousand situations", pid, at_most(free, asked.seconds, 7))


async def row(what: str, pid: int, work: Awaitable[Measured]) -> None:
    """One line of the table."""
    before = processor(pid)
    measured = await work
    each = (processor(pid) - before) / len(measured.times) * 1e6
    print(f"| {what} | {measured} | {each:.0f} |", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rates", type=float, nargs="*", default=[500.0, 1000.0, 2000.0])
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--connections", type=int, default=16)
    asked = parser.parse_args()
    print(heading("fastapi", "starlette", "uvicorn"))
    with serving() as (port, pid):
        asyncio.run(measure(port, pid, asked))


if __name__ == "__main__":
    main()

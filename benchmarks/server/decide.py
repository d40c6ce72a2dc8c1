"""How many `POST /v1/decide` a second a server answers, and how long each takes: `python benchmarks/server/decide.py`.

A server of its own (`jurat serve` on the example policy, one process) is asked over the loopback address from the same
machine, so that both share its cores. At a fixed rate requests leave whether or not answers have come, and a time
is counted from when its request should have left (no coordinated omission). Then the rate is left to the server: each
connection asks again as soon as it is answered, and where `wrk` is installed it is what asks, for it costs a tenth of what a program
of Python does. Each situation is a new one, in which a number of days was never asked about, so that
no answer can be one that was kept; in the last row they come from a thousand, and most answers are.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from itertools import count
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from asking import KEY, Connection, Served, connected, processor, request, run, serving
from measuring import heading

TICK = 0.001
"""Seconds: the finest that a timer can do, so that nobody spins. Who is woken late by it is late, and that counts."""

NEW = count()
TRUTHS = (True, False, None)
OBSERVATIONS = ("asks_refund", "accepts_refund", "wants_human", "asks_upgrade", "reports_account_problem")
TIERS = ("standard", "silver", "gold", "platinum")
HEAD = (
    "| what | asked by | answers a second | p50 ms | p99 ms | p99.9 ms | longest ms | failed | server's processor, µs an answer |\n"
    "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
)


def situation(chance: random.Random, days: int) -> dict[str, object]:
    """What is asked about: some observations, the tier of a customer, and the age of an order."""
    drawn: dict[str, object] = {name: chance.choice(TRUTHS) for name in OBSERVATIONS}
    return {**drawn, "customer.tier": chance.choice(TIERS), "order.age_days": days}


def question(chance: random.Random, days: int | None = None) -> bytes:
    """A request about a situation that is a new one unless it says how old the order is."""
    about = situation(chance, next(NEW) if days is None else days)
    return request("POST", "/v1/decide", {"situation": about})


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

    def __len__(self) -> int:
        return len(self.times)

    def __str__(self) -> str:
        times = sorted(self.times)
        p50, p99, p999 = (times[int(len(times) * share)] * 1000 for share in (0.5, 0.99, 0.999))
        rate = len(times) / self.seconds
        return f"Python | {rate:,.0f} | {p50:.2f} | {p99:.2f} | {p999:.2f} | {times[-1] * 1000:.2f} | {self.failed}"


async def at_rate(connections: list[Connection], rate: float, seconds: float) -> Measured:
    """Requests at a fixed rate; where no connection is free the next one waits, and that counts."""
    chance, measured, numbers = random.Random(1), Measured(), iter(range(int(rate * seconds)))

    async def keep(connection: Connection) -> None:
        for number in numbers:
            due, text = measured.begun + number / rate, question(chance)
            if (wait := due - time.perf_counter()) > 0:
                await asyncio.sleep(max(wait, TICK))
            measured.note(due, (await connection.ask(text)).status == 200)

    await asyncio.gather(*map(keep, connections))
    measured.seconds = time.perf_counter() - measured.begun
    return measured


async def at_most(connections: list[Connection], seconds: float, days: int | None = None) -> Measured:
    """As many as are answered."""
    measured = Measured()

    async def keep(connection: Connection, chance: random.Random) -> None:
        while (since := time.perf_counter()) < measured.begun + seconds:
            measured.note(since, (await connection.ask(question(chance, days))).status == 200)

    await asyncio.gather(*(keep(each, random.Random(number)) for number, each in enumerate(connections)))
    measured.seconds = time.perf_counter() - measured.begun
    return measured


LUA = """
local observations, tiers = {{{observations}}}, {{{tiers}}}
local truths, days = {{"true", "false", "null"}}, {first}
local headers = {{["content-type"] = "application/json", ["authorization"] = "Bearer {key}"}}
function request()
  local parts = {{}}
  for place, name in ipairs(observations) do parts[place] = '"' .. name .. '":' .. truths[math.random(3)] end
  days = days + {step}
  local body = '{{"situation":{{' .. table.concat(parts, ",") .. ',"customer.tier":"' .. tiers[math.random(4)]
    .. '","order.age_days":' .. days .. '}}}}'
  return wrk.format("POST", "/v1/decide", headers, body)
end
function done(summary, latency)
  local e = summary.errors
  local failed = e.connect + e.read + e.write + e.status + e.timeout
  print(string.format('FOUND {{"requests": %d, "microseconds": %d, "failed": %d, "p50": %f, "p99": %f, "p999": %f, "max": %f}}',
    summary.requests, summary.duration, failed, latency:percentile(50), latency:percentile(99), latency:percentile(99.9), latency.max))
end
"""


class ByWrk:
    """What `wrk` found, asking from one thread for as long as is said."""

    def __init__(self, port: int, connections: int, seconds: float, days: int | None = None) -> None:
        names = (", ".join(f'"{each}"' for each in group) for group in (OBSERVATIONS, TIERS))
        first, step = (10**6 + next(NEW), 1) if days is None else (days, 0)
        text = LUA.format(observations=next(names), tiers=next(names), key=KEY, first=first, step=step)
        with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
            script.write(text)
            script.flush()
            command = [
                "wrk",
                "-t1",
                f"-c{connections}",
                f"-d{int(seconds)}s",
                "-s",
                script.name,
                f"http://127.0.0.1:{port}",
            ]
            said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        self._found = json.loads(said.partition("FOUND ")[2].splitlines()[0])

    def __len__(self) -> int:
        return int(self._found["requests"])

    def __str__(self) -> str:
        found = self._found
        rate = found["requests"] / found["microseconds"] * 1e6
        times = " | ".join(f"{found[name] / 1000:.2f}" for name in ("p50", "p99", "p999", "max"))
        return f"wrk | {rate:,.0f} | {times} | {found['failed']}"


async def measure(server: Served, asked: argparse.Namespace) -> None:
    """Both ways, after a second of warming up."""
    connections = await connected(server.port, asked.connections)
    await at_most(connections, 1)
    print(HEAD)
    for rate in asked.rates:
        await row(f"{rate:,.0f} a second", server.pid, at_rate(connections, rate, asked.seconds))
    most: Callable[[int | None], Awaitable[Measured | ByWrk]] = (
        (lambda days: asyncio.to_thread(ByWrk, server.port, asked.connections, asked.seconds, days))
        if asked.wrk
        else lambda days: at_most(connections, asked.seconds, days)
    )
    await row("as many as are answered", server.pid, most(None))
    await row("as many, of a thousand situations", server.pid, most(7))


async def row(what: str, pid: int, work: Awaitable[Measured | ByWrk]) -> None:
    """One line of the table."""
    before = processor(pid)
    measured = await work
    each = (processor(pid) - before) / len(measured) * 1e6
    print(f"| {what} | {measured} | {each:.0f} |", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rates", type=float, nargs="*", default=[500.0, 1000.0, 2000.0])
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--connections", type=int, default=16)
    asked = parser.parse_args()
    asked.wrk = shutil.which("wrk") is not None
    print(heading("fastapi", "starlette", "uvicorn"))
    if not asked.wrk:
        print("`wrk` is not installed, so Python asks in all rows, and takes a good part of the machine.\n")
    with serving() as server:
        run(measure(server, asked))


if __name__ == "__main__":
    main()

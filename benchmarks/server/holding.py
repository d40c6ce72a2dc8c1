"""What open long polls and streams cost a server: `python benchmarks/server/holding.py`.

A server of its own holds a conversation for each of those who wait: 1,000 long polls (`GET /sessions/{id}/events` with
`wait_for_data`) and 500 streams (the same with `sse`), each over a connection of its own. The server's resident memory is read from
outside of it, by the kernel's account, before, while they wait, and after. Then something happens in each conversation, and the
delay is from when it was posted until whoever waits for it has it.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from asking import Connection, Served, processor, request, resident, run, serving
from measuring import heading

PATIENCE = 300
HAPPENED = {"kind": "custom", "source": "customer", "data": {"it": "happened"}}
DESCRIPTORS = 8_192


class Stream(asyncio.Protocol):
    """A stream of events; it is known when its first one came."""

    def __init__(self) -> None:
        self.begun = asyncio.get_running_loop().create_future()
        self.came: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        """Asyncio's interface."""
        if not self.begun.done():
            self.begun.set_result(data.startswith(b"HTTP/1.1 200 "))
        if b"data:" in data and not self.came.done():
            self.came.set_result(time.perf_counter())


def path(session: str, offset: int, *, sse: bool) -> str:
    """What is waited for: whatever happens from an offset on."""
    return f"/sessions/{session}/events?min_offset={offset}&wait_for_data={PATIENCE}" + ("&sse=true" if sse else "")


async def sessions(connection: Connection, number: int) -> list[str]:
    """New conversations, in Parlant's words, which need an agent."""
    [agent, *_] = (await connection.ask(request("GET", "/agents"))).content
    made = request("POST", "/sessions", {"agent_id": agent["id"]})
    return [(await connection.ask(made)).content["id"] for _ in range(number)]


async def polled(port: int, session: str) -> tuple[Connection, asyncio.Task[float]]:
    """A long poll under way, and when it is answered."""
    connection = await Connection.to(port)

    async def answered() -> float:
        found = await connection.ask(request("GET", path(session, 0, sse=False)))
        assert found.status == 200, found
        return time.perf_counter()

    return connection, asyncio.create_task(answered())


async def streamed(port: int, session: str) -> Stream:
    """A stream under way."""
    transport, stream = await asyncio.get_running_loop().create_connection(Stream, "127.0.0.1", port)
    transport.write(request("GET", path(session, 0, sse=True)))  # type: ignore[attr-defined]
    assert await stream.begun, "the stream was refused"
    return stream


async def measure(server: Served, polls: int, streams: int) -> None:
    """Open them, look, let something happen in each, look again."""
    one = await Connection.to(server.port)
    ids = await sessions(one, polls + streams)
    await asyncio.sleep(1)
    begun = show("conversations, nobody waits", server.pid, None)
    waiting = [await polled(server.port, each) for each in ids[:polls]]
    await asyncio.sleep(2)
    show(f"{polls:,} long polls", server.pid, begun)
    flowing = [await streamed(server.port, each) for each in ids[polls:]]
    await asyncio.sleep(2)
    show(f"{polls:,} long polls and {streams:,} streams", server.pid, begun)
    idle = processor(server.pid)
    await asyncio.sleep(5)
    spent = (processor(server.pid) - idle) / 5
    one = await Connection.to(server.port)  # for the server hangs up on those who say nothing
    arrivals = [*(each for _, each in waiting), *(each.came for each in flowing)]
    delays = [await happened(one, each, arrival) for each, arrival in zip(ids, arrivals, strict=True)]
    show("all of them told something", server.pid, begun)
    delays.sort()
    p50, p99 = (delays[int(len(delays) * share)] * 1000 for share in (0.5, 0.99))
    print(
        f"\nWhile they wait, the server takes {spent:.1%} of a core. From the request that something happened to whoever"
    )
    print(
        f"waited: p50 {p50:.1f} ms, p99 {p99:.1f} ms, longest {delays[-1] * 1000:.1f} ms, of {len(delays):,}, one after the other."
    )


async def happened(connection: Connection, session: str, arrival: asyncio.Future[float]) -> float:
    """The seconds from asking that something happen to its arrival."""
    started = time.perf_counter()
    found = await connection.ask(request("POST", f"/sessions/{session}/events", HAPPENED))
    assert found.status == 201, found
    return await asyncio.wait_for(arrival, 30) - started


def show(what: str, pid: int, begun: float | None) -> float:
    """One line of the table; the megabytes there are."""
    now = resident(pid)
    more = "" if begun is None else f"{now - begun:+.1f}"
    print(f"| {what} | {now:.1f} | {more} | {resident(pid, 'VmHWM'):.1f} |", flush=True)
    return now


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--polls", type=int, default=1_000)
    parser.add_argument("--streams", type=int, default=500)
    asked = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(DESCRIPTORS, hard) if hard > 0 else DESCRIPTORS, hard))
    print(heading("fastapi", "starlette", "uvicorn"))
    print("| the server holds | memory MB | more than before | most so far |\n| --- | ---: | ---: | ---: |")
    with serving() as server:
        print(f"| nothing | {resident(server.pid):.1f} | | |")
        run(measure(server, asked.polls, asked.streams))


if __name__ == "__main__":
    main()

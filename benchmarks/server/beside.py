"""The operations that Parlant's server has too, in the same run: `python benchmarks/server/beside.py [--parlant PYTHON]`.

Both servers run in a process of their own with the same guidelines and a model that answers at once, one after the other, and
are asked the same requests over one connection, each when the one before it is answered. Ours stores conversations in SQLite and puts
a guideline in effect once the policy that has it is proved; Parlant keeps sessions in its files and guidelines in memory.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from asking import Answer, Connection, Served, processor, request, resident, run, serving
from measuring import heading

GUIDELINES = [(f"The customer asks about topic {n}", f"Explain topic {n}") for n in range(20)]
CUSTOM = {"kind": "custom", "source": "customer", "data": {"it": "happened"}}
MESSAGE = {"kind": "message", "source": "customer", "message": "Tell me about topic 1"}
LISTED = 50
PATIENCE = 30
PAUSE_SECONDS = 0.01


class Cost(NamedTuple):
    """What an operation took: seconds each, sorted, and the server's processor time, seconds each."""

    times: list[float]
    processor: float

    def __str__(self) -> str:
        p50, p99 = (self.times[int(len(self.times) * share)] * 1000 for share in (0.5, 0.99))
        return f"{p50:.2f} / {p99:.2f} ({self.processor * 1000:.2f})"


class Asking:
    """One of the servers, asked over a connection."""

    def __init__(self, server: Served, rounds: int) -> None:
        self._server, self._rounds = server, rounds

    async def begin(self) -> None:
        """Find the agent, and begin a conversation with some events in it."""
        self._one, self._other = [await Connection.to(self._server.port) for _ in range(2)]
        self._agent = (await self._ask("GET", "/agents")).content[0]["id"]
        self._session = await self._conversation()
        for _ in range(LISTED):
            await self._ask("POST", f"/sessions/{self._session}/events", CUSTOM)

    async def _ask(self, method: str, path: str, content: object = None) -> Answer:
        found = await self._one.ask(request(method, path, content))
        if not 200 <= found.status < 300:
            raise SystemExit(f"{method} {path}: {found.status} {found.body[:300]!r}")
        return found

    async def _conversation(self) -> str:
        made: str = (await self._ask("POST", "/sessions", {"agent_id": self._agent})).content["id"]
        return made

    async def create_session(self) -> float:
        """A new conversation."""
        return await self._timed("POST", "/sessions", {"agent_id": self._agent})

    async def post_event(self) -> float:
        """An event of the application's, which the agent does not answer, in a conversation of its own."""
        return await self._timed("POST", f"/sessions/{await self._conversation()}/events", CUSTOM)

    async def list_events(self) -> float:
        """The events of one conversation."""
        return await self._timed("GET", f"/sessions/{self._session}/events?wait_for_data=0")

    async def wake(self) -> float:
        """From when an event is posted until a long poll that waits for it has it."""
        session = await self._conversation()
        path = f"/sessions/{session}/events?min_offset=0&kinds=custom&wait_for_data={PATIENCE}"
        waiting = asyncio.ensure_future(self._other.ask(request("GET", path)))
        await asyncio.sleep(PAUSE_SECONDS * 3)
        started = time.perf_counter()
        await self._ask("POST", f"/sessions/{session}/events", CUSTOM)
        found = await waiting
        assert found.status == 200, found
        assert found.content, found
        return time.perf_counter() - started

    async def turn(self) -> float:
        """From when a customer's message is posted until a long poll has the agent's reply."""
        session = await self._conversation()
        started = time.perf_counter()
        await self._ask("POST", f"/sessions/{session}/events", MESSAGE)
        path = f"/sessions/{session}/events?min_offset=1&kinds=message&source=ai_agent&wait_for_data={PATIENCE}"
        found = await self._ask("GET", path)
        assert found.content, found
        return time.perf_counter() - started

    async def list_guidelines(self) -> float:
        """All guidelines."""
        return await self._timed("GET", "/guidelines")

    async def create_guideline(self) -> float:
        """One more guideline."""
        number = time.perf_counter_ns()
        made = {"condition": f"The customer asks about matter {number}", "action": f"Explain matter {number}"}
        return await self._timed("POST", "/guidelines", made)

    async def _timed(self, method: str, path: str, content: object = None) -> float:
        started = time.perf_counter()
        await self._ask(method, path, content)
        return time.perf_counter() - started

    async def cost(self, operation: Callable[[Asking], Awaitable[float]], rounds: int) -> Cost:
        """What an operation costs; what is done besides in a round is in the processor's time too."""
        await operation(self)
        before = processor(self._server.pid)
        times = [await operation(self) for _ in range(rounds)]
        return Cost(sorted(times), (processor(self._server.pid) - before) / rounds)

    async def costs(self) -> dict[str, Cost]:
        """What each costs."""
        await self.begin()
        return {what: await self.cost(each, max(5, self._rounds // rare)) for what, (each, rare) in OPERATIONS.items()}


OPERATIONS: dict[str, tuple[Callable[[Asking], Awaitable[float]], int]] = {
    "create a session": (Asking.create_session, 1),
    "post an event (custom)": (Asking.post_event, 1),
    f"list events ({LISTED} and more)": (Asking.list_events, 1),
    "wake a long poll": (Asking.wake, 1),
    "a message, until its reply is read": (Asking.turn, 5),
    f"list guidelines ({len(GUIDELINES)})": (Asking.list_guidelines, 1),
    "create a guideline": (Asking.create_guideline, 10),
}
"""Each with how much more seldom it is done."""


@contextmanager
def ours() -> Iterator[Served]:
    """`jurat serve` on these guidelines."""
    with tempfile.TemporaryDirectory() as folder:
        rules = {f"g{n}": {"condition": when, "action": then} for n, (when, then) in enumerate(GUIDELINES)}
        policy = {"jurat": 1, "agent": {"name": "Agent", "description": "Serves a shop"}, "guidelines": rules}
        (Path(folder) / "policy.yaml").write_text(json.dumps(policy))
        said = {"judge": {GUIDELINES[0][0]: True}, "otherwise": False}
        with serving(folder, json.dumps(said)) as server:
            yield server


@contextmanager
def theirs(python: str) -> Iterator[tuple[Served, str]]:
    """Parlant's server on these guidelines, and its version."""
    with tempfile.TemporaryDirectory() as folder:
        given = {"guidelines": GUIDELINES, "port": free_ports(), "folder": folder}
        command = [python, str(Path(__file__).with_name("parlant_server.py"))]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=folder
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps(given))
            process.stdin.close()
            line = next((line for line in process.stdout if line.startswith("ready ")), None)
            if line is None:
                raise SystemExit("Parlant's server did not start")
            try:
                yield Served(given["port"], process.pid), line.split()[1]
            finally:
                process.kill()


def free_ports() -> int:
    """A port that nobody uses, and neither does anybody the next one."""
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        try:
            other.bind(("127.0.0.1", port + 1))
        except (OSError, OverflowError):
            return free_ports()
        return port


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--parlant", metavar="PYTHON", help="a Python that has parlant")
    asked = parser.parse_args()
    print(heading("fastapi", "starlette", "uvicorn"))
    with ours() as server:
        found = [run(Asking(server, asked.rounds).costs())]
        names, memory = ["Jurat"], [resident(server.pid)]
    if asked.parlant:
        with theirs(asked.parlant) as (server, version):
            found.append(run(Asking(server, asked.rounds).costs()))
            names.append(f"Parlant {version}")
            memory.append(resident(server.pid))
    else:
        print("Parlant is not beside it: no `--parlant PYTHON` was given.\n")
    print("Milliseconds: p50 / p99, and in brackets those of the server's processor a round.\n")
    print(f"| | {' | '.join(names)} |\n| --- |{' ---: |' * len(names)}")
    for what in OPERATIONS:
        print(f"| {what} | {' | '.join(str(each[what]) for each in found)} |")
    print(f"| memory when done, MB | {' | '.join(f'{each:.0f}' for each in memory)} |")


if __name__ == "__main__":
    main()

"""What the measurements of the server share: a server of its own process, and connections that cost little to ask over."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
KEY = "the key of this measurement, made for it"
POLICY = "examples/support"
SCRIPT = "judge: {asks_refund: [refund]}\notherwise: false\n"


class Served(NamedTuple):
    """A server that runs."""

    port: int
    pid: int


@contextmanager
def serving(policy: str | Path = POLICY, script: str = SCRIPT) -> Iterator[Served]:
    """`jurat serve` in a process of its own, with conversations in a file of SQLite."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "script.yaml").write_text(script)
        command = [
            sys.executable,
            "-m",
            "jurat",
            "serve",
            str(policy),
            "--script",
            f"{folder}/script.yaml",
            "--port",
            "0",
        ]
        command += ["--store", f"{folder}/store.db"]
        environment = {**os.environ, "JURAT_API_KEY": KEY, "JURAT_CACHE": folder}
        with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert " at http" in line, "the server did not start"
            try:
                yield Served(int(line.partition(" at ")[2].split()[0].rpartition(":")[2]), process.pid)
            finally:
                process.terminate()


def processor(pid: int) -> float:
    """Seconds of the processor that a process has had."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(pid: int, which: str = "VmRSS") -> float:
    """Megabytes of memory that a process holds now; `VmHWM` is the most that it has held."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(which))) / 1024


def request(method: str, path: str, content: Any = None) -> bytes:
    """A request as it is sent."""
    body = b"" if content is None else json.dumps(content).encode()
    kind = f"content-type: application/json\r\ncontent-length: {len(body)}\r\n" if body else ""
    return f"{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {KEY}\r\n{kind}\r\n".encode() + body


class Answer(NamedTuple):
    """What comes back."""

    status: int
    body: bytes

    @property
    def content(self) -> Any:
        """The body, from JSON."""
        return json.loads(self.body)


class Connection(asyncio.Protocol):
    """One connection, which asks one thing at a time."""

    def __init__(self) -> None:
        self._got, self._needed = bytearray(), 0
        self._answered: asyncio.Future[Answer] | None = None
        self._transport: asyncio.Transport

    @classmethod
    async def to(cls, port: int) -> Connection:
        """A new one."""
        _, made = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        return made

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asyncio's interface, as are the next ones."""
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        """Notice whether the answer is whole."""
        self._got += data
        if not self._needed:
            end = self._got.find(b"\r\n\r\n")
            if end < 0:
                return
            length = bytes(self._got[:end]).lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
            self._needed = end + 4 + int(length or 0)
        if len(self._got) >= self._needed:
            text, self._needed = bytes(self._got), 0
            self._got.clear()
            self._tell(Answer(int(text[9:12]), text.partition(b"\r\n\r\n")[2]))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Answer what was asked with no status at all."""
        self._tell(Answer(0, b""))

    def _tell(self, answer: Answer) -> None:
        waiting, self._answered = self._answered, None
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)

    async def ask(self, text: bytes) -> Answer:
        """The answer to a request; status 0 where the server hung up."""
        self._answered = asyncio.get_running_loop().create_future()
        self._transport.write(text)
        return await self._answered

    def close(self) -> None:
        """Hang up."""
        self._transport.close()


async def connected(port: int, number: int) -> list[Connection]:
    """So many connections."""
    return [await Connection.to(port) for _ in range(number)]


def run(work: Any) -> Any:
    """Run a coroutine on the faster event loop, where there is one."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(work)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)

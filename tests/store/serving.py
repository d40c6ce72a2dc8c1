"""A served policy with a payment in it, as processes that can be killed and started again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

POLICY = """
jurat: 1
agent: {name: Cashier}
facts:
  order.paid: {type: bool, from: tools}
observations:
  pays: The customer wants to pay
tools:
  pay: {python: "tools:pay", consequential: true, MORE provides: {order.paid: true}, guard: "arguments.amount <= 500"}
guidelines:
  payment: {when: pays && !(has(order.paid) && order.paid), tools: [pay]}
  receipt: {when: 'succeeded("pay")', action: Say that it is paid}
  sorry: {when: 'failed("pay")', action: Say that a colleague looks into it}
"""
TOOLS = '''
import os
import time
from pathlib import Path

from jurat.engine import ToolContext


def pay(context: ToolContext, amount: int) -> str:
    """Take the money."""
    folder = Path(os.environ["TILL"])
    with (folder / "effects").open("a") as file:
        file.write(f"{context.idempotency_key} {amount}\\n")
    if (folder / "hang").exists():
        (folder / "marker").write_text("here")
        time.sleep(600)
    return f"{amount} paid"
'''
SCRIPT = r"""
judge: {pays: [pay]}
arguments: {pay: {amount: '\d+'}}
"""

KEY = "the key of whoever runs the test"
HELD = {"authorization": f"Bearer {KEY}"}


class Till:
    """The policy's folder, what its tool did, and the servers over it."""

    def __init__(self, folder: Path, store: str, *, idempotent: bool = False, options: Sequence[str] = ()) -> None:
        self.folder, self.store, self.options = folder, store, options
        self.marker = folder / "marker"
        policy = folder / "policy"
        policy.mkdir()
        (policy / "policy.yaml").write_text(POLICY.replace("MORE", "idempotent: true," if idempotent else ""))
        (policy / "tools.py").write_text(TOOLS)
        (folder / "script.yaml").write_text(SCRIPT)

    @property
    def effects(self) -> list[str]:
        """The keys that the tool was run under, in order."""
        file = self.folder / "effects"
        return [line.split()[0] for line in file.read_text().splitlines()] if file.exists() else []

    def command(self, place: str | None) -> list[str]:
        options = [str(self.folder / "policy"), "--store", self.store, "--script", str(self.folder / "script.yaml")]
        options += self.options
        program = ["-m", "jurat"]
        if place is not None:
            program = [str(Path(__file__).with_name("crashing_server.py")), place, str(self.marker)]
        return [sys.executable, *program, "serve", *options, "--port", "0"]

    @contextmanager
    def serving(self, place: str | None = None) -> Iterator[tuple[httpx2.Client, subprocess.Popen[str]]]:
        """A server; with a place, one that stops there."""
        kept = {name: value for name, value in os.environ.items() if name not in {"FORCE_COLOR", "COLUMNS"}}
        environment = {
            **kept,
            "TILL": str(self.folder),
            "JURAT_CACHE": str(self.folder / "cache"),
            "JURAT_API_KEY": KEY,
        }
        pipe = subprocess.PIPE
        with subprocess.Popen(self.command(place), env=environment, stdout=pipe, stderr=pipe, text=True) as process:
            assert process.stdout is not None
            line = process.stdout.readline()
            if " at http" not in line:
                process.kill()
                raise AssertionError(f"the server did not start: {line}{process.communicate()[1]}")
            try:
                address = line.partition(" at ")[2].split()[0]
                with httpx2.Client(base_url=address, headers=HELD, timeout=60) as client:
                    yield client, process
            finally:
                if process.poll() is None:
                    process.terminate()
                process.communicate(timeout=60)

    def kill_at(self, place: str | None, message: str = "I pay 50") -> str:
        """Have a conversation and kill the server at the place, or in the tool where there is none; the session."""
        with self.serving(place) as (client, process):
            session = str(client.post("/sessions", json={}).json()["id"])
            with client.stream("POST", f"/sessions/{session}/messages", json={"message": message}):
                self._kill(process)
        return session

    def _kill(self, process: subprocess.Popen[str]) -> None:
        until = time.monotonic() + 200
        while not self.marker.exists():
            assert time.monotonic() < until, "the place was not reached"
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.marker.unlink()

    def kill_feed_at(self, place: str, message: str = "I pay 50") -> str:
        """As :meth:`kill_at`, where the message is taken by the conversation's feed."""
        with self.serving(place) as (client, process):
            session = str(client.post("/sessions", json={}).json()["id"])
            said = {"kind": "message", "source": "customer", "message": message}
            assert client.post(f"/sessions/{session}/events", json=said).status_code == 201
            self._kill(process)
        return session


def say(client: httpx2.Client, session: str, message: str) -> tuple[str, Any]:
    """The last event of a turn."""
    answer = client.post(f"/sessions/{session}/messages", json={"message": message})
    assert answer.status_code == 200, answer.text
    name, data = answer.text.strip().split("\n\n")[-1].split("\n")
    return name.removeprefix("event: "), json.loads(data.removeprefix("data: "))


def texts(client: httpx2.Client, session: str) -> list[str]:
    """The conversation."""
    return [f"{each['role']}: {each['text']}" for each in client.get(f"/sessions/{session}").json()["conversation"]]

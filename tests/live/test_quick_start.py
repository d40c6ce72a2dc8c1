"""The seed's last block as it stands in the shell, with the real model; `-s` shows how long until a conversation is answered."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest
from tests.llm.openai_server import free_port


@pytest.mark.live
@pytest.mark.timeout(300)
def test_the_quick_start_answers(repository: Path) -> None:
    shell = (repository / "examples/seed/quick_start.sh").read_text(encoding="utf-8")
    found = re.search(r'python -c "\n(.*?)"\n', shell, re.DOTALL)
    assert found is not None
    port = free_port()
    environment = {**os.environ, "JURAT_PORT": str(port)}
    start = time.monotonic()
    with subprocess.Popen(
        [sys.executable, "-c", found[1]], env=environment, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            reply = _reply(f"http://127.0.0.1:{port}")
            took = time.monotonic() - start
        finally:
            process.terminate()
            _, said = process.communicate(timeout=100)
    assert reply.strip(), said
    print(f"answered {took:.1f} s after its start: {reply}")


def _reply(address: str) -> str:
    with httpx2.Client(base_url=address, timeout=200) as client:
        session = _session(client)
        answer = client.post(f"/sessions/{session}/messages", json={"message": "Hello, I need help with my order"})
        last = answer.text.strip().split("\n\n")[-1]
        assert last.startswith("event: turn"), last
        return str(re.findall(r'"reply": "(.*?)(?<!\\)"', last)[0])


def _session(client: httpx2.Client) -> str:
    """A conversation as soon as there is one to be had."""
    until = time.monotonic() + 250
    while True:
        try:
            answer = client.post("/sessions", json={})
            if answer.status_code == 201:
                return str(answer.json()["id"])
            assert answer.status_code == 503
        except (
            httpx2.ConnectError,
            httpx2.ReadError,
            httpx2.RemoteProtocolError,
        ):  # not yet, or a connection was idle too long
            pass
        assert time.monotonic() < until
        time.sleep(0.1)

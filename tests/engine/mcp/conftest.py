"""Real MCP servers: one started over its standard streams, one reached over HTTP."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jurat.engine import Toolbox
from jurat.policies import PolicyGraph, load

SERVER = Path(__file__).with_name("mcp_orders.py")
NUMBER = re.compile(r"\b(\d{3,4})\b")
SERVICE = '["${PYTHON}", "${SERVER}"], environment: [ORDERS_COUNT, ORDERS_OWNER]'
POLICY = """
jurat: 1
facts:
  order.status: {type: string, from: tools}
  customer.verified: bool
observations:
  asks_status: The customer asks where an order is
  asks_refund: The customer wants money back
services:
  orders: {mcp: SERVICE}
tools:
  check_order: {mcp: orders/check, provides: {order.status: result.status}}
  issue_refund: {mcp: orders/refund, consequential: true, guard: customer.verified && arguments.amount <= 500}
guidelines:
  status: {when: asks_status, action: Say where it is, tools: [check_order]}
  shipped: {when: order.status == "shipped", action: Say that it is on its way}
  refund: {when: asks_refund, tools: [{issue_refund: {amount: 80}}]}
  trouble: {when: failed("*"), action: Apologise}
"""
JUDGE = {"asks_status": ["where"], "asks_refund": ["money"]}
ARGUMENTS = {"check_order": {"order_id": NUMBER}, "issue_refund": {"order_id": NUMBER}}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in {
        "PYTHON": sys.executable, "SERVER": str(SERVER), "ORDERS_COUNT": str(tmp_path / "count"), "ORDERS_OWNER": "us",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    return tmp_path


def counted(folder: Path) -> list[str]:
    file = folder / "count"
    return file.read_text(encoding="utf-8").split("\n")[:-1] if file.exists() else []


Opened = Callable[[str], tuple[PolicyGraph, Toolbox]]


@pytest.fixture
def opened(folder: Path) -> Iterator[Opened]:
    boxes: list[Toolbox] = []

    def open_(policy: str) -> tuple[PolicyGraph, Toolbox]:
        (folder / "policy.yaml").write_text(policy, encoding="utf-8")
        graph = load(folder / "policy.yaml")
        boxes.append(Toolbox.load(graph, folder))
        return graph, boxes[-1]

    yield open_
    for each in boxes:
        each.close()


@pytest.fixture
def conversation(opened: Opened, world: Any) -> Callable[..., Any]:
    def begin(policy: str, **more: Any) -> Any:
        _, toolbox = opened(policy)
        return world(policy, toolbox=toolbox, judge=JUDGE, arguments=ARGUMENTS, **more)

    return begin


class Served:
    """The server over HTTP, which can be ended and started again at the same address."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def service(self) -> str:
        return f'"http://127.0.0.1:{self.port}/mcp"'

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, SERVER, str(self.port)], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.1)
        raise AssertionError("the server did not start")

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def served(folder: Path) -> Iterator[Served]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Served(port)
    server.start()
    yield server
    server.stop()

"""A served policy, and Parlant's own client to it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import httpx
import httpx2
import pytest
from parlant.client import ParlantClient

POLICY = """\
# The shop's policy. Comments stay, whatever clients change.
jurat: 1
agent: {name: Shop, description: Helps customers of a shop}
facts:
  order.found: {type: bool, from: tools}
observations:
  asks_refund: The customer asks for a refund
  is_angry: The customer is angry
tools:
  find_order: {python: "tools:find_order", provides: {order.found: true}}
guidelines:
  # Money comes back within two weeks.
  refund: {when: asks_refund, action: Explain how refunds work}   # see the terms
  calm:
    condition: The customer is angry
    action: Stay calm
    tags: [tone]
  look:
    condition: The customer asks where an order is
    tools: [find_order]
journeys:
  return:
    triggers: [The customer wants to send something back]
    initial: ask
    on_end: deactivate
    states:
      ask: {say: Ask for the order number, to: [{condition: The customer gave an order number, state: done}]}
      done: {end: true}
replies:
  sorry: {text: I am sorry.}
"""
TOOLS = '''
def find_order(order_id: str) -> str:
    """Find an order."""
    return f"order {order_id} is on its way"
'''
SCRIPT = r"""
judge:
  asks_refund: [refund]
  is_angry: [angry]
  The customer is angry: [angry]
  The customer asks where an order is: [where]
  The customer wants to send something back: [send back]
  The customer wants a loan: [loan]
  The customer asks for a price: [price]
arguments: {find_order: {order_id: '\d{4}'}}
"""


KEY = "the key of whoever runs the test"
HELD = {"authorization": f"Bearer {KEY}"}


class web:  # noqa: N801 - read as the module whose functions these are
    """Requests without Parlant's client."""

    get = staticmethod(partial(httpx2.get, headers=HELD, timeout=60))
    post = staticmethod(partial(httpx2.post, headers=HELD, timeout=60))
    patch = staticmethod(partial(httpx2.patch, headers=HELD, timeout=60))
    stream = staticmethod(partial(httpx2.stream, headers=HELD, timeout=60))


@contextmanager
def served(folder: Path, *options: str) -> Iterator[str]:
    """The address of `jurat serve` over the policy in a folder."""
    environment = {**os.environ, "JURAT_CACHE": str(folder / "cache"), "JURAT_DATA": str(folder / "data")}
    environment["JURAT_API_KEY"] = KEY
    command = [sys.executable, "-m", "jurat", "serve", str(folder / "policy"), "--port", "0"]
    given = ["--script", str(folder / "script.yaml"), *options]
    with subprocess.Popen(
        [*command, *given], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        line = process.stdout.readline()
        if " at http" not in line:
            process.kill()
            pytest.fail(f"the server did not start: {line}{process.stderr.read()}")
        try:
            yield line.partition(" at ")[2].split()[0]
        finally:
            process.terminate()
            process.communicate(timeout=20)


def written(folder: Path, policy: str = POLICY) -> Path:
    """A folder with a policy, its tools and a script."""
    (folder / "policy").mkdir()
    (folder / "policy" / "policy.yaml").write_text(policy, encoding="utf-8")
    (folder / "policy" / "tools.py").write_text(TOOLS, encoding="utf-8")
    (folder / "script.yaml").write_text(SCRIPT, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of a module's own."""
    with served(written(tmp_path_factory.mktemp("shop")), "--store", "memory") as found:
        yield found


@pytest.fixture
def client(address: str) -> Iterator[ParlantClient]:
    """Parlant's client."""
    with closing(address) as found:
        yield found


@contextmanager
def closing(address: str) -> Iterator[ParlantClient]:
    """A client whose connections are closed at the end."""
    with httpx.Client(timeout=60, headers=HELD) as inner:
        yield ParlantClient(base_url=address, httpx_client=inner)


def policy_of(address: str) -> str:
    """The policy in effect."""
    versions = web.get(f"{address}/versions").json()
    found: str = web.get(f"{address}/versions/{versions['active']}").json()["files"]["policy.yaml"]
    return found


def version_of(address: str) -> int:
    """The number of the version in effect."""
    return int(web.get(f"{address}/versions").json()["active"])

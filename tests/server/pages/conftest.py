"""Servers that know one key, and a browser that is signed in with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from tests.server.browser import Page, browser
from tests.server.conftest import serving, shared
from tests.server.pages.visiting import HELD, KEY


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    """The environment of a server whose operator has the key."""
    return {**environment, "JURAT_API_KEY": KEY}


@pytest.fixture(scope="module")
def server(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The example policy, served to those who change no policy and count nothing that others may have left."""
    yield from shared(repository, tmp_path_factory.mktemp("served"), JURAT_API_KEY=KEY)


@pytest.fixture
def own_server(repository: Path, environment: dict[str, str], script: Path) -> Iterator[str]:
    """The example policy, served to one test."""
    yield from serving(repository, environment, "examples/support", "--script", str(script))


@pytest.fixture
def page() -> Iterator[Page]:
    with browser() as found:
        yield found


@pytest.fixture
def operator(own_server: str) -> Iterator[httpx2.Client]:
    """Whoever has the key, over HTTP."""
    with httpx2.Client(base_url=own_server, headers=HELD, timeout=60) as client:
        yield client


HOSTILE = """\
jurat: 1
agent: {name: "<b>Agent</b>", description: "<img src=x onerror=window.hit=1>"}
observations:
  asks: "The customer says <script>window.hit=2</script>"
replies:
  safe: {text: "<i>safe</i>"}
guidelines:
  answer:
    when: asks
    action: "<img src=x onerror=window.hit=3> & \\"quoted\\" ]]>"
    tags: [a-tag]
    overrides: [other]
  other:
    condition: "<a href='javascript:window.hit=4'>click</a>"
    action: "javascript:alert(1)"
"""
SCRIPT = "judge: {asks: [hello]}\notherwise: 0.5\nreplies: ['<img src=x onerror=window.hit=5>', '<b>bold</b>']\n"


@pytest.fixture
def hostile_server(repository: Path, environment: dict[str, str], tmp_path: Path) -> Iterator[str]:
    """A policy whose author tries to write markup."""
    folder = tmp_path / "hostile"
    folder.mkdir()
    (folder / "policy.yaml").write_text(HOSTILE)
    script = tmp_path / "hostile-script.yaml"
    script.write_text(SCRIPT)
    yield from serving(repository, environment, str(folder), "--script", str(script))

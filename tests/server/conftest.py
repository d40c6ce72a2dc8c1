"""A script in the place of a model, and the command `jurat` and its server as processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

SCRIPT = r"""
judge:
  asks_refund: [refund]
  accepts_refund: [pay it out]
  wants_human: [manager, ridiculous]
  asks_upgrade: [upgrade]
  reports_account_problem: [account]
arguments:
  check_order_status: {order_id: '\b\d{4}\b'}
  verify_return_policy: {order_id: '\b\d{4}\b'}
  verify_identity: {order_id: '\b\d{4}\b', postcode: '\b\d{5}\b'}
"""
Jurat = Callable[..., "subprocess.CompletedProcess[str]"]


def scripted(folder: Path) -> Path:
    """A judge by keywords and a voice that tells what tools found."""
    path = folder / "script.yaml"
    path.write_text(SCRIPT)
    return path


def apart(folder: Path) -> dict[str, str]:
    """A database and a cache in a folder, no colours asked for."""
    kept = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "FORCE_COLOR", "COLUMNS"}}
    return {
        **kept,
        "JURAT_SUPPORT_DB": str(folder / "shop.sqlite"),
        "JURAT_CACHE": str(folder / "cache"),
        "JURAT_DATA": str(folder / "data"),
    }


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """A script of a test's own."""
    return scripted(tmp_path)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The environment of a command of a test's own."""
    return apart(tmp_path)


def without_progress(stderr: str) -> str:
    """Standard error without the lines that say only that something takes long, which depends on the machine."""
    return "".join(line for line in stderr.splitlines(keepends=True) if not line.endswith(" …\n"))


@pytest.fixture
def jurat(repository: Path, environment: dict[str, str]) -> Jurat:
    """Run the command in a process of its own, from the repository's folder."""

    def run(*arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "jurat", *arguments]
        done = subprocess.run(
            command,
            cwd=repository,
            env=environment,
            input=text,
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )
        done.stderr = without_progress(done.stderr)
        return done

    return run


@contextmanager
def begun(
    command: list[str], repository: Path, environment: dict[str, str], **more: Any
) -> Iterator[subprocess.Popen[str]]:
    """A process that is gone afterwards, whatever becomes of its test."""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=repository, env=environment, stdout=pipe, stderr=pipe, text=True, **more
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def serving(repository: Path, environment: dict[str, str], *arguments: str) -> Iterator[str]:
    """The address of a server that runs `jurat serve` with these arguments."""
    command = [sys.executable, "-m", "jurat", "serve", *arguments, "--port", "0"]
    with subprocess.Popen(
        command, cwd=repository, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
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


@pytest.fixture
def server(repository: Path, environment: dict[str, str], script: Path) -> Iterator[str]:
    """The example policy, served."""
    yield from serving(repository, environment, "examples/support", "--script", str(script))


def shared(repository: Path, folder: Path, **environment: str) -> Iterator[str]:
    """The example policy, served to every test of a module: each has conversations of its own."""
    yield from serving(
        repository, {**apart(folder), **environment}, "examples/support", "--script", str(scripted(folder))
    )


@pytest.fixture
def unproved_server(repository: Path, environment: dict[str, str], script: Path) -> Iterator[str]:
    """The example with planted faults, served all the same."""
    yield from serving(repository, environment, "examples/support-broken", "--unproved", "--script", str(script))

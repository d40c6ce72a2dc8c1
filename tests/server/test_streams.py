"""Streams that are closed, full or of a narrow encoding, and Ctrl-C while Z3 works."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .conftest import begun, without_progress

NARROW = [
    {"PYTHONIOENCODING": "ascii"},
    {"PYTHONIOENCODING": "latin-1"},
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
]
POLICY = """jurat: 1
facts: {p: bool}
guidelines:
  a: {condition: Kunde fragt „Wärum ✓“, decide: {d: 1}, action: ✓}
  b: {when: p, decide: {d: 2}}
decisions: {d: int}
"""
HARD = """jurat: 1
facts: {x: int, y: int, z: int}
decisions: {d: int}
guidelines:
  a: {when: 'x*x*x + y*y*y == z*z*z && x > 0 && y > 0 && z > 0', decide: {d: 1}}
  b: {decide: {d: 2}}
"""


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY, encoding="utf-8")
    return path


@pytest.fixture
def invalid(tmp_path: Path) -> Path:
    path = tmp_path / "invalid.yaml"
    path.write_text("jurat: 2\n")
    return path


@pytest.mark.parametrize("setting", NARROW)
def test_what_an_encoding_cannot_hold_is_escaped(
    repository: Path, environment: dict[str, str], policy: Path, setting: dict[str, str]
) -> None:
    def jurat(*arguments: str) -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, "-m", "jurat", *arguments, str(policy)]
        return subprocess.run(
            command, cwd=repository, env={**environment, **setting}, capture_output=True, check=False, timeout=100
        )

    shown, told, drawn = jurat("check"), jurat("check", "--format", "json"), jurat("graph")
    assert (shown.returncode, told.returncode, drawn.returncode) == (1, 1, 0), (shown.stderr, told.stderr, drawn.stderr)
    assert b"\\u2713" in shown.stdout
    assert any(
        "✓" in line for each in json.loads(told.stdout)["findings"] for line in json.dumps(each, ensure_ascii=False)
    )
    assert b"\\u2713" not in drawn.stdout
    assert b"&#10003;" in drawn.stdout


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("check {policy} >&-", 1),
        ("check {policy} 2>&-", 1),
        ("check {policy} >&- 2>&- <&-", 1),
        ("check {policy} 2>/dev/full", 1),
        ("check {policy} >/dev/full", 2),
        ("check {policy} --format json >/dev/full", 2),
        ("check {policy} >/dev/full 2>/dev/full", 2),
        ("check {invalid} 2>&-", 2),
        ("check {invalid} 2>/dev/full", 2),
        ("check {invalid} --format json >&-", 2),
        ("check {invalid} --format json >/dev/full", 2),
        ("chek 2>/dev/full", 2),
        ("--help >&-", 0),
        ("--help >/dev/full", 2),
    ],
)
def test_streams_that_cannot_be_written_change_nothing_else(  # noqa: PLR0917 - fixtures
    repository: Path, environment: dict[str, str], policy: Path, invalid: Path, command: str, status: int
) -> None:
    line = f"{sys.executable} -m jurat {command.format(policy=policy, invalid=invalid)}"
    done = subprocess.run(
        ["bash", "-c", line], cwd=repository, env=environment, capture_output=True, text=True, check=False, timeout=100
    )
    assert done.returncode == status, done.stderr
    assert "Jurat itself" not in done.stderr
    assert "Exception" not in done.stderr


@pytest.mark.parametrize(
    "command", ["check {policy}", "check {policy} --format json", "explain J001", "tools {policy}"]
)
def test_a_reader_that_went_away_is_told_by_141(
    repository: Path, environment: dict[str, str], policy: Path, command: str
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    arguments = command.format(policy=policy).split()
    done = subprocess.run(
        [sys.executable, "-m", "jurat", *arguments],
        cwd=repository, env=environment, stdout=writer, stderr=subprocess.PIPE, text=True, check=False, timeout=100,
    )  # fmt: skip
    os.close(writer)
    assert (done.returncode, without_progress(done.stderr)) == (141, "")


def test_output_without_room_is_one_sentence(repository: Path, environment: dict[str, str], policy: Path) -> None:
    line = f"{sys.executable} -m jurat check {policy} >/dev/full"
    done = subprocess.run(
        ["bash", "-c", line], cwd=repository, env=environment, capture_output=True, text=True, check=False, timeout=100
    )
    assert without_progress(done.stderr) == "error: cannot write the output: no space left on device\n"


@pytest.mark.parametrize("command", ["check", "init", "graph"])
def test_an_empty_path_is_wrong_usage(repository: Path, environment: dict[str, str], command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "jurat", command, ""],
        cwd=repository, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert "the path is empty" in done.stderr


def test_an_interrupt_ends_a_long_proof_with_130(repository: Path, environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "hard.yaml").write_text(HARD)
    command = [sys.executable, "-m", "jurat", "check", str(tmp_path / "hard.yaml"), "--rlimit", "4000000000"]
    with begun(command, repository, environment) as process:
        assert process.stderr is not None
        assert any(line.startswith("proving") for line in process.stderr)  # it has worked for a second then
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=20)
    assert (process.returncode, stdout, stderr.strip()) == (130, "", "")

"""`pip install jurat` alone reads and proves policies; what needs an extra says which."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import jurat

EXTRAS = (
    "fastapi",
    "starlette",
    "uvicorn",
    "xllamacpp",
    "vllm",
    "outlines",
    "torch",
    "presidio_analyzer",
    "sqlalchemy",
    "alembic",
    "asyncpg",
)


def run_without_extras(repository: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as if no extra was installed: importing any of them fails."""
    code = f"import sys; sys.modules.update(dict.fromkeys({EXTRAS!r})); import jurat.__main__ as m; m.main()"
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)


def test_the_version_is_printed(repository: Path) -> None:
    done = run_without_extras(repository, "--version")
    assert done.returncode == 0, done.stderr
    assert jurat.__version__ in done.stdout


def test_help_lists_the_commands(repository: Path) -> None:
    done = run_without_extras(repository, "--help")
    assert done.returncode == 0, done.stderr
    listed = {line.split()[0] for line in done.stdout.splitlines() if line.startswith("  ") and line.strip()}
    assert {"init", "check", "explain", "graph", "chat", "serve", "models"} <= listed


def test_the_example_is_proved(repository: Path) -> None:
    done = run_without_extras(repository, "check", "examples/support")
    assert done.returncode == 0, done.stdout + done.stderr


def test_serving_names_the_missing_extra(repository: Path) -> None:
    done = run_without_extras(repository, "serve", "examples/support")
    assert done.returncode == 2
    assert "jurat[server]" in done.stderr
    assert "Traceback" not in done.stderr

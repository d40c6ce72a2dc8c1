"""The rooms import one way only."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

ROOMS = {"jurat.policies", "jurat.solver", "jurat.llm", "jurat.engine", "jurat.server"}


def test_every_contract_is_kept(repository: Path) -> None:
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([program, "--no-cache"], cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert " 0 broken" in done.stdout


def test_a_contract_about_a_library_covers_every_room_but_its_home(repository: Path) -> None:
    contracts = tomllib.loads((repository / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    for contract in contracts:
        if contract["name"].startswith("only the "):
            home = "jurat." + contract["name"].split()[2]
            assert set(contract["source_modules"]) == ROOMS - {home}

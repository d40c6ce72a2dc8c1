"""A database of its own for every example, and the folder that examples import from."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests.examples.rehearsal import SEED


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of the shop's database."""
    path = tmp_path / "shop.sqlite"
    monkeypatch.setenv("SHOP_DB", str(path))
    monkeypatch.setenv("JURAT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(sys, "path", [str(SEED), *sys.path])
    return path

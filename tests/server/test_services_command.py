"""`jurat services` and an example whose tools run elsewhere: checked without asking anybody, updated by asking."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from jurat.engine import Toolbox, ToolLoadError
from jurat.policies import load

from .conftest import Jurat

EXAMPLE = Path(__file__).parents[2] / "examples" / "services"


@pytest.fixture
def folder(tmp_path: Path, environment: dict[str, str]) -> Path:
    """A copy of the example, and the variables that it names."""
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment |= {"ORDERS_DATABASE": str(tmp_path / "orders.sqlite"), "PAYMENTS_URL": "http://127.0.0.1:9"}
    environment["PAYMENTS_TOKEN"] = "secret"  # noqa: S105 - of nobody
    return Path(shutil.copytree(EXAMPLE, tmp_path / "services"))


def test_the_example_is_proved_without_any_service(jurat: Jurat, environment: dict[str, str]) -> None:
    done = jurat("check", str(EXAMPLE))
    assert done.returncode == 0
    assert "ORDERS_DATABASE" not in environment


def test_what_services_offer_is_listed_and_written(jurat: Jurat, folder: Path) -> None:
    listing = (folder / "orders.json").read_text(encoding="utf-8")
    (folder / "orders.json").unlink()
    listed = jurat("services", str(folder))
    assert listed.returncode == 0
    assert "check(order_id)" in listed.stdout
    assert "refund(order_id, amount)" in listed.stdout
    assert "orders.json is missing; --update writes it" in listed.stdout
    assert "orders.json written" in jurat("services", str(folder), "--update").stdout
    assert (folder / "orders.json").read_text(encoding="utf-8") == listing
    assert "orders.json says the same" in jurat("services", str(folder)).stdout


def test_a_file_that_lacks_a_tool_can_still_be_updated(jurat: Jurat, folder: Path) -> None:
    (folder / "orders.json").write_text(json.dumps({"tools": []}), encoding="utf-8")
    refused = jurat("check", str(folder))
    assert refused.returncode == 2
    assert "service `orders` has no tool `check`, says `orders.json`" in refused.stderr
    assert jurat("services", str(folder), "--update").returncode == 0
    assert jurat("check", str(folder)).returncode == 0


def test_a_service_that_cannot_be_reached_is_one_sentence(jurat: Jurat, folder: Path) -> None:
    (folder / "orders.py").write_text("raise SystemExit('no database today')\n", encoding="utf-8")
    done = jurat("services", str(folder))
    assert done.returncode == 2
    assert "service `orders`: it cannot be reached: " in done.stderr
    assert "it said: no database today" in done.stderr
    assert "Traceback" not in done.stderr
    assert "refund(order_id, amount)" in done.stdout, "the others are listed"


@pytest.mark.parametrize(("package", "extra"), [("mcp", "mcp"), ("openapi_spec_validator", "openapi")])
def test_what_is_not_installed_is_said_with_its_name(
    folder: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], package: str, extra: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ToolLoadError) as error:
        Toolbox.load(load(folder), folder)
    assert f"install it with `pip install 'jurat[{extra}]'`" in str(error.value)

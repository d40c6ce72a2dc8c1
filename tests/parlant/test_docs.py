"""docs/parlant-client.md says what there is."""

from __future__ import annotations

import ast
import re
import threading
from typing import Any

import pytest
from parlant.client import ParlantClient
from tests.conftest import ROOT

TEXT = (ROOT / "docs/parlant-client.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
TABLE = TEXT.partition("## Method by method")[2].partition("\n## ")[0]


def methods() -> set[str]:
    """Every method of the client, by its name and that of its part."""
    client = ParlantClient(base_url="http://localhost:1")
    parts = {name: part for name, part in vars(client).items() if not name.startswith("_")}
    return {
        f"{name}.{method}"
        for name, part in parts.items()
        for method in dir(part)
        if not method.startswith("_") and method != "with_raw_response"
    }


def test_every_method_of_the_client_is_in_the_table() -> None:
    told: set[str] = set()
    for row in (line.split("|")[1] for line in TABLE.splitlines() if line.startswith("| `")):
        names = re.findall(r"`([\w.*]+)`", row)
        part = names[0].partition(".")[0]
        told |= {name if "." in name else f"{part}.{name}" for name in names}
    untold = {each for each in methods() if each not in told and f"{each.partition('.')[0]}.*" not in told}
    assert untold == set()
    assert {each for each in told if not each.endswith("*")} <= methods()


@pytest.mark.parametrize("block", BLOCKS)
def test_what_is_shown_is_python(block: str) -> None:
    ast.parse(block)


def test_the_first_example_is_answered(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    found: dict[str, Any] = {}
    thread = threading.Thread(target=lambda: exec(BLOCKS[0].replace("http://localhost:8800", address), found))  # noqa: S102 - our own page
    thread.start()
    thread.join(60)
    found["client"]._client_wrapper.httpx_client.httpx_client.close()
    assert "status {'status': 'acknowledged'" in capsys.readouterr().out

"""docs/sdk.md says what there is."""

from __future__ import annotations

import asyncio
import inspect
import re
from typing import Any

import pytest
from tests.conftest import ROOT
from tests.server.served import NOBODY

import jurat.sdk as p
from jurat.server.sdk.events import EVENTS

TEXT = (ROOT / "docs/sdk.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


def test_the_table_of_events_is_the_table_of_events() -> None:
    section = TEXT.partition("### Conditions that are events")[2].partition("\n## ")[0]
    rows = [line.split("|")[1:3] for line in section.splitlines() if line.startswith("| `")]
    told = {text: formula.strip().strip("`") for texts, formula in rows for text in re.findall("`(.*?)`", texts)}
    assert told == EVENTS


def test_every_parameter_of_a_server_is_named() -> None:
    section = TEXT.partition("## Serving")[2].partition("\n## ")[0]
    told = set(re.findall(r"`(\w+)`", section))
    names = set(inspect.signature(p.Server.__init__).parameters) - {
        "self",
        "others",
        "customer_store",
        "variable_store",
    }
    assert names - told - {"session_store", "configure_container"} == set()


@p.tool
async def find_order(context: p.ToolContext, number: int) -> str:
    """Find an order."""
    return f"order {number}"


@pytest.mark.parametrize("block", [each for each in BLOCKS if "def declare" in each])
def test_what_is_shown_can_be_declared(block: str) -> None:
    found: dict[str, Any] = {}
    exec(compile(block, "docs/sdk.md", "exec"), found)  # noqa: S102 - it is our own page
    server = p.Server(script=NOBODY)

    async def declaring() -> None:
        agent = await server.create_agent("Bot")
        known = {"server": server, "agent": agent, "find_order": find_order}
        await found["declare"](*(known[each] for each in inspect.signature(found["declare"]).parameters))

    asyncio.run(declaring())
    assert server.policy.guidelines


@pytest.mark.parametrize("block", BLOCKS)
def test_what_is_shown_is_python(block: str) -> None:
    compile(block, "docs/sdk.md", "exec")

"""What programs are put together from: the frame, and the arguments of single calls."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jurat.policies.model import ToolDeclaration
from jurat.policies.reader.nodes import Node, Scalar
from jurat.server.programs.nodes import Part, plain, text_of
from jurat.server.programs.source import Call
from jurat.server.programs.types import python_type
from jurat.server.sdk.events import event_formula

_RESULT = re.compile(r"result\.[A-Za-z_][\w.]*")

HEAD = '''"""The policy of {of} as a program. `jurat export` writes it as YAML again."""

import asyncio
{imports}
import jurat.sdk as p

{tools}

async def declare(server: p.Server) -> None:
{body}

async def main() -> None:
    async with p.Server() as server:
        await declare(server)


if __name__ == "__main__":
    asyncio.run(main())
'''


def imports_for(text: str) -> str:
    """The imports that a text of Python needs besides its own."""
    times = [name for name in ("datetime", "timedelta") if re.search(rf"\b{name}\b", text)]
    lines = [f"from datetime import {', '.join(times)}\n"] if times else []
    return "".join([*lines, *(["from decimal import Decimal\n"] if re.search(r"\bDecimal\b", text) else [])])


def given(named: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that say something."""
    return {name: value for name, value in named.items() if value is not None and value not in ([], {})}


def judged(text: str) -> Any:
    """A text for the judge, whatever events its words are the name of."""
    return Call("p.judged", [text]) if event_formula(text) else text


def conditions_of(part: Part) -> dict[str, Any]:
    """``condition`` and ``when`` of a rule or a way."""
    said = part.text("condition")
    return {"condition": None if said is None else judged(said), "when": part.text("when")}


def argument_of(node: Node) -> Any:
    """What a call says of an argument: a value, or a formula."""
    value = plain(node)
    return Call("p.formula", [text_of(node)]) if isinstance(value, str) else value


def tool_options(part: Part, declared: ToolDeclaration) -> dict[str, Any]:
    """What is said of a tool besides where it is."""
    types = {name: python_type(type_) for name, type_ in declared.parameters}
    seconds = None if declared.timeout is None else declared.timeout.total_seconds()
    return given(
        {
            "description": part.text("description"), "parameters": types,
            "consequential": declared.consequential or None, "guard": part.text("guard"), "limits": part.text("limits"),
            "provides": {fact: _provided(each) for fact, each in part.entries("provides").items()},
            "timeout": seconds, "idempotent": declared.idempotent or None, "retries": declared.retries,
            "allow": part.mapping("allow"),
        }
    )  # fmt: skip


def _provided(node: Node) -> Any:
    if isinstance(node, Scalar) and node.style and (node.text == "any" or _RESULT.fullmatch(node.text)):
        return Call("p.Text", [node.text])
    return plain(node)


def folder_of(source: str) -> Path | None:
    """The folder of a file; None for a policy that was given as text."""
    return Path(source).parent if source and Path(source).is_file() else None

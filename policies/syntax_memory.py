"""The syntax of formulas, remembered from one run to the next: parsing them is most of the cost of reading a policy.

What is remembered depends on nothing but a formula's text and the grammar, so that it can never be out of date: the file
is named after both the grammar and the code that reads it. It is data, not code; a file that cannot be read is ignored.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from jurat.policies import cel
from jurat.policies.cel import MEMORY, Literal, Node

MOST = 200_000
"""Formulas that are remembered at most; those of the last run come first."""


class SyntaxMemory:
    """Formulas by their text, each as nested lists until it is asked for."""

    def __init__(self, known: dict[str, list[Any]]) -> None:
        self._known = known
        self._used: dict[str, list[Any]] = {}
        self._nodes: dict[str, Node] = {}
        self.grown = False

    def recall(self, text: str) -> Node | None:
        if text in self._nodes:
            return self._nodes[text]
        if text not in self._known:
            return None
        try:
            node = self._nodes[text] = _read(self._known[text])
        except (ValueError, TypeError, RecursionError):  # somebody wrote into the file
            return None
        self._used[text] = self._known[text]
        return node

    def keep(self, text: str, node: Node) -> None:
        self.grown = True
        self._nodes[text] = node
        self._used[text] = _written(node)

    def content(self) -> dict[str, list[Any]]:
        """What is to be remembered."""
        every = {**self._used, **self._known}
        return dict(list(every.items())[:MOST])


@contextmanager
def remembering(folder: Path) -> Iterator[None]:
    """Remember formulas in a folder, which is made where there is none; a folder that cannot be written is no fault."""
    path = folder / f"formulas-{_version()}.json"
    memory = SyntaxMemory(_load(path))
    token = MEMORY.set(memory)
    try:
        yield
    finally:
        MEMORY.reset(token)
        if memory.grown:
            _save(path, memory.content())


def _load(path: Path) -> dict[str, list[Any]]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _save(path: Path, content: dict[str, list[Any]]) -> None:
    """Written beside and renamed, so that nobody ever reads half of it."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f"{path.name}.{os.getpid()}")
        beside.write_text(json.dumps(content, separators=(",", ":")), encoding="utf-8")
        beside.replace(path)


@cache
def _version() -> str:
    package = find_spec("celpy")
    assert package is not None
    assert package.origin is not None
    grammar = Path(package.origin).with_name("cel.lark").read_bytes()
    return hashlib.sha256(grammar + Path(cel.__file__).read_bytes()).hexdigest()[:16]


def _written(node: Node) -> list[Any]:
    value = [node.value.type, str(node.value)] if isinstance(node.value, Literal) else node.value
    return [node.kind, node.start, node.end, [_written(part) for part in node.parts], value]


def _read(written: list[Any]) -> Node:
    kind, start, end, parts, value = written
    literal = Literal(*value) if isinstance(value, list) else value
    return Node(kind, start, end, tuple(map(_read, parts)), literal)

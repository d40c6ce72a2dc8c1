"""A policy's sections as plain values, with every field that a program cannot say refused by its name."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from typing import Any

from jurat.policies import JuratError
from jurat.policies.reader.documents import Sections, read_documents
from jurat.policies.reader.faults import Faults
from jurat.policies.reader.nodes import Fields, Items, Node, Scalar


class Unsayable(JuratError):
    """What no program can declare; the text names it."""


def sections_of(source: str | os.PathLike[str] | Mapping[str, str]) -> Sections:
    """The sections of all files of a policy.

    Raises:
        PolicyError: they cannot be read.
    """
    faults = Faults()
    found = read_documents(source, faults)
    faults.stop()
    return found


class Part:
    """A mapping of a policy, whose fields are taken one by one."""

    def __init__(self, where: str, node: Node, known: Collection[str]) -> None:
        self.where = where
        self._fields = {key.text: value for key, value in node.entries.values()} if isinstance(node, Fields) else {}
        for name in self._fields:
            if name not in known:
                raise Unsayable(f"`{where}.{name}`: a program cannot say this yet")

    def __contains__(self, name: str) -> bool:
        return name in self._fields

    def node(self, name: str) -> Node:
        """What stands there."""
        return self._fields[name]

    def text(self, name: str) -> str | None:
        """A text, formula or name as written."""
        return text_of(self._fields[name]) if name in self._fields else None

    def value(self, name: str) -> Any:
        """A value as JSON would have it, decimals exact."""
        return plain(self._fields[name]) if name in self._fields else None

    def texts(self, name: str) -> list[str]:
        """A list of names."""
        return [text_of(each) for each in items_of(self._fields[name])] if name in self._fields else []

    def entries(self, name: str) -> dict[str, Node]:
        """What stands there under its keys."""
        return entries_of(self._fields[name]) if name in self._fields else {}

    def mapping(self, name: str) -> dict[str, str]:
        """Texts by their keys."""
        return {key: text_of(each) for key, each in self.entries(name).items()}


def text_of(node: Node) -> str:
    """The text of a scalar."""
    assert isinstance(node, Scalar)
    return node.text


def items_of(node: Node) -> list[Node]:
    """The items of a list."""
    return node.items if isinstance(node, Items) else []


def entries_of(node: Node) -> dict[str, Node]:
    """The values of a mapping."""
    return {key.text: value for key, value in node.entries.values()} if isinstance(node, Fields) else {}


def plain(node: Node) -> Any:
    """The value of a node; a mapping has its keys as values too."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Items):
        return [plain(each) for each in node.items]
    assert isinstance(node, Fields)
    return {key.value: plain(each) for key, each in node.entries.values()}

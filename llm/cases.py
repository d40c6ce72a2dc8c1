"""Labelled conversations: what was said, and which statements hold of it.

    domain: retail                       # optional, as are `id`, `language`, `class` and `split`
    conversations:
    - id: lamp-no-refund
      language: en
      class: negation
      split: choice                      # or `report`; where it is missing, a hash of the id decides
      said:
      - customer: Hi, my lamp has a scratch.
      - agent: Would you like a refund?
      - customer: No, it works fine. I just thought you should know.
      holds:
        The customer asks for a refund: false
        The customer declines a refund: true

A statement is about the last message, in the context of those before it. What is chosen (wording, calibration) is
chosen on the split `choice`, and what is reported is measured on `report`.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from jurat.llm.protocol import Message, Role
from jurat.policies.limits import FILE_BYTES
from jurat.policies.reader.faults import Faults
from jurat.policies.reader.files import policy_files, read_text
from jurat.policies.reader.nodes import Fields, Node, Scalar
from jurat.policies.reader.parse import Budget, parse
from jurat.policies.reader.shapes import choice_of, entries_of, fields_of, flag_of, items_of, name_of, text_of

Split = Literal["choice", "report"]
SPLITS: tuple[Split, Split] = ("choice", "report")
_ROLES: tuple[Role, ...] = ("customer", "agent", "tool")
_FIELDS = ("id", "language", "class", "split", "said", "holds")
_FILE = ("domain", "conversations")


@dataclass(frozen=True, slots=True)
class Labelled:
    """A conversation with the truth about some statements; ``holds`` in the order written."""

    id: str
    said: tuple[Message, ...]
    holds: Mapping[str, bool]
    domain: str = ""
    language: str = ""
    kind: str = ""
    split: Split | None = None


def read_labelled(paths: Iterable[str], texts: Mapping[str, str] | None = None) -> list[Labelled]:
    """The conversations of files and of folders of them, every one with its split.

    ``texts`` are the statements that short names stand for, as a policy's observations; what is not among them is taken
    for a statement, unless it is a single name, which is a fault where there are any ``texts``.

    Raises:
        PolicyError: everything that is wrong with the files, each with its place.
    """
    faults = Faults()
    files = {os.path.realpath(file): file for path in paths for file in _files(path, faults)}  # each is read once
    found = [each for file in files.values() for each in _file(file, texts or {}, faults)]
    faults.stop()
    return split(found)


def split(conversations: Sequence[Labelled]) -> list[Labelled]:
    """Each with a split: its own, or by turns in the order of a hash of its id, within its language and class.

    So both halves have the same mixture, and a conversation stays where it is when a different class gains one.
    """
    strata: dict[tuple[str, str], list[Labelled]] = {}
    for each in conversations:
        if each.split is None:
            strata.setdefault((each.language, each.kind), []).append(each)
    given: dict[str, Split] = {}
    turn = 0
    for _, members in sorted(strata.items()):
        for each in sorted(members, key=lambda one: hashlib.sha256(one.id.encode()).hexdigest()):
            given[each.id] = SPLITS[turn % 2]
            turn += 1
    return [each if each.split else replace(each, split=given[each.id]) for each in conversations]


def _files(path: str, faults: Faults) -> list[str]:
    return policy_files(path, faults) if os.path.isdir(path) else [path]  # noqa: PTH112 - the reader's own spelling


def _file(path: str, texts: Mapping[str, str], faults: Faults) -> list[Labelled]:
    source = read_text(path, faults)
    root = parse(source, faults, Budget(FILE_BYTES)) if source else None
    if root is None:
        return []
    fields = fields_of(faults, root, _FILE, "a file of labelled conversations")
    if "conversations" not in fields:
        faults.at(root, "P303", "`conversations` is missing", help="it lists what was said and what holds of it")
        return []
    domain = _name(fields, "domain", faults)
    reader = _Reader(faults, texts, domain, path)
    items = items_of(faults, fields["conversations"], "`conversations`")
    found = [reader.conversation(number, item) for number, item in enumerate(items, 1)]
    return [each for each in found if each is not None]


class _Reader:
    """Reads the conversations of one file."""

    def __init__(self, faults: Faults, texts: Mapping[str, str], domain: str, path: str) -> None:
        self._faults, self._texts, self._domain, self._path = faults, texts, domain, path
        self._ids: set[str] = set()

    def conversation(self, number: int, node: Node) -> Labelled | None:
        faults = self._faults
        fields = fields_of(faults, node, _FIELDS, "a labelled conversation")
        missing = [name for name in ("said", "holds") if name not in fields]
        if missing:
            if isinstance(node, Fields):
                faults.at(node, "P303", f"`{missing[0]}` is missing in this conversation")
            return None
        name = self._id(fields.get("id", node), _name(fields, "id", faults) or f"{self._path}#{number}")
        chosen = choice_of(faults, fields["split"], "`split`", SPLITS) if "split" in fields else None
        language, kind = (_name(fields, field, faults) for field in ("language", "class"))
        said, holds = self._said(fields["said"]), self._holds(fields["holds"])
        return Labelled(name, said, holds, self._domain, language, kind, chosen)

    def _id(self, node: Node, name: str) -> str:
        if name in self._ids:
            self._faults.at(node, "P304", f"the id `{name}` is given twice")
        self._ids.add(name)
        return name

    def _said(self, node: Node) -> tuple[Message, ...]:
        found = tuple(m for item in items_of(self._faults, node, "`said`") for m in self._message(item))
        if not found and not self._faults:
            self._faults.at(node, "P302", "`said` is a list of one message or more")
        return found

    def _message(self, node: Node) -> Iterable[Message]:
        for key, value in entries_of(self._faults, node, "a message"):
            role = choice_of(self._faults, key, "who speaks", _ROLES)
            text = text_of(self._faults, value, "what is said")
            if role and text:
                yield Message(role, text)

    def _holds(self, node: Node) -> dict[str, bool]:
        found: dict[str, bool] = {}
        for key, value in entries_of(self._faults, node, "`holds`"):
            true = flag_of(self._faults, value, f"what is said of `{key.text}`")
            statement = self._statement(key)
            if statement in found:
                self._faults.at(
                    key, "P304", f"`{key.text}` is a statement that this conversation has a label for already"
                )
            if true is not None:
                found[statement] = true
        if not found and not self._faults:
            self._faults.at(node, "P302", "`holds` names one statement or more")
        return found

    def _statement(self, key: Scalar) -> str:
        if self._texts and key.text not in self._texts and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", key.text):
            advice = self._faults.near_miss(key.text, self._texts) or "a statement of its own is a sentence"
            self._faults.at(key, "P305", f"no observation is called `{key.text}`", help=advice)
        return self._texts.get(key.text, key.text)


def _name(fields: Mapping[str, Node], field: str, faults: Faults) -> str:
    return (name_of(faults, fields[field], f"`{field}`") or "") if field in fields else ""

"""A policy's files, changed entity by entity: what is not changed stays as its author wrote it, comments and all.

Every change is read back: the files say the new body there, and everywhere else what they said. A file whose layout
has no place for a change (anchors shared with it, for one) is written anew from what it says.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from jurat.policies import InternalError, PolicyError
from jurat.policies.diagnostics import Diagnostic
from jurat.policies.reader.faults import Faults
from jurat.policies.reader.nodes import Fields, Items, Node, Scalar
from jurat.policies.reader.parse import Budget, parse
from jurat.policies.reader.shapes import ID
from jurat.policies.reader.source import Source
from jurat.policies.spans import NOWHERE
from jurat.policies.values import show_decimal
from jurat.server.sdk.emitting import emit

DEPTH = 40
"""Of what is said of one entry; a policy has 64 levels in all."""

Body = Any
"""What a policy file says somewhere: a text, a number, a truth value, nothing, a list or a mapping of those."""


class PolicyText:
    """The files of a policy that can be read; ``files`` are their texts by name."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.files = {name: text.removeprefix("\ufeff") for name, text in files.items()}
        self._roots = {name: _root(name, text) for name, text in self.files.items()}

    def section(self, name: str) -> dict[str, Body]:
        """All entries of a section by id, over all files, in their order."""
        return {id_: plain(node) for _, fields in self._having(name) for id_, (_, node) in fields.entries.items()}

    def whole(self, name: str) -> Body:
        """What stands under a name at the top of the first file that has it; None where none does."""
        found = (root.entries[name][1] for root in self._roots.values() if name in root.entries)
        node = next(found, None)
        return None if node is None else plain(node)

    def get(self, section: str, id_: str) -> Body:
        """One entry, or None."""
        found = (fields.entries[id_][1] for _, fields in self._having(section) if id_ in fields.entries)
        node = next(found, None)
        return None if node is None else plain(node)

    def put(self, section: str, id_: str, body: Body) -> None:
        """Add an entry, or say another thing of it.

        Raises:
            PolicyError: no policy file can say that.
        """
        body = _sayable(body)
        name, fields = self._home(section, id_)
        content = plain(self._roots[name])
        content.setdefault(section, {})
        content[section] = {**(content[section] or {}), id_: body}
        if fields is not None and id_ in fields.entries:
            key, node = fields.entries[id_]
            self._write(name, self._replaced(name, fields, (key.start, node.end), {id_: body}), content)
        elif fields is not None and fields.entries:
            self._write(name, self._inserted(name, fields, {id_: body}), content)
        else:
            self._write(name, self._begun(name, section, {id_: body}), content)

    def drop(self, section: str, id_: str) -> None:
        """Take an entry away; nothing happens where there is none."""
        for name, fields in list(self._having(section)):
            if id_ in fields.entries:
                content = plain(self._roots[name])
                del content[section][id_]
                if not content[section]:
                    del content[section]
                    key, node = self._roots[name].entries[section]
                    self._write(name, self._cut(name, self._roots[name], (key.start, node.end)), content)
                else:
                    key, node = fields.entries[id_]
                    self._write(name, self._cut(name, fields, (key.start, node.end)), content)

    def drop_whole(self, name: str) -> None:
        """Take away what stands under a name at the top of a file."""
        for source, root in list(self._roots.items()):
            if name in root.entries:
                content = plain(root)
                del content[name]
                key, node = root.entries[name]
                self._write(source, self._cut(source, root, (key.start, node.end)), content)

    def _having(self, section: str) -> Iterator[tuple[str, Fields]]:
        for name, root in self._roots.items():
            node = root.entries[section][1] if section in root.entries else None
            if isinstance(node, Fields):
                yield name, node

    def _home(self, section: str, id_: str) -> tuple[str, Fields | None]:
        """The file that has an entry, or the one to put it in: where its like stand, else the one that begins the policy."""
        having = list(self._having(section))
        for name, fields in having:
            if id_ in fields.entries:
                return name, fields
        if having:
            return next((each for each in having if each[1].entries), having[0])
        first = next((name for name, root in self._roots.items() if "jurat" in root.entries), next(iter(self._roots)))
        return first, None

    def _write(self, name: str, text: str, content: Mapping[str, Body]) -> None:
        if _says(name, text) != content:
            text = emit(content).text
            _check(name, text, content)
        self.files[name] = text
        self._roots[name] = _root(name, text)

    def _replaced(self, name: str, parent: Fields, extent: tuple[int, int], entry: dict[str, Body]) -> str:
        text, (start, end) = self.files[name], extent
        return text[:start] + self._laid_out(name, parent, start, entry) + text[end:]

    def _inserted(self, name: str, parent: Fields, entry: dict[str, Body]) -> str:
        text = self.files[name]
        last = max(node.end for _, node in parent.entries.values())
        if _in_brackets(text, parent):
            return f"{text[:last]}, {_flow(entry)[1:-1]}{text[last:]}"
        first = min(key.start for key, _ in parent.entries.values())
        end = _end_of_line(text, last)
        pad = " " * self._column(name, first)
        return f"{text[:end]}\n{pad}{self._laid_out(name, parent, first, entry)}{text[end:]}"

    def _begun(self, name: str, section: str, entry: dict[str, Body]) -> str:
        text, root = self.files[name], self._roots[name]
        if section in root.entries:
            key, node = root.entries[section]
            return (
                text[: key.start] + emit({section: entry}).text.rstrip("\n") + text[max(node.end, _colon(text, key)) :]
            )
        return f"{text.rstrip()}\n{emit({section: entry}).text}"

    def _cut(self, name: str, parent: Fields, extent: tuple[int, int]) -> str:
        text, (start, end) = self.files[name], extent
        if len(parent.entries) == 1:
            return text[:start] + "{}" + text[end:]
        if _in_brackets(text, parent):
            after = text[end:].lstrip()
            if after.startswith(","):
                return text[:start] + after[1:].lstrip()
            return text[:start].rstrip().removesuffix(",") + text[end:]
        line = text.rfind("\n", 0, start) + 1
        return text[:line] + text[_end_of_line(text, end) + 1 :]

    def _laid_out(self, name: str, parent: Fields, start: int, entry: dict[str, Body]) -> str:
        """An entry as it stands from an index on: on lines of its own, or in the brackets of its parent."""
        if _in_brackets(self.files[name], parent):
            return _flow(entry)[1:-1]
        pad = "\n" + " " * self._column(name, start)
        return pad.join(emit(entry).text.rstrip("\n").split("\n"))

    def _column(self, name: str, index: int) -> int:
        return index - (self.files[name].rfind("\n", 0, index) + 1)


def _root(name: str, text: str) -> Fields:
    root = parse(Source(name, text), Faults(), Budget())
    if not isinstance(root, Fields):
        raise InternalError(f"the file `{name}` of the policy in effect cannot be read")
    return root


def _says(name: str, text: str) -> Body:
    root = parse(Source(name, text), Faults(), Budget())
    return None if root is None else plain(root)


def _check(name: str, text: str, content: Mapping[str, Body]) -> None:
    """Refuse what cannot be read back.

    Raises:
        PolicyError: it cannot.
    """
    faults = Faults()
    parse(Source(name, text), faults, Budget())
    if faults:
        raise PolicyError(faults.found)
    if _says(name, text) != content:
        raise PolicyError([_unsayable("something in it")])


def _sayable(value: Body, depth: int = 0) -> Body:
    """A value of JSON as a policy file has it: fractions are exact.

    Raises:
        PolicyError: it cannot have it.
    """
    if depth > DEPTH:
        raise PolicyError([_unsayable(f"more than {DEPTH} levels")])
    if isinstance(value, Mapping):
        return {str(key): _sayable(each, depth + 1) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_sayable(each, depth + 1) for each in value]
    if isinstance(value, float):
        if not math.isfinite(value):
            raise PolicyError([_unsayable(f"`{value}`")])
        return Decimal(repr(value))
    return value


def _unsayable(what: str) -> Diagnostic:
    return Diagnostic(NOWHERE, "P307", f"{what} cannot be written in a policy file")


def plain(node: Node) -> Body:
    """What a piece of a file says."""
    if isinstance(node, Fields):
        return {key: plain(value) for key, (_, value) in node.entries.items()}
    if isinstance(node, Items):
        return [plain(each) for each in node.items]
    assert isinstance(node, Scalar)
    return node.value


def _in_brackets(text: str, node: Fields) -> bool:
    return text[node.start : node.start + 1] == "{"


def _end_of_line(text: str, index: int) -> int:
    found = text.find("\n", index)
    return len(text) if found < 0 else found


def _colon(text: str, key: Scalar) -> int:
    return text.index(":", key.end) + 1


def _flow(value: Body) -> str:
    """A value on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_flow(key)}: {_flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        return show_decimal(value)
    text = str(value)
    return text if ID.fullmatch(text) and not _looks_otherwise(text) else json.dumps(text, ensure_ascii=False)


def _looks_otherwise(text: str) -> bool:
    """Whether a plain text would be read as a number, a truth value or nothing."""
    return text[0].isdigit() or text.lower() in ("true", "false", "null", "yes", "no", "on", "off", "y", "n")


ONLY = "agent"
"""The id of the single agent of a policy that says `agent`."""


def agents_of(text: PolicyText) -> dict[str, Body]:
    """What the policy says of its agents, by id."""
    single = text.whole(ONLY)
    return {ONLY: single, **text.section("agents")} if single is not None else text.section("agents")


def listed(value: Body) -> list[Body]:
    """A list of a policy file, which may be left out."""
    return value if isinstance(value, list) else [] if value is None else [value]

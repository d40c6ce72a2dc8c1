"""Changes to a policy's files that keep comments, order and layout: text is inserted, nothing is written anew.

Each change is checked twice before anything is written: read as plain YAML, the new file differs from the old by that change
and nothing else; and the policy still reads.
"""

from __future__ import annotations

import difflib
import io
import json
import os
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from jurat.policies import JuratError, PolicyError, PolicyGraph, load

Data = Any
"""Plain YAML; what was read has every scalar as text, what is written may have numbers, truth values and nothing too."""


class EditRefused(JuratError):
    """A change cannot be made; the text is one sentence, and the files are as they were."""


@dataclass(frozen=True, slots=True)
class Put:
    """Set ``key`` of the mapping at ``path``; what is missing on the way is made. It must not be there unless ``over``."""

    path: tuple[str, ...]
    key: str
    value: Data
    over: bool = False


@dataclass(frozen=True, slots=True)
class Append:
    """Add an item to the list at ``path``; one that is missing is made, and a single text becomes a list."""

    path: tuple[str, ...]
    item: Data


@dataclass(frozen=True, slots=True)
class Remove:
    """Take ``key`` out of the mapping at ``path``, where it must be. Comments stay."""

    path: tuple[str, ...]
    key: str


Edit = Put | Append | Remove


class PolicyFiles:
    """The files of a policy, with changes that are not written yet."""

    def __init__(self, path: str, graph: PolicyGraph) -> None:
        """``graph`` is what the files at ``path`` say now."""
        self._path = Path(path)
        self._before = {source: _read(Path(source)) for source in graph.policy.sources}
        self._texts = dict(self._before)
        self.graph = graph

    def change(self, edits: Iterable[tuple[str, Edit]]) -> PolicyGraph:
        """Make changes, each in the file of that name; the policy as it reads then.

        Raises:
            EditRefused: no place for one of them was found, or the policy would no longer read; nothing is changed.
        """
        texts = dict(self._texts)
        for source, edit in edits:
            texts[source] = _edited(source, texts[source], edit)
        self.graph = self._policy(texts)
        self._texts = texts
        return self.graph

    def home(self, path: Sequence[str], otherwise: str = "") -> str:
        """The file that says something at a path, or the one to start it in; by default that of the policy's start."""
        having = (source for source, text in self._texts.items() if _says(_plain(text), path))
        return next(having, otherwise or next(iter(self._texts)))

    def said(self, path: Sequence[str]) -> Data:
        """What the files say at a path, as plain YAML; None where they say nothing."""
        for text in self._texts.values():
            found = _plain(text)
            if _says(found, path):
                for key in path:
                    found = found[key]
                return found
        return None

    def preview(self, edits: Iterable[tuple[str, Edit]]) -> str:
        """What changes would do to the files, as a unified diff; whether the policy would read is not looked at.

        Raises:
            EditRefused: no place for one of them was found.
        """
        texts = dict(self._texts)
        for source, edit in edits:
            texts[source] = _edited(source, texts[source], edit)
        return "".join(_diff(source, text, texts[source]) for source, text in self._texts.items())

    def patch(self) -> str:
        """What has changed since the policy was read or written, as a unified diff."""
        return "".join(_diff(source, text, self._texts[source]) for source, text in self._before.items())

    def write(self) -> None:
        """Write what has changed and read the policy again; where it does not read, everything is put back.

        Raises:
            EditRefused: it could not be read again, or somebody else has changed a file meanwhile.
        """
        changed = [source for source, text in self._before.items() if self._texts[source] != text]
        for source in changed:
            if _read(Path(source)) != self._before[source]:
                raise EditRefused(f"`{source}` has changed since it was read; nothing was written")
        try:
            for source in changed:
                _write(Path(source), self._texts[source])
            load(self._path)
        except (OSError, PolicyError) as error:
            for source in changed:
                _write(Path(source), self._before[source])
            raise EditRefused(f"the change was taken back: {_first(error)}") from error
        self._before = dict(self._texts)

    def _policy(self, texts: Mapping[str, str]) -> PolicyGraph:
        """The policy as these texts say it, read from a copy."""
        places = {source: Path(source).absolute() for source in texts}
        root = Path(os.path.commonpath([self._path.absolute(), *places.values()]))
        root = root.parent if root.is_file() else root
        with tempfile.TemporaryDirectory(prefix="jurat-") as folder:
            for source, place in places.items():
                copy = Path(folder) / place.relative_to(root)
                copy.parent.mkdir(parents=True, exist_ok=True)
                _write(copy, texts[source])
            try:
                return load(Path(folder) / self._path.absolute().relative_to(root))
            except PolicyError as error:
                raise EditRefused(f"the policy would no longer read: {_first(error)}") from error


def _first(error: Exception) -> str:
    return error.diagnostics[0].message if isinstance(error, PolicyError) else str(error)


def _read(path: Path) -> str:
    with path.open(encoding="utf-8", newline="") as file:
        return file.read()


def _write(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(text)


def _diff(source: str, before: str, after: str) -> str:
    name = _label(source)
    lines = difflib.unified_diff(_lines(before), _lines(after), f"a/{name}", f"b/{name}")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _edited(source: str, text: str, edit: Edit) -> str:
    """As :func:`edited`, with the file's name in the sentence of a refusal."""
    try:
        return edited(text, edit)
    except EditRefused as reason:
        raise EditRefused(f"`{source}`: {reason}") from None


def _lines(text: str) -> list[str]:
    """As `patch` counts them, which knows no other line ends; those of Windows stay."""
    return list(io.StringIO(text, newline="\n"))


def _label(source: str) -> str:
    """How `patch -p1` finds a file: from this folder, or from the root if the file is not below this folder."""
    place = Path(os.path.abspath(source))  # noqa: PTH100 - `resolve` would follow links
    below = place.is_relative_to(Path.cwd())
    return (place.relative_to(Path.cwd()) if below else place.relative_to(place.anchor)).as_posix()


def edited(text: str, edit: Edit) -> str:
    """A file's text with a change, laid out as its neighbours are.

    Raises:
        EditRefused: no place for it was found.
    """
    root = yaml.compose(text, Loader=yaml.CSafeLoader)
    if not isinstance(root, yaml.MappingNode):
        raise EditRefused("the file is not a mapping")
    place = _Text(text)
    changed = _changed(place, root, edit)
    if _same(_plain(changed)) != _same(_expected(_plain(text), edit)):
        raise EditRefused(
            f"no place for `{'.'.join(edit.path)}` was found in the file's layout; please write it yourself"
        )
    return changed


def _changed(place: _Text, root: yaml.MappingNode, edit: Edit) -> str:
    if isinstance(edit, Remove):
        return _remove(place, root, edit)
    return _put(place, root, edit) if isinstance(edit, Put) else _append(place, root, edit)


def _same(data: Data) -> Data:
    """The data without a difference between the ways to say nothing."""
    if isinstance(data, dict):
        return {key: _same(each) for key, each in data.items()} or ""
    return [_same(each) for each in data] or "" if isinstance(data, list) else data


def home_among(texts: Mapping[str, str], path: Sequence[str]) -> str:
    """Of files by name the one that says something at a path, else the one that says something nearest to it, else the first."""
    for length in range(len(path), 0, -1):
        having = next((name for name, text in texts.items() if _says(_plain(text), path[:length])), None)
        if having is not None:
            return having
    return next(iter(texts))


def _plain(text: str) -> Data:
    try:
        return yaml.load(text, Loader=yaml.CBaseLoader)  # noqa: S506 - it makes texts, lists and mappings only
    except (yaml.YAMLError, ValueError):  # also what no file can hold, as half a character
        return None


def _expected(data: Data, edit: Edit) -> Data:
    """What the file has to say after the change, from what it said."""
    found = json.loads(json.dumps(data))  # what aliases share is written out, so that a change of both is noticed
    path = edit.path[:-1] if isinstance(edit, Append) else edit.path
    here = found
    for key in path:
        if not here.get(key):
            here[key] = {}
        here = here[key]
        if not isinstance(here, dict):
            raise EditRefused(f"`{key}` is no mapping, so nothing can be added to it")
    if isinstance(edit, Put):
        here[edit.key] = _as_texts(edit.value)
    elif isinstance(edit, Remove):
        if edit.key not in here:
            raise EditRefused(f"there is no `{'.'.join((*edit.path, edit.key))}`")
        del here[edit.key]
    else:
        listed = here.get(edit.path[-1]) or []
        here[edit.path[-1]] = [*(listed if isinstance(listed, list) else [listed]), edit.item]
    return found


def _as_texts(value: Data) -> Data:
    """A value as it is read, every scalar a text."""
    if isinstance(value, dict):
        return {key: _as_texts(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_as_texts(each) for each in value]
    return value if isinstance(value, str) else flow(value)


class _Text:
    """A text by line and column."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.newline = "\r\n" if "\r\n" in text else "\n"
        self._starts = [0]
        for line in text.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))

    def offset(self, mark: yaml.Mark) -> int:
        """Where a mark is."""
        return self._starts[mark.line] + mark.column

    def end(self, node: yaml.Node) -> int:
        """Where a node's own text ends, without the empty lines and comments that follow."""
        if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
            last = node.value[-1]
            return self.end(last[1] if isinstance(last, tuple) else last)
        offset = self.offset(node.end_mark)
        start = self.offset(node.start_mark)
        return start + len(self.text[start:offset].rstrip()) if isinstance(node, yaml.ScalarNode) else offset

    def inserted(self, offset: int, text: str) -> str:
        """The text with another one put in."""
        return self.text[:offset] + text + self.text[offset:]

    def line_after(self, node: yaml.Node, column: int, text: str) -> str:
        """The text with a line put in after the last line of a node."""
        end = self.end(node)
        broken = re.compile(r"\r?\n|\Z").search(self.text, end)
        assert broken is not None
        return self.inserted(broken.start(), f"{self.newline}{' ' * column}{text}")


def _put(place: _Text, root: yaml.MappingNode, edit: Put) -> str:
    node, missing = _found(root, edit.path)
    value: Data = edit.value
    old = None if missing else _get(node, edit.key)
    if old is not None and not _unsaid(old):
        if not edit.over:
            raise EditRefused(f"`{'.'.join((*edit.path, edit.key))}` is there already")
        start = place.offset(old.start_mark)
        return place.text[:start] + flow(value) + place.text[place.end(old) :]
    for key in reversed((*missing, edit.key)[1:]):
        value = {key: value}
    return _entry(place, node, (*missing, edit.key)[0], value)


def _remove(place: _Text, root: yaml.MappingNode, edit: Remove) -> str:
    node, missing = _found(root, edit.path)
    entries = [] if missing else node.value
    number = next((n for n, (name, _) in enumerate(entries) if name.value == edit.key), None)
    if number is None:
        raise EditRefused(f"there is no `{'.'.join((*edit.path, edit.key))}`")
    key, value = entries[number]
    start, end = place.offset(key.start_mark), max(place.end(key) + 1, place.end(value))
    if not node.flow_style:  # whole lines
        start = place.text.rfind("\n", 0, start) + 1
        end = place.text.find("\n", end) + 1 or len(place.text)
    elif number + 1 < len(entries):
        end = place.offset(entries[number + 1][0].start_mark)
    elif number:
        start = place.end(entries[number - 1][1])
    return place.text[:start] + place.text[end:]


def _append(place: _Text, root: yaml.MappingNode, edit: Append) -> str:
    node, missing = _found(root, edit.path[:-1])
    listed = None if missing else _get(node, edit.path[-1])
    if listed is None or _empty(listed):
        return _put(place, root, Put(edit.path[:-1], edit.path[-1], [edit.item], over=True))
    if isinstance(listed, yaml.ScalarNode):
        start, end = place.offset(listed.start_mark), place.end(listed)
        return f"{place.text[:start]}[{place.text[start:end]}, {flow(edit.item)}]{place.text[end:]}"
    if not isinstance(listed, yaml.SequenceNode):
        raise EditRefused(f"`{'.'.join(edit.path)}` is no list")
    if listed.flow_style:
        return _into(place, listed, flow(edit.item))
    return place.line_after(listed.value[-1], listed.start_mark.column, f"- {flow(edit.item)}")


def _found(root: yaml.MappingNode, path: Sequence[str]) -> tuple[yaml.MappingNode, tuple[str, ...]]:
    """The innermost mapping on a path, and the keys that are missing from there."""
    node = root
    for place, key in enumerate(path):
        inner = _get(node, key)
        if not isinstance(inner, yaml.MappingNode):
            return node, tuple(path[place:])
        node = inner
    return node, ()


def _get(node: yaml.MappingNode, key: str) -> yaml.Node | None:
    return next((value for name, value in node.value if name.value == key), None)


def _empty(node: yaml.Node) -> bool:
    return not node.value and (not isinstance(node, yaml.ScalarNode) or not node.style)


def _unsaid(node: yaml.Node) -> bool:
    """Whether a key stands there without a value."""
    return isinstance(node, yaml.ScalarNode) and _empty(node)


def _says(data: Data, path: Sequence[str]) -> bool:
    for key in path:
        if not isinstance(data, dict) or key not in data:
            return False
        data = data[key]
    return True


def _entry(place: _Text, node: yaml.MappingNode, key: str, value: Data) -> str:
    """A mapping with one more entry; a key without a value gets this one."""
    old = _get(node, key)
    if old is not None and _unsaid(old):
        name = next(name for name, _ in node.value if name.value == key)
        return place.inserted(place.text.index(":", place.end(name)) + 1, f" {flow(value)}")
    if node.flow_style:
        return _into(place, node, f"{flow(key)}: {flow(value)}")
    column = node.value[0][0].start_mark.column
    if column == 0 and isinstance(value, list | dict):
        lines = [f"- {flow(item)}" for item in value] if isinstance(value, list) else _entries(value)
        return place.line_after(node, 0, place.newline.join([f"{flow(key)}:", *(f"  {line}" for line in lines)]))
    return place.line_after(node, column, f"{flow(key)}: {flow(value)}")


def _entries(value: Mapping[str, Data]) -> list[str]:
    return [f"{flow(key)}: {flow(inner)}" for key, inner in value.items()]


def _into(place: _Text, node: yaml.CollectionNode, text: str) -> str:
    """A collection in brackets with one more member at its end."""
    if not node.value:
        return place.inserted(place.offset(node.start_mark) + 1, text)
    last = node.value[-1]
    return place.inserted(place.end(last[1] if isinstance(last, tuple) else last), f", {text}")


_PLAIN = re.compile(r"[A-Za-z_](?:[\w ./%+-]*[\w%])?")
_NOT_TEXT = frozenset({"true", "false", "null", "yes", "no", "on", "off"})


def flow(value: Data) -> str:
    """A value on one line of YAML."""
    if isinstance(value, dict):
        return "{" + ", ".join(_entries(value)) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    if not isinstance(value, str):
        return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    if _PLAIN.fullmatch(value) and value.casefold() not in _NOT_TEXT:
        return str(value)
    return json.dumps(value, ensure_ascii=False)

"""All files of a policy as one: includes followed, sections joined, ids that stand twice reported."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from jurat.policies.diagnostics import Note
from jurat.policies.limits import FILES, INCLUDE_LEVELS, POLICY_BYTES
from jurat.policies.reader.faults import Faults
from jurat.policies.reader.files import policy_files, read_text, start_of
from jurat.policies.reader.nodes import Fields, Node, Scalar
from jurat.policies.reader.parse import Budget, parse
from jurat.policies.reader.shapes import entries_of, items_of, name_of, unknown_field, wrong
from jurat.policies.reader.source import Source
from jurat.policies.spans import Span

TEXT = "<text>"
"""The name of a policy that was given as text."""

VERSION = 1
MAPPINGS = {
    "agents": "an agent", "facts": "a fact", "constants": "a constant", "observations": "an observation",
    "events": "an event", "decisions": "a decision", "services": "a service", "tools": "a tool", "guidelines": "a guideline", "tags": "a tag",
    "journeys": "a journey", "replies": "a reply", "invariants": "an invariant", "goals": "a goal",
}  # fmt: skip
KEYS = ("jurat", "include", "agent", "axioms", *MAPPINGS)

Entries = dict[str, tuple[Scalar, Node]]


@dataclass
class Sections:
    """What the files say, section by section, by id; ``given`` are the sections that any file has.

    ``incomplete`` says that a section could not be read, and with it the names that it declares.
    """

    by_name: dict[str, Entries] = field(default_factory=lambda: {name: {} for name in MAPPINGS})
    axioms: list[Node] = field(default_factory=list)
    agent: Fields | None = None
    agent_key: Scalar | None = None
    given: set[str] = field(default_factory=set)
    sources: dict[str, str] = field(default_factory=dict)
    incomplete: bool = False

    def __getitem__(self, name: str) -> Entries:
        return self.by_name[name]


@dataclass(frozen=True, slots=True)
class _Step:
    """A file on the way to another one."""

    real: str
    name: str


def read_documents(where: str | os.PathLike[str] | Mapping[str, str], faults: Faults) -> Sections:
    """Every file of a policy, joined."""
    documents = _Documents(faults, where if isinstance(where, Mapping) else None)
    if isinstance(where, Mapping):
        documents.texts(where)
    elif not _is_given(where):
        faults.place(start_of(TEXT), "P101", "a policy is read from a path or a text, and this is neither")
    elif isinstance(where, str) and is_text(where):
        documents.text(where)
    elif os.path.isdir(where):  # noqa: PTH112 - pathlib raises where this says no
        documents.folder(os.fspath(where))
    else:
        documents.file(os.fspath(where))
    return documents.sections


def _is_given(where: object) -> bool:
    """Whether a policy can be there: a text or a path, and no path in bytes."""
    return isinstance(where, str) or (isinstance(where, os.PathLike) and isinstance(os.fspath(where), str))


def is_text(where: str) -> bool:
    """Whether a string is a policy, not the path of one."""
    return not where.strip() or "\n" in where or where.lstrip("\ufeff").startswith("jurat:")


class _Documents:
    def __init__(self, faults: Faults, given: Mapping[str, str] | None = None) -> None:
        self.faults = faults
        self.given = given
        self.sections = Sections()
        self.budget = Budget()
        self.read: set[str] = set()
        self.headers: list[Scalar] = []
        self.bytes_left = POLICY_BYTES
        self._whole_folder = False

    def text(self, text: str) -> None:
        content = text.encode("utf-8", "surrogatepass")
        if len(content) > POLICY_BYTES:
            self._too_large(start_of(TEXT))
            return
        self._take(Source(TEXT, text.removeprefix("\ufeff")), ())
        self._check_header(TEXT)

    def texts(self, files: Mapping[str, str]) -> None:
        for name in files:
            self._open(os.path.normpath(name), (), None, "")
        if files:
            self._check_header(next(iter(files)))
        else:
            self.faults.place(
                start_of(TEXT), "P109", "there are no policy files", help="a policy starts with `jurat: 1`"
            )

    def file(self, path: str) -> None:
        self._open(path, (), None, "")
        self._check_header(path)

    def folder(self, path: str) -> None:
        files = policy_files(path, self.faults)
        self._whole_folder = True
        for each in files:
            self._open(each, (), None, "")
        if files:
            self._check_header(files[0])

    def _check_header(self, name: str) -> None:
        if not self.headers and not self.faults:
            message = "a policy starts with the line `jurat: 1`, which is missing"
            self.faults.place(start_of(name), "P110", message, help="add `jurat: 1`")

    def _open(self, path: str, chain: tuple[_Step, ...], place: Span | None, quote: str) -> None:
        real = os.path.realpath(path) if "\0" not in path and self.given is None else path
        if any(step.real == real for step in chain):
            names = [step.name for step in chain[next(n for n, s in enumerate(chain) if s.real == real) :]]
            circle = " -> ".join(f"`{name}`" for name in (*names, path))
            message = f"files include each other in a circle: {circle}"
            self.faults.place(place or start_of(path), "P108", message, quote=quote)
        elif len(chain) > INCLUDE_LEVELS:
            message = f"more than {INCLUDE_LEVELS} includes in a chain"
            self.faults.place(place or start_of(path), "P108", message, quote=quote)
        elif len(self.read) == FILES:
            self.read.add(real)
            self.faults.place(place or start_of(path), "P102", f"the policy has more than {FILES} files", quote=quote)
        elif real not in self.read and len(self.read) < FILES and not self._is_full:
            self.read.add(real)
            if source := self._source(path, place, quote):
                self._take(source, (*chain, _Step(real, path)))

    def _source(self, path: str, place: Span | None, quote: str) -> Source | None:
        """A file's text, from the disk, or from the texts that were given and from nowhere else."""
        if self.given is None:
            return read_text(path, self.faults, place, quote)
        text = next((text for name, text in self.given.items() if os.path.normpath(name) == path), None)
        if text is None:
            self.faults.place(place or start_of(path), "P101", f"`{path}` is not among the files given", quote=quote)
            return None
        return Source(path, text.removeprefix("\ufeff"))

    @property
    def _is_full(self) -> bool:
        """Whether a limit of the whole policy was passed, which is said once and ends the reading."""
        return self.budget.left < 0 or self.bytes_left < 0

    def _take(self, source: Source, chain: tuple[_Step, ...]) -> None:
        self.bytes_left -= len(source.text.encode("utf-8", "surrogatepass"))
        if self.bytes_left < 0:
            self._too_large(start_of(source.name))
            return
        self.sections.sources[source.name] = source.text
        root = parse(source, self.faults, self.budget)
        if root is None:
            return
        if not isinstance(root, Fields):
            wrong(self.faults, root, "a policy is a mapping that starts with `jurat: 1`")
            return
        if self._whole_folder and "openapi" in root.entries and "jurat" not in root.entries:
            return  # the document of a service, which stands beside the policy
        for key, value in root.entries.values():
            self._section(key, value, chain)

    def _too_large(self, place: Span) -> None:
        limit = POLICY_BYTES // (1024 * 1024)
        self.faults.place(place, "P102", f"the policy has more than {limit} MiB, which is the most it can have")

    def _section(self, key: Scalar, value: Node, chain: tuple[_Step, ...]) -> None:
        name = key.text
        self.sections.given.add(name)
        if name == "jurat":
            self._header(key, value)
        elif name == "include":
            self._includes(key, value, chain)
        elif name == "axioms":
            self.sections.axioms += items_of(self.faults, value, "`axioms`")
        elif name == "agent":
            self._agent(key, value)
        elif name in MAPPINGS:
            self._join(name, value)
        else:
            unknown_field(self.faults, key, KEYS, "a policy")

    def _header(self, key: Scalar, value: Node) -> None:
        self.headers.append(key)
        if not isinstance(value, Scalar) or type(value.value) is not int or value.value != VERSION:
            message = f"this program reads version {VERSION} of the policy language, not `{value.quote}`"
            self.faults.at(value, "P110", message, help=f"write `jurat: {VERSION}`")

    def _agent(self, key: Scalar, value: Node) -> None:
        first = self.sections.agent_key
        if first is not None:
            note = Note(first.span, "first given here")
            self.faults.at(key, "P304", "`agent` is given twice; several agents stand under `agents`", related=[note])
        elif not isinstance(value, Fields):
            wrong(self.faults, value, "`agent` is a mapping", "write `agent: {name: …}`")
        else:
            self.sections.agent, self.sections.agent_key = value, key

    def _join(self, name: str, value: Node) -> None:
        section = self.sections[name]
        for key, entry in entries_of(self.faults, value, f"`{name}`"):
            if key.text in section:
                report_twice(self.faults, key, MAPPINGS[name], section[key.text][0])
            else:
                section[key.text] = (key, entry)

    def _includes(self, key: Scalar, value: Node, chain: tuple[_Step, ...]) -> None:
        del key
        folder = os.path.dirname(chain[-1].name) if chain else ""  # noqa: PTH120
        for item in items_of(self.faults, value, "`include`"):
            name = name_of(self.faults, item, "each item of `include`")
            if name is None:
                continue
            path = os.path.normpath(os.path.join(folder, name))  # noqa: PTH118
            if self.given is None and "\0" not in path and Path(path).is_dir():
                self.faults.at(item, "P101", f"`{path}` is a folder; includes name files")
            else:
                self._open(path, chain, item.span, item.quote)


def report_twice(faults: Faults, key: Scalar, what: str, first: Scalar) -> None:
    """Report an id that two things of one kind have."""
    note = Note(first.span, "first given here")
    faults.at(key, "P304", f"`{key.text}` names {what} twice", related=[note])

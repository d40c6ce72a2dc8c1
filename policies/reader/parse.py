"""YAML text to nodes, without recursion and within limits, on PyYAML's C parser where it is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import yaml

from jurat.policies.diagnostics import Diagnostic, Note
from jurat.policies.limits import NESTING_LEVELS, NODES
from jurat.policies.reader.faults import Faults
from jurat.policies.reader.nodes import Fields, Items, Node, Scalar
from jurat.policies.reader.source import Source

_ADVICE = (
    ("mapping values are not allowed", "quote a text that has `: ` in it, or check the indentation"),
    ("character that cannot start any token", "tabs cannot indent; quote a text that starts with `@`, `` ` `` or `%`"),
    ("expected <document start>", "check the indentation"),
    ("unknown escape character", "use single quotes, where `\\` stands for itself"),
    ("unexpected end of stream", "a quote is not closed"),
    ("expected ',' or", "close the bracket, and inside of brackets quote what has `,`, `[`, `]`, `{` or `}` in it"),
    ("alphabetic or numeric character", "quote a text that starts with `*` or `&`"),
    ("could not find expected ':'", "write `name: value`; a long text can follow `|` on its own lines"),
    ("did not find expected '-' indicator", "check the indentation"),
    ("did not find expected key", "check the indentation; a text that starts with a quote must end with one"),
)

_REFUSED = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
"""What YAML holds for unprintable, and a byte order mark that is not at the start of the file."""


class Budget:
    """The nodes that a policy may still have, over all its files."""

    def __init__(self, nodes: int = NODES) -> None:
        self.left = nodes


class _Refused(Exception):
    """The file cannot be used; carries why."""

    def __init__(self, source: Source, extent: tuple[int, int], code: str, message: str, advice: str = "") -> None:
        self.diagnostic = Diagnostic(source.span(*extent), code, message, source.quote(*extent), advice)
        super().__init__(message)


def parse(source: Source, faults: Faults, budget: Budget) -> Node | None:
    """The one document of a text, or None with a fault when there is none or it cannot be used."""
    builder = _Builder(source, faults, budget)
    try:
        for event in _events(source):
            builder.take(event)
    except _Refused as refused:
        faults.add(refused.diagnostic)
        return None
    if builder.root is None or (isinstance(builder.root, Scalar) and builder.root.empty):
        faults.place(source.span(0, 0), "P109", "the file is empty", help="a policy starts with `jurat: 1`")
        return None
    return builder.root


def _events(source: Source) -> Iterator[Any]:
    if refused := _REFUSED.search(source.text):
        index = refused.start()
        raise _Refused(source, (index, index + 1), "P103", _not_allowed(refused))
    try:
        yield from _raw_events(source.text)
    except yaml.MarkedYAMLError as error:
        raise _malformed(source, error) from error


def _not_allowed(refused: re.Match[str]) -> str:
    return f"the character U+{ord(refused.group()):04X} is not allowed in a policy"


def _raw_events(text: str) -> Iterator[Any]:
    parser = _parser(text)
    while parser.check_event():
        yield parser.get_event()


def _parser(text: str) -> Any:
    """The parser of libyaml, or the one in Python where PyYAML came without it."""
    try:
        from yaml._yaml import CParser
    except ImportError:
        return yaml.SafeLoader(text)
    return CParser(text)


def _malformed(source: Source, error: yaml.MarkedYAMLError) -> _Refused:
    problem, context = error.problem or "it cannot be parsed", error.context or ""
    open_ended = "end of stream" in problem
    mark = (error.context_mark if open_ended else error.problem_mark) or error.problem_mark or error.context_mark
    index = min(mark.index, len(source.text)) if mark else 0
    advice = next((text for part, text in _ADVICE if part in f"{problem}, {context}"), "")
    where = f", {context}" if context and problem != context else ""
    opening = _open_bracket(source.text) if "flow" in context and not open_ended else None
    if (
        opening is not None and not source.text[index:].strip()
    ):  # the file ends in it, and nothing stands there to look at
        index, opening, advice = opening, None, advice or "close the bracket"
    refused = _Refused(source, (index, index + 1), "P104", f"malformed YAML: {problem}{where}", advice)
    if opening is not None:
        note = Note(source.span(opening, opening + 1), "the bracket opens here")
        refused.diagnostic = replace(refused.diagnostic, related=(note,))
    return refused


def _open_bracket(text: str) -> int | None:
    """Where the last bracket opens that is not closed before the parser gives up."""
    opened: list[Any] = []
    with suppress(yaml.MarkedYAMLError):
        for event in _raw_events(text):
            if isinstance(event, yaml.CollectionStartEvent):
                opened.append(event)
            elif isinstance(event, yaml.CollectionEndEvent):
                opened.pop()
    places = [event.start_mark.index for event in opened if event.flow_style]
    return places[-1] if places else None


class _Open:
    """A list or mapping whose end has not come yet."""

    __slots__ = ("key", "node")

    def __init__(self, node: Items | Fields) -> None:
        self.node = node
        self.key: Scalar | None = None


class _Builder:
    """Takes events one by one; ``root`` is the document."""

    def __init__(self, source: Source, faults: Faults, budget: Budget) -> None:
        self.source, self.faults, self.budget = source, faults, budget
        self.root: Node | None = None
        self.open: list[_Open] = []
        self.anchors: dict[str, Node] = {}
        self.documents = 0

    def take(self, event: Any) -> None:
        kind = type(event)
        if kind is yaml.ScalarEvent:
            self._scalar(event)
        elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
            self._start(event)
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            self._end(event)
        elif kind is yaml.AliasEvent:
            self._alias(event)
        elif kind is yaml.DocumentStartEvent:
            self._document(event)

    def _scalar(self, event: Any) -> None:
        self._refuse_tag(event)
        start, end, style = event.start_mark.index, event.end_mark.index, event.style or ""
        if style in "|>" and style:
            end = start + len(self.source.text[start:end].rstrip())
        node = Scalar(self.source, start, end, event.value, style)
        self._spend(node)
        if refused := _REFUSED.search(node.text):  # an escape in quotes can name what the file itself cannot hold
            self.faults.at(node, "P103", _not_allowed(refused))
        if event.anchor:
            self.anchors[event.anchor] = node
        self._place(node)

    def _start(self, event: Any) -> None:
        self._refuse_tag(event)
        start, end = event.start_mark.index, event.end_mark.index
        node: Items | Fields
        if isinstance(event, yaml.SequenceStartEvent):
            node = Items(self.source, start, end, [])
        else:
            node = Fields(self.source, start, end, {})
        self._spend(node)
        if len(self.open) >= NESTING_LEVELS:
            raise _Refused(self.source, (start, start + 1), "P107", f"more than {NESTING_LEVELS} levels of nesting")
        if event.anchor:
            self.anchors[event.anchor] = node
        self.open.append(_Open(node))

    def _end(self, event: Any) -> None:
        node = self.open.pop().node
        if event.end_mark.index > event.start_mark.index:  # a closing bracket; a block ends where its last part does
            node.end = event.end_mark.index
        self._place(node)

    def _alias(self, event: Any) -> None:
        start, end, name = event.start_mark.index, event.end_mark.index, event.anchor
        node = self.anchors.get(name)
        if node is None:
            advice = self.faults.near_miss(name, self.anchors) or "quote a text that starts with `*`"
            raise _Refused(self.source, (start, end), "P104", f"no anchor `&{name}` stands before `*{name}`", advice)
        if any(each.node is node for each in self.open):
            raise _Refused(self.source, (start, end), "P107", f"`*{name}` stands inside of what it names")
        self.budget.left -= node.weight
        if self.budget.left < 0:
            message = f"with `*{name}` written out the policy has more than {NODES} keys and values"
            raise _Refused(self.source, (start, end), "P107", message)
        self._place(node, start, end)

    def _document(self, event: Any) -> None:
        self.documents += 1
        if self.documents > 1:
            start, end = event.start_mark.index, event.end_mark.index
            message = "a second document starts here; a policy file has one"
            raise _Refused(self.source, (start, end), "P106", message, "put it into a file of its own")

    def _place(self, node: Node, start: int = -1, end: int = -1) -> None:
        """Put a finished node where it belongs; an alias has an extent of its own."""
        if not self.open:
            self.root = node
            return
        top = self.open[-1]
        parent = top.node
        parent.weight += node.weight
        parent.end = max(parent.end, node.end if end < 0 else end)
        if isinstance(parent, Items):
            parent.items.append(node)
        elif top.key is None:
            top.key = self._key(node, start, end)
        else:
            parent.entries.setdefault(top.key.text, (top.key, node))
            top.key = None

    def _key(self, node: Node, start: int, end: int) -> Scalar:
        if not isinstance(node, Scalar):
            raise _Refused(self.source, (node.start, node.end), "P106", "a name cannot be a list or a mapping")
        key = node if start < 0 else Scalar(self.source, start, end, node.text, node.style)
        if key.text == "<<" and not key.style:
            message = "merge keys are not part of the policy language"
            raise _Refused(self.source, (key.start, key.end), "P106", message, "write the fields out")
        parent = self.open[-1].node
        first = parent.entries.get(key.text) if isinstance(parent, Fields) else None
        if first is not None:
            note = Note(first[0].span, "first given here")
            code, advice = ("P111", "join the two sections") if len(self.open) == 1 else ("P105", "")
            self.faults.at(key, code, f"`{key.text}` is given twice", help=advice, related=[note])
        return key

    def _refuse_tag(self, event: Any) -> None:
        if event.tag is not None:
            start, end = event.start_mark.index, event.end_mark.index
            written = re.match(r"\S*", self.source.text[start:end])
            name = written.group() if written else ""
            raise _Refused(self.source, (start, start + len(name)), "P106", f"the tag `{name}` is not accepted")

    def _spend(self, node: Node) -> None:
        self.budget.left -= node.weight
        if self.budget.left < 0:
            message = f"the policy has more than {NODES} keys and values"
            raise _Refused(self.source, (node.start, node.start + 1), "P107", message)

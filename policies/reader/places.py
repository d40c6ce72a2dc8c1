"""Where in a file each character of a scalar stands, so that a fault in a formula points at its very word."""

from __future__ import annotations

from jurat.policies.reader.nodes import Scalar
from jurat.policies.reader.source import LINE_BREAK
from jurat.policies.spans import Span

_SPACE = " \t\r\n\x85\u2028\u2029"


def span_inside(node: Scalar, start: int, end: int) -> Span:
    """The span of ``node.text[start:end]``; of the whole scalar where escapes hide which character is which."""
    raw = node.source.text[node.start : node.end]
    if raw == node.text:
        return node.source.span(node.start + start, node.start + end)
    indices = _aligned(node.text, raw, node.style)
    if indices is None or not indices:
        return node.span
    first = indices[min(start, len(indices) - 1)]
    last = indices[end - 1] + 1 if start < end <= len(indices) else first
    return node.source.span(node.start + first, node.start + max(first, last))


def _aligned(text: str, raw: str, style: str) -> list[int] | None:
    """For each character of the text its index in what was written; None where they do not correspond."""
    index = _content(raw, style)
    found: list[int] = []
    for char in text:
        if char not in _SPACE:
            index = _skip(raw, index, char, style)
            if index >= len(raw) or raw[index] != char:
                return None
        found.append(min(index, len(raw)))
        if char not in _SPACE or raw[index : index + 1] in _SPACE:
            index += 1
    return found


def _content(raw: str, style: str) -> int:
    """Where the text begins: after the quote, or on the line after ``|`` or ``>``."""
    if style in ("'", '"'):
        return 1
    header = LINE_BREAK.search(raw) if style else None
    return header.end() if header else 0


def _skip(raw: str, index: int, char: str, style: str) -> int:
    """The next index that is not space, nor the first half of an escaped character."""
    while index < len(raw) and raw[index] in _SPACE:
        index += 1
    if style == "'" and raw.startswith("''", index):
        return index + 1
    escaped = style == '"' and raw[index : index + 1] == "\\" and raw[index + 1 : index + 2] == char
    return index + 1 if escaped and char in '"\\/' else index

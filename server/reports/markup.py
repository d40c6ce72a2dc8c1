"""HTML put together from parts; whatever is not markup is escaped."""

from __future__ import annotations

import re
from html import escape

from rich.text import Text

_QUOTED = re.compile(r"`([^`]+)`")
_VOID = frozenset({"meta", "br"})


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


def el(tag: str, *children: str, **attributes: str | None) -> Html:
    """An element; ``class_`` is the attribute `class`, and an attribute that is None is left out."""
    given = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items() if value is not None}
    opening = "".join(f' {name}="{escape(value)}"' for name, value in given.items())
    return Html(f"<{tag}{opening}>" + ("" if tag in _VOID else f"{joined(*children)}</{tag}>"))


def joined(*children: str) -> Html:
    """Parts one after the other."""
    return Html("".join(each if isinstance(each, Html) else escape(each) for each in children))


def marked(text: str) -> Html:
    """Text of a finding; what stands in backticks is code."""
    return Html(_QUOTED.sub(r"<code>\1</code>", escape(text)))


def styled(text: Text, classes: dict[str, str]) -> Html:
    """Styled text; its styles do not overlap, and each has a class."""
    parts: list[str] = []
    end = 0
    for span in sorted(text.spans, key=lambda span: span.start):
        parts += [
            text.plain[end : span.start],
            el("span", text.plain[span.start : span.end], class_=classes.get(str(span.style))),
        ]
        end = span.end
    return joined(*parts, text.plain[end:])

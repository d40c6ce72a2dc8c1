"""A situation told as a short conversation, so that an author recognises it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from jurat.policies.graph import PolicyGraph
from jurat.policies.resolution import Resolution
from jurat.policies.types import Value
from jurat.policies.values import show_value

_SUBJECT = re.compile(r"^(the )?(customer|user|client|caller|guest|visitor)s?\s+", re.IGNORECASE)
_PHRASES = (
    (re.compile(r"^(asks|requests|wants) to (.+)"), r"I would like to \2"),
    (re.compile(r"^(asks for|requests|wants|demands) (.+)"), r"I would like \2"),
    (re.compile(r"^(asks|inquires|enquires) (about|into) (.+)"), r"I have a question about \3"),
    (re.compile(r"^asks (whether|if) (.+)"), r"I wonder \1 \2"),
    (re.compile(r"^(mentions|raises|brings up|reports|describes) (.+)"), r"It is about \2"),
    (re.compile(r"^is (.+)"), r"I am \1"),
    (re.compile(r"^has (.+)"), r"I have \1"),
    (re.compile(r"^(\w+?)s ([^.]+)"), r"I \1 \2"),
)


def narrate(graph: PolicyGraph, values: Mapping[str, Value], resolution: Resolution) -> tuple[tuple[str, str], ...]:
    """The situation as (speaker, line) pairs; what only the system knows stands in a line of its own."""
    observed = graph.vocabulary.observations
    known = [_known(graph, key, value) for key, value in values.items() if key not in observed]
    said = [
        ("customer", line_of(observed[key].text)) for key, value in values.items() if value is True and key in observed
    ]
    lines = [("system", "; ".join(known))] if known else []
    lines += said or [("customer", "…")]
    return (*lines, *(("agent", line) for line in _obliged(resolution)))


def _known(graph: PolicyGraph, key: str, value: Value) -> str:
    fact = graph.vocabulary.facts.get(key)
    if isinstance(value, bool) and fact is None:
        return f"{key} has happened" if value else f"{key} has not happened"
    return f"{key} is {show_value(value)}"


def _obliged(resolution: Resolution) -> list[str]:
    texts = [each.action.text for each in resolution.actions if each.action.kind == "instruct"]  # type: ignore[union-attr]  # instruct has a text
    return [f"({text[:1].lower()}{text[1:]})" for text in texts][:4]


def line_of(text: str) -> str:
    """What a customer might say of whom an observation is true: the alternative easiest to say, in the first person."""
    plain, found = text.strip().rstrip("."), ""
    rest = _SUBJECT.sub("", plain)
    if rest != plain:
        parts = re.split(r",? or (?=\w+s\b)", rest)
        said = (pattern.sub(form, part) for pattern, form in _PHRASES for part in parts if pattern.match(part))
        found = next(said, "")
    spoken = re.sub(r"\bthey\b", "I", re.sub(r"\btheir\b", "my", found))
    return f"{spoken}." if spoken else f"({plain[:1].lower()}{plain[1:]})"

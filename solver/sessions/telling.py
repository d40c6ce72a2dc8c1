"""A session told as a conversation, turn by turn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from jurat.policies.graph import PolicyGraph
from jurat.policies.types import Value
from jurat.policies.values import show_value
from jurat.solver.narration import line_of
from jurat.solver.sessions.happenings import OTHER
from jurat.solver.sessions.trace import Position

Line = tuple[str, str]


def told(graph: PolicyGraph, positions: Sequence[Position]) -> tuple[Line, ...]:
    """The positions as (speaker, line) pairs."""
    known: Mapping[str, Value] = {}
    lines: list[Line] = []
    for each in positions:
        lines += _lines(graph, each, known)
        known = each.facts
    return tuple(lines)


def _lines(graph: PolicyGraph, position: Position, known: Mapping[str, Value]) -> Iterator[Line]:
    kind, name = position.happening.kind, position.happening.name
    if kind in ("message", "event"):
        yield "system", f"turn {position.turn}" + _said("; ", _news(position, known))
        yield from _spoken(graph, position) if kind == "message" else [("system", f"{name} takes place")]
    elif kind == "call":
        given = ", ".join(f"{each} = {show_value(value)}" for each, value in sorted(position.arguments.items()))
        yield "agent", f"(calls {_tool(name)}" + (f" with {given})" if given else ")")
    elif kind == "reply":
        yield "agent", "(replies)"
    else:
        word = "succeeds" if kind == "success" else "fails"
        yield "tool", f"{_tool(name)} {word}" + _said("; ", _news(position, known))


def _spoken(graph: PolicyGraph, position: Position) -> Iterator[Line]:
    observed = graph.vocabulary.observations
    said = [line_of(observed[key].text) for key, value in sorted(position.observations.items()) if value is True]
    said += ["(something with personal data in it)"] if position.personal else []
    open_ = [observed[key].text for key, value in sorted(position.observations.items()) if value is None]
    yield from (("customer", each) for each in said or ["…"])
    if open_:
        yield "judge", "it is unknown whether: " + "; ".join(open_)


def _tool(name: str) -> str:
    return "a tool" if name == OTHER else name


def _news(position: Position, known: Mapping[str, Value]) -> list[str]:
    new = {path: value for path, value in position.facts.items() if path not in known or known[path] != value}
    lost = [f"{path} is absent now" for path in sorted(known.keys() - position.facts.keys())]
    return [*(f"{path} is {show_value(value)}" for path, value in sorted(new.items())), *lost]


def _said(joint: str, news: list[str]) -> str:
    return f"{joint}{joint.join(news)}" if news else ""

"""What an edit changes that no resolution shows: texts, implementations, and how the engine goes about things."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass

from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Guideline, Phrasing
from jurat.policies.spans import Span


def declared_changes(before: PolicyGraph, after: PolicyGraph) -> Iterator[str]:
    """Each change as a sentence; what only one policy has shows in what it does, or does nothing."""
    a, b = before.vocabulary, after.vocabulary
    yield from _changes("observation", a.observations, b.observations, ("text", "critical"))
    yield from _changes("event", a.events, b.events, ("text",))
    yield from _changes("fact", a.facts, b.facts, ("source",))
    yield from _changes("reply", a.replies, b.replies, ("text", "mode", "template", "agent"))
    tool = (
        "kind",
        "target",
        "consequential",
        "provides",
        "parameters",
        "description",
        "timeout",
        "idempotent",
        "retries",
    )
    service = ("kind", "command", "url", "document", "schema", "headers", "authentication", "environment")
    yield from _changes("service", a.services, b.services, service)
    yield from _changes("tool", a.tools, b.tools, tool)
    yield from _changes("journey", before.journeys, after.journeys, ("initial", "on_end", "phrasing"))
    for journey in sorted(before.journeys.keys() & after.journeys.keys()):
        states = before.journeys[journey].states, after.journeys[journey].states
        yield from _changes(f"state of `{journey}`", *states, ("kind", "phrasing"))
    yield from _agents(before, after)
    yield from _extras(before.guidelines.values(), after.guidelines.values())


def _changes(what: str, old: Mapping[str, object], new: Mapping[str, object], parts: tuple[str, ...]) -> Iterator[str]:
    for name in sorted(old.keys() & new.keys()):
        changed = [part for part in parts if bare(getattr(old[name], part)) != bare(getattr(new[name], part))]
        if changed:
            yield f"the {what} `{name}` has another {' and another '.join(changed).replace('_', ' ')}"


def _agents(before: PolicyGraph, after: PolicyGraph) -> Iterator[str]:
    old, new = before.policy.agents, after.policy.agents
    yield from (f"the agent `{name}` is gone" for name in sorted(old.keys() - new.keys()))
    yield from (f"the agent `{name}` is new" for name in sorted(new.keys() - old.keys()))
    yield from _changes("agent", old, new, ("name", "description", "model", "include", "phrasing", "preamble"))


def _extras(old: Iterable[Guideline], new: Iterable[Guideline]) -> Iterator[str]:
    """How closely guidelines are watched, and after which tools they are judged again."""
    parts = ("criticality", "medium"), ("reevaluate_after", ()), ("track", True), ("phrasing", Phrasing())
    for part, usual in parts:
        before, after = (_special(each, part, usual) for each in (old, new))
        if before != after:
            names = sorted({g for group in ((before - after), (after - before)) for g, _ in group})
            yield f"another {part.replace('_', ' ')} of " + ", ".join(f"`{g}`" for g in names)


def _special(guidelines: Iterable[Guideline], part: str, usual: object) -> Counter[tuple[str, object]]:
    return Counter((each.id, value) for each in guidelines if (value := getattr(each, part)) != usual)


def bare(value: object) -> object:
    """A declaration without its places in files."""
    if is_dataclass(value) and not isinstance(value, type):
        return type(value).__name__, tuple(
            (each.name, bare(getattr(value, each.name)))
            for each in fields(value)
            if not isinstance(getattr(value, each.name), Span)
        )
    return tuple(map(bare, value)) if isinstance(value, tuple) else value

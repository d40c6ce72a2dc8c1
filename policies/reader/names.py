"""Every name a policy introduces, gathered before anything is read, so that order means nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from jurat.policies.journeys import Outline, states_of
from jurat.policies.reader.documents import Sections
from jurat.policies.reader.nodes import Fields, Items, Node, Scalar
from jurat.policies.reader.texts import is_formula


@dataclass
class Names:
    """Ids by kind; ``tools`` are the declared ones, or where no file has a section ``tools`` all that are named."""

    guidelines: set[str] = field(default_factory=set)
    journeys: dict[str, tuple[str, ...]] = field(default_factory=dict)
    outlines: dict[str, Outline] = field(default_factory=dict)
    tags: set[str] = field(default_factory=set)
    tools: dict[str, Scalar] = field(default_factory=dict)
    agents: set[str] = field(default_factory=set)
    replies: set[str] = field(default_factory=set)
    texts: list[Scalar] = field(default_factory=list)
    tools_are_implicit: bool = False

    @cached_property
    def entities(self) -> list[str]:
        """Guidelines and journeys, once all are gathered."""
        return sorted({*self.guidelines, *self.journeys})


def gather(sections: Sections) -> Names:
    """All names of the files, well-formed or not; faults are reported where the names are read for good."""
    names = Names(
        guidelines=set(sections["guidelines"]),
        agents=set(sections["agents"]),
        replies=set(sections["replies"]),
        tags=set(sections["tags"]),
        tools={name: key for name, (key, _) in sections["tools"].items()},
        tools_are_implicit="tools" not in sections.given,
    )
    mentioned: list[Scalar] = []
    for _, node in sections["guidelines"].values():
        _guideline(names, mentioned, node)
    for journey, (_, node) in sections["journeys"].items():
        _journey(names, mentioned, journey, node)
    names.journeys |= {journey: states_of(names.outlines, journey) for journey in names.outlines}
    if names.tools_are_implicit:
        for tool in mentioned:
            names.tools.setdefault(tool.text, tool)
    return names


def _guideline(names: Names, mentioned: list[Scalar], node: Node) -> None:
    names.texts += _scalars(field_of(node, "condition"))
    names.tags.update(each.text for each in _scalars(field_of(node, "tags")))
    for name in ("tools", "offer", "forbid", "reevaluate_after"):
        mentioned += _scalars(field_of(node, name))
    tools = field_of(node, "tools")
    for item in tools.items if isinstance(tools, Items) else ():
        if isinstance(item, Fields):
            mentioned += [key for key, _ in item.entries.values()]


def _journey(names: Names, mentioned: list[Scalar], journey: str, node: Node) -> None:
    names.tags.update(each.text for each in _scalars(field_of(node, "tags")))
    names.texts += _triggers(field_of(node, "triggers"))
    states = field_of(node, "states")
    names.outlines[journey] = _outline(states)
    names.texts += [each for item in _items(field_of(node, "back")) for each in _scalars(field_of(item, "condition"))]
    for _, state in states.entries.values() if isinstance(states, Fields) else ():
        mentioned += _scalars(field_of(state, "tool"))
        for each in _items(field_of(state, "to")):
            names.texts += _scalars(field_of(each, "condition"))


def _outline(states: Node | None) -> Outline:
    entries = states.entries if isinstance(states, Fields) else {}
    inner = {name: field_of(state, "journey") for name, (_, state) in entries.items()}
    return Outline(
        tuple(entries),
        frozenset(name for name, (_, state) in entries.items() if field_of(state, "ask") is not None),
        {name: each.text for name, each in inner.items() if isinstance(each, Scalar)},
    )


def _items(node: Node | None) -> list[Node]:
    return list(node.items) if isinstance(node, Items) else []


def _triggers(node: Node | None) -> Iterator[Scalar]:
    yield from (each for each in _scalars(node) if not is_formula(each.text))
    for each in node.items if isinstance(node, Items) else [node]:
        yield from _scalars(field_of(each, "condition"))


def field_of(node: Node | None, name: str) -> Node | None:
    """A field of a node, whatever the node is."""
    entry = node.entries.get(name) if isinstance(node, Fields) else None
    return entry[1] if entry else None


def _scalars(node: Node | None) -> Iterator[Scalar]:
    """The text of a node, or of the items of a list."""
    for each in node.items if isinstance(node, Items) else [node]:
        if isinstance(each, Scalar) and not each.empty:
            yield each

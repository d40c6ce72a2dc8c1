"""References to guidelines, journeys, states and tags, and the relations made of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from jurat.policies.model import Ref, Relation, RelationKind
from jurat.policies.reader.context import Reading
from jurat.policies.reader.nodes import Items, Node, Scalar
from jurat.policies.reader.shapes import items_of, name_of, wrong

RELATION_KINDS: tuple[RelationKind, ...] = get_args(RelationKind)


def relations_of(reading: Reading, source: Ref, fields: dict[str, Node]) -> Iterator[Relation]:
    """All relations that the fields of a guideline or tag state."""
    for kind in RELATION_KINDS:
        if kind not in fields:
            continue
        groups = _groups(reading, fields[kind]) if kind == "requires_any" else [fields[kind]]
        for number, group in enumerate(groups):
            for target, node in refs_of(reading, group, f"`{kind}`", any_tag=kind.startswith("requires")):
                if not _relates_to_itself(reading, source, kind, target, node):
                    yield Relation(kind, source, target, number, node.span)


def _groups(reading: Reading, node: Node) -> list[Node]:
    """The groups of ``requires_any``, of each of which one member must be in force."""
    groups: list[Node] = []
    for group in items_of(reading.faults, node, "`requires_any`"):
        if not isinstance(group, Items):
            wrong(reading.faults, group, "each item of `requires_any` is a list", "write `[[a, b]]` for one group")
        elif not group.items:
            reading.faults.at(group, "P302", "a group without members can never be met", help="leave it out")
        else:
            groups.append(group)
    return groups


def refs_of(reading: Reading, node: Node, what: str, *, any_tag: bool = False) -> list[tuple[Ref, Node]]:
    """A list of references, unknown ones reported and left out."""
    found: dict[Ref, Node] = {}
    for item in items_of(reading.faults, node, what):
        ref = ref_of(reading, item, f"each item of {what}", any_tag=any_tag)
        if ref is not None and ref in found:
            reading.faults.at(item, "P304", f"`{ref}` is listed twice")
        elif ref is not None:
            found[ref] = item
    return list(found.items())


def ref_of(reading: Reading, node: Node, what: str, *, any_tag: bool = False) -> Ref | None:
    """One reference: ``tag:name``, ``any:tag``, ``journey/state``, or the id of a guideline or journey."""
    text = name_of(reading.faults, node, what)
    if text is None or not isinstance(node, Scalar):
        return None
    prefix, colon, name = text.partition(":")
    if colon:
        return _tag(reading, node, prefix, name.strip(), any_tag)
    journey, slash, state = text.partition("/")
    if slash:
        return _state(reading, node, journey, state)
    if text in reading.names.guidelines:
        return Ref("guideline", text)
    if text in reading.names.journeys:
        return Ref("journey", text)
    advice = reading.faults.near_miss(text, reading.names.entities)
    if not advice and text in reading.names.tags:
        advice = f"write `tag:{text}` for the tag"
    reading.faults.at(node, "P305", f"no guideline or journey is called `{text}`", help=advice)
    return None


def _tag(reading: Reading, node: Node, prefix: str, name: str, any_tag: bool) -> Ref | None:
    if prefix == "any" and not any_tag:
        reading.faults.at(node, "P309", "`any:` belongs to `requires`", help=f"write `tag:{name}`")
    elif prefix not in ("tag", "any"):
        advice = reading.faults.near_miss(prefix, ("tag", "any")) or "write `tag:name`"
        reading.faults.at(node, "P305", f"`{prefix}:` is not a kind of reference", help=advice)
    elif name not in reading.names.tags:
        advice = reading.faults.near_miss(name, reading.names.tags)
        reading.faults.at(node, "P305", f"nothing carries or declares the tag `{name}`", help=advice)
    else:
        return Ref("any_tag" if prefix == "any" else "tag", name)
    return None


def _state(reading: Reading, node: Node, journey: str, state: str) -> Ref | None:
    return Ref("state", f"{journey}/{state}") if state_is_known(reading, node, journey, state) else None


def state_is_known(reading: Reading, node: Node, journey: str, state: str) -> bool:
    """Whether a journey has a state; reported when not."""
    journeys = reading.names.journeys
    if not reading.known(node, journey, journeys, "journey"):
        return False
    if state in journeys[journey]:
        return True
    advice = reading.faults.near_miss(state, journeys[journey])
    reading.faults.at(node, "P305", f"journey `{journey}` has no state `{state}`", help=advice)
    return False


def _relates_to_itself(reading: Reading, source: Ref, kind: str, target: Ref, node: Node) -> bool:
    if source != target or source.kind == "tag":
        return False
    reading.faults.at(node, "P320", f"`{source}` cannot be related to itself by `{kind}`")
    return True

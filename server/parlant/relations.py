"""What entities say of each other, as clients name it: each relation of the policy with an id made of its parts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import networkx as nx

from jurat.policies.reader.refs import RELATION_KINDS
from jurat.server.api.dependencies import Shown
from jurat.server.parlant.common import moment
from jurat.server.parlant.tagging import JOURNEY, STATE
from jurat.server.parlant.tools import shown_tool
from jurat.server.policy_text import PolicyText, listed
from jurat.server.service import Service

KINDS = {
    "entails": "entailment",
    "overrides": "priority",
    "requires": "dependency",
    "requires_any": "dependency_any",
    "disambiguates": "disambiguation",
    "exclusive_with": "exclusion",
    "reevaluate_after": "reevaluation",
}
"""The relations of the policy, and what clients call them."""


class End(Shown):
    """A guideline, or a tag, that a group of alternatives has."""

    guideline: str | None = None
    tag: str | None = None
    any: bool = False


class RelationshipShown(Shown):
    """A relation; its ends are guidelines, tags (`journey:ID` is a journey) and tools.

    ``match`` says of a tag that is needed whether all that carry it are, or any. Of the kind `dependency_any`, ``any_of``
    are the alternatives, one of which is needed.
    """

    id: str
    kind: str
    source_guideline: dict[str, Any] | None = None
    source_tag: dict[str, Any] | None = None
    source_tool: dict[str, Any] | None = None
    target_guideline: dict[str, Any] | None = None
    target_tag: dict[str, Any] | None = None
    target_tool: dict[str, Any] | None = None
    match: str | None = None
    any_of: list[End] | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """A relation as the policy has it: in which section, of which entity, under which field; ``target`` is a reference, or a group of them."""

    section: str
    owner: str
    field: str
    target: str | tuple[str, ...]

    @property
    def id(self) -> str:
        """The same for the same relation, whatever else the policy says."""
        target = sorted(self.target) if isinstance(self.target, tuple) else self.target
        made = json.dumps([self.section, self.owner, self.field, target])
        return hashlib.sha256(made.encode()).hexdigest()[:16]

    @property
    def kind(self) -> str:
        """What clients call it."""
        return KINDS[self.field]

    @property
    def source(self) -> str:
        """What it is said of, as a reference."""
        return f"tag:{self.owner}" if self.section == "tags" else self.owner

    @property
    def targets(self) -> tuple[str, ...]:
        """The references that it points at."""
        return self.target if isinstance(self.target, tuple) else (self.target,)


@dataclass(frozen=True, slots=True)
class Relationship:
    """A relation with the references of its ends, and as clients are shown it."""

    written: Written
    ends: frozenset[str]
    body: dict[str, Any]


def written(text: PolicyText) -> Iterator[Written]:
    """Every relation of the policy."""
    for section in ("guidelines", "journeys", "tags"):
        for owner, body in text.section(section).items():
            for field in (*RELATION_KINDS, "reevaluate_after"):
                for target in listed((body or {}).get(field)):
                    group = tuple(map(str, target)) if isinstance(target, list) else str(target)
                    yield Written(section, owner, field, group)


async def shown_relations(text: PolicyText, service: Service) -> list[Relationship]:
    """Every relation of the policy, as clients are shown it."""
    from jurat.server.parlant.guidelines import guidelines_by_id
    from jurat.server.parlant.tags import tags_by_id

    guidelines, tags = await guidelines_by_id(text, service.store), await tags_by_id(text, service.store)
    known = _Known(service, text, guidelines, tags)
    return [known.relationship(each) for each in written(text)]


@dataclass(frozen=True, slots=True)
class _Known:
    service: Service
    text: PolicyText
    guidelines: dict[str, dict[str, Any]]
    tags: dict[str, dict[str, Any]]

    def relationship(self, one: Written) -> Relationship:
        body: dict[str, Any] = {"id": one.id, "kind": one.kind, **self._end("source", one.source)}
        if isinstance(one.target, tuple):
            body["any_of"] = [self._alternative(each) for each in one.target]
            body |= self._end("target", one.target[0])
        elif one.field == "reevaluate_after":
            body["target_tool"] = shown_tool(self.service.agent.engine, one.target, moment(self.service.since))
        else:
            body |= self._end("target", one.target)
        if one.field == "requires" and one.targets[0].startswith(("any:", "tag:")):
            body["match"] = "any" if one.targets[0].startswith("any:") else "all"
        return Relationship(one, frozenset(map(_bare, (one.source, *one.targets))), body)

    def _end(self, side: str, ref: str) -> dict[str, Any]:
        if ref in self.guidelines:
            return {f"{side}_guideline": self.guidelines[ref]}
        return {f"{side}_tag": self._tag(ref)}

    def _tag(self, ref: str) -> dict[str, Any]:
        if ref.startswith(("tag:", "any:")):
            name = ref[4:]
            return self.tags.get(name, {"id": name, "name": name})
        id_ = (STATE if "/" in ref else JOURNEY) + ref
        return {"id": id_, "name": id_}

    def _alternative(self, ref: str) -> dict[str, Any]:
        if ref in self.guidelines:
            return {"guideline": ref}
        return {"tag": self._tag(ref)["id"], "any": ref.startswith("any:")}


def _bare(ref: str) -> str:
    return "tag:" + ref[4:] if ref.startswith("any:") else ref


def around(relations: list[Relationship], ref: str, *, indirect: bool) -> list[Relationship]:
    """The relations that an entity has, with ``indirect`` those too that follow from one to the next, kind by kind."""
    if not indirect:
        return [each for each in relations if ref in each.ends]
    found = []
    for kind in KINDS.values():
        mine = [each for each in relations if each.written.kind == kind]
        graph: nx.DiGraph[str] = nx.DiGraph()
        graph.add_node(ref)
        for each in mine:
            graph.add_edges_from((_bare(each.written.source), _bare(target)) for target in each.written.targets)
        after, before = nx.descendants(graph, ref) | {ref}, nx.ancestors(graph, ref) | {ref}
        for each in mine:
            ends = [_bare(target) for target in each.written.targets]
            if _bare(each.written.source) in after or any(end in before for end in ends):
                found.append(each)
    return found

"""Relations as written, on tags and journeys, become pairs of entities (semantics, section 2)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from jurat.policies.diagnostics import Diagnostic
from jurat.policies.errors import PolicyError
from jurat.policies.model import Guideline, Journey, Policy, Ref, Relation

Group = tuple[tuple[str, ...], ...]
"""Alternatives, one of which must be met; each names what must be in force together."""


@dataclass(slots=True)
class Expansion:
    """Pairs (source, target), as the relations are read: ``(h, g)`` in overrides is *h overrides g*."""

    overrides: set[tuple[str, str]] = field(default_factory=set)
    entails: set[tuple[str, str]] = field(default_factory=set)
    requires: set[tuple[str, str]] = field(default_factory=set)
    exclusive: set[tuple[str, str]] = field(default_factory=set)
    alternatives: dict[str, set[Group]] = field(default_factory=lambda: defaultdict(set))
    disambiguates: dict[str, tuple[str, ...]] = field(default_factory=dict)


def expand(policy: Policy) -> Expansion:
    """All relations of a policy as pairs of ids.

    Raises:
        PolicyError: a relation relates an entity to itself by name.
    """
    members, found = _members(policy), Expansion()
    _refuse_self_relations(policy)
    for relation in policy.relations:
        for source in _sources(relation, members):
            _add(found, policy, members, relation, source)
    _add_any_groups(found, policy, members)
    _add_disambiguations(found, policy, members)
    _add_scopes(found, policy)
    return found


def _members(policy: Policy) -> dict[str, tuple[str, ...]]:
    """Tag -> the guidelines and journeys that carry it, sorted."""
    found: dict[str, list[str]] = defaultdict(list)
    entities: list[Guideline | Journey] = [*policy.guidelines.values(), *policy.journeys.values()]
    for entity in entities:
        for tag in entity.tags:
            found[tag].append(entity.id)
    return {tag: tuple(sorted(ids)) for tag, ids in found.items()}


def _sources(relation: Relation, members: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """A tag stands for each member except the entity that is its target."""
    if relation.source.kind != "tag":
        return (relation.source.id,)
    target = None if relation.target.kind in ("tag", "any_tag") else relation.target.id
    return tuple(each for each in members.get(relation.source.id, ()) if each != target)


def _targets(target: Ref, source: str, members: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """A tag stands for each member except the entity itself."""
    if target.kind in ("tag", "any_tag"):
        return tuple(each for each in members.get(target.id, ()) if each != source)
    return (target.id,)


def _with_states(policy: Policy, target: str) -> Iterator[str]:
    yield target
    if journey := policy.journeys.get(target):
        yield from (f"{target}/{state}" for state in journey.states)
    yield from copies(policy, target)


def copies(policy: Policy, target: str) -> list[str]:
    """The states of other journeys that are copies of a state, or of any state of a journey."""
    return [
        f"{journey.id}/{state.id}"
        for journey in policy.journeys.values()
        for state in journey.states.values()
        if any(target in (origin, origin.partition("/")[0]) for origin in state.origins)
    ]


def _add(
    found: Expansion, policy: Policy, members: dict[str, tuple[str, ...]], relation: Relation, source: str
) -> None:
    targets = _targets(relation.target, source, members)
    if relation.kind == "overrides":
        found.overrides.update((source, each) for t in targets for each in _with_states(policy, t) if each != source)
    elif relation.kind == "entails":
        found.entails.update((source, each) for each in targets)
    elif relation.kind == "exclusive_with":
        found.exclusive.update((min(source, each), max(source, each)) for each in targets)
    elif relation.kind == "requires":
        _add_requirement(found, policy, relation.target, source, targets)


def _add_requirement(found: Expansion, policy: Policy, target: Ref, source: str, targets: tuple[str, ...]) -> None:
    if target.kind == "any_tag":
        found.alternatives[source].add(tuple((each,) for each in targets))
    elif not targets:
        found.alternatives[source].add(())  # an empty tag satisfies no requirement
    else:
        for each in targets:
            _require(found, policy, source, each)


def _require(found: Expansion, policy: Policy, source: str, target: str) -> None:
    """A journey or state that also runs within others is there when one of its copies is."""
    if also := copies(policy, target):
        found.alternatives[source].add(tuple((each,) for each in sorted((target, *also))))
    else:
        found.requires.add((source, target))


def _add_any_groups(found: Expansion, policy: Policy, members: dict[str, tuple[str, ...]]) -> None:
    groups: dict[tuple[str, Ref, int], list[Ref]] = defaultdict(list)
    for relation in policy.relations:
        if relation.kind == "requires_any":
            for source in _sources(relation, members):
                groups[source, relation.source, relation.group].append(relation.target)
    for (source, _, _), targets in groups.items():
        alternatives = {each for target in targets for each in _alternatives(target, source, members)}
        found.alternatives[source].add(tuple(sorted(alternatives)))


def _alternatives(target: Ref, source: str, members: dict[str, tuple[str, ...]]) -> Group:
    """A tag in a group is met by all its members, ``any:`` by one; an empty one by nothing."""
    targets = _targets(target, source, members)
    if target.kind == "any_tag":
        return tuple((each,) for each in targets)
    return (targets,) if targets else ()


def _add_disambiguations(found: Expansion, policy: Policy, members: dict[str, tuple[str, ...]]) -> None:
    targets: dict[str, set[str]] = defaultdict(set)
    for relation in policy.relations:
        if relation.kind == "disambiguates":
            for source in _sources(relation, members):
                targets[source].update(_targets(relation.target, source, members))
    found.disambiguates.update((source, tuple(sorted(each))) for source, each in targets.items())


def _add_scopes(found: Expansion, policy: Policy) -> None:
    """A scoped guideline requires its journey, and its state where the scope names one; a state requires its journey.

    So whatever a journey itself requires holds back all that belongs to it.
    """
    for journey in policy.journeys.values():
        found.requires.update((f"{journey.id}/{state}", journey.id) for state in journey.states)
    for guideline in policy.guidelines.values():
        if guideline.scope:
            _require(found, policy, guideline.id, guideline.scope.partition("/")[0])
            _require(found, policy, guideline.id, guideline.scope)


def _refuse_self_relations(policy: Policy) -> None:
    faults = [
        Diagnostic(relation.span, "P320", f"`{relation.source}` cannot be related to itself by `{relation.kind}`")
        for relation in policy.relations
        if relation.source == relation.target and relation.source.kind != "tag"
    ]
    if faults:
        raise PolicyError(faults)

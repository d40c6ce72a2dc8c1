"""A random policy as the YAML that an author would write."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import yaml

from jurat.policies.expr import TRUE
from jurat.policies.model import Forbid, Guideline, Instruct, Journey, Policy, Ref, Relation
from jurat.policies.printing import show

TYPES: dict[str, Any] = {
    "vip": "bool",
    "tier": {"enum": ["low", "middle", "high"], "ordered": True},
    "age": {"int": {"min": 0, "max": 9}},
    "score": "int",
}


def writable(relation: Relation) -> bool:
    """Guidelines and tags have relations in YAML; `any:` is a matter of `requires` alone."""
    written = relation.source.kind in ("guideline", "tag")
    return written and (relation.target.kind != "any_tag" or relation.kind == "requires")


def written(policy: Policy) -> str:
    """The policy as text; its relations must be :func:`writable`."""
    return as_text(sections_of(policy))


def as_text(sections: dict[str, Any]) -> str:
    """Sections as a policy file."""
    return str(yaml.safe_dump(sections, sort_keys=False, allow_unicode=True))


def sections_of(policy: Policy) -> dict[str, Any]:
    """The policy's sections as plain values."""
    relations = _relations(policy)
    found: dict[str, Any] = {
        "jurat": 1,
        "facts": {path: _fact(policy, path) for path in TYPES},
        "observations": {key: each.text for key, each in policy.vocabulary.observations.items()},
        "events": {key: each.text for key, each in policy.vocabulary.events.items()},
        "tools": {key: {"python": f"tools:{key}"} for key in policy.vocabulary.tools},
        "axioms": sorted({show(axiom.expr) for axiom in policy.axioms}),
        "guidelines": {g: _guideline(each) | relations[Ref("guideline", g)] for g, each in policy.guidelines.items()},
        "journeys": {j: _journey(each) for j, each in policy.journeys.items()},
        "tags": {tag: relations[Ref("tag", tag)] for tag in ("t", "u", "nobody")},
    }
    return {key: value for key, value in found.items() if value}


def _fact(policy: Policy, path: str) -> dict[str, Any]:
    default = policy.vocabulary.facts[path].default
    return {"type": TYPES[path]} | ({} if default is None else {"default": default})


def _guideline(guideline: Guideline) -> dict[str, Any]:
    found: dict[str, Any] = {"on_unknown": guideline.on_unknown, "tags": sorted(guideline.tags)}
    if guideline.condition != TRUE or not guideline.actions:
        found["when"] = show(guideline.condition)
    if guideline.scope:
        found["scope"] = guideline.scope
    if guideline.rank is not None:
        found["rank"] = guideline.rank
    for action in guideline.actions:
        if isinstance(action, Instruct):
            found["action"] = action.text
        elif isinstance(action, Forbid):
            found["forbid"] = [{"topic": action.target}]
    return found


def _journey(journey: Journey) -> dict[str, Any]:
    states = {
        name: {
            "say": f"be in {name}",
            "to": [{"when": show(t.condition), "state": t.target} for t in state.transitions],
        }
        for name, state in journey.states.items()
    }
    triggers = [{"when": show(trigger.expr)} for trigger in journey.triggers]
    found = {"triggers": triggers, "initial": journey.initial, "states": states, "tags": sorted(journey.tags)}
    return found if journey.rank is None else {**found, "rank": journey.rank}


def _relations(policy: Policy) -> dict[Ref, dict[str, Any]]:
    found: dict[Ref, dict[str, Any]] = defaultdict(lambda: defaultdict(list))
    groups: dict[tuple[Ref, int], list[str]] = defaultdict(list)
    for relation in policy.relations:
        if relation.kind == "requires_any":
            groups[relation.source, relation.group].append(str(relation.target))
        else:
            found[relation.source][relation.kind].append(str(relation.target))
    for (source, _), targets in groups.items():
        found[source]["requires_any"].append(targets)
    return defaultdict(dict, {ref: dict(each) for ref, each in found.items()})

"""A policy's content digest: the same on every machine and for every order of files and declarations."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from jurat.policies.model import Policy, Ref, Relation
from jurat.policies.spans import Span

FORMAT = "jurat-policy-1"
"""Part of what is hashed; to be raised when the meaning of a policy's content changes."""

_ORDERLESS = frozenset({"relations", "axioms", "invariants", "goals", "expect", "include", "reevaluate_after", "allow"})
_LEFT_OUT = {
    "Policy": {"sources"},
    "Guideline": {"condition_text"},
    "Formula": {"text"},
    "Constraint": {"text"},
    "Transition": {"text"},
    "Invariant": {"text"},
    "Goal": {"text"},
    "Axiom": {"id"},
}
"""The author's spelling of formulas, whose content is the tree."""


def digest_of(policy: Policy) -> str:
    """SHA-256 (hex) of the policy's content; places in files do not count."""
    numbered = replace(policy, relations=tuple(_grouped(policy.relations)))
    content = json.dumps([FORMAT, _plain(numbered)], sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(content.encode("ascii")).hexdigest()


def _grouped(relations: Iterable[Relation]) -> Iterator[Relation]:
    """Groups of alternatives numbered by what is in them, not by where they stand."""
    groups: dict[Ref, dict[int, list[Ref]]] = {}
    for each in relations:
        if each.kind == "requires_any":
            groups.setdefault(each.source, {}).setdefault(each.group, []).append(each.target)
    places = {
        source: {group: place for place, group in enumerate(sorted(found, key=lambda number: sorted(found[number])))}
        for source, found in groups.items()
    }
    for each in relations:
        yield replace(each, group=places[each.source][each.group]) if each.kind == "requires_any" else each


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return _record(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, frozenset | set):
        return sorted((_plain(each) for each in value), key=_order)
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return _scalar(value)


def _record(value: object) -> dict[str, object]:
    found: dict[str, object] = {"": type(value).__name__}
    for field in fields(value):  # type: ignore[arg-type]  # is_dataclass was asked
        each = getattr(value, field.name)
        if isinstance(each, Span) or field.name in _LEFT_OUT.get(type(value).__name__, ()):
            continue
        plain = _plain(each)
        found[field.name] = sorted(plain, key=_order) if field.name in _ORDERLESS and isinstance(plain, list) else plain
    return found


def _scalar(value: object) -> object:
    """Types are told apart: ``1``, ``1.0`` and ``"1"`` are three contents, ``1.0`` and ``1.00`` are one."""
    if isinstance(value, Decimal):
        return {"decimal": str(value.normalize())}
    if isinstance(value, datetime):
        return {"timestamp": value.astimezone(UTC).isoformat()}
    if isinstance(value, timedelta):
        return {"microseconds": value // timedelta(microseconds=1)}
    return value


def _order(value: object) -> str:
    return json.dumps(value, sort_keys=True)

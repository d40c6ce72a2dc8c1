"""A policy's content digest: the same on every machine and for every order of files and declarations."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from json.encoder import encode_basestring_ascii as _quoted
from operator import attrgetter
from types import NoneType
from typing import Any, get_args

from jurat.policies.model import Policy, Ref, Relation
from jurat.policies.types import Type

FORMAT = "jurat-policy-3"
"""Part of what is hashed; to be raised when the meaning of a policy's content changes."""

_FEW = frozenset(get_args(Type))
"""The types of formulas, which are few and stand at every node of them."""

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


Memo = dict[int, tuple[object, str]]
"""Digests of values by their identity, with the values, so that an identity cannot come to mean another one."""


def digest_of(policy: Policy, memo: Memo | None = None) -> str:
    """SHA-256 (hex) of the policy's content; places in files do not count.

    It is made of the digests of the guidelines and of the other sections. With a ``memo`` only those are computed that
    are not in it; a value in it must not change, which for a ``dict`` the caller answers for.
    """
    known: Memo = {} if memo is None else memo
    guidelines = sorted([f'{_quoted(g)}:"{remembered(each, known)}"' for g, each in policy.guidelines.items()])
    relations = remembered(
        policy.relations, known, lambda: content_of(sorted(_grouped(policy.relations), key=content_of))
    )
    done = ("guidelines", "relations", *_LEFT_OUT["Policy"])
    others = (each.name for each in fields(policy) if each.name not in done)
    rest = {
        name: remembered(each, known, _section(name, each))
        for name in others
        if (each := getattr(policy, name)) is not None
    }
    sections = f'{{"guidelines":{{{",".join(guidelines)}}},"relations":"{relations}"}}'
    return _hashed(f"[{_quoted(FORMAT)},{sections},{content_of(rest)}]")


def _section(name: str, value: object) -> Callable[[], str]:
    return lambda: _orderless(value) if name in _ORDERLESS else content_of(value)


def remembered(value: object, memo: Memo, write: Callable[[], str] | None = None) -> str:
    """SHA-256 (hex) of a value's content, computed once as long as it is in the memo."""
    found = memo.get(id(value))
    if found is None or found[0] is not value:
        found = memo[id(value)] = (value, _hashed(write() if write else content_of(value)))
    return found[1]


def _hashed(content: str) -> str:
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


Writer = Callable[[Any], str]


def content_of(value: object) -> str:
    """Canonical JSON, in ASCII, of any value that a policy is made of; equal contents have equal texts.

    Types are told apart: ``1``, ``1.0`` and ``"1"`` are three contents, ``1.0`` and ``1.00`` are one.
    """
    kind: Any = type(value)
    return _writer(kind)(value)


@cache
def _writer(kind: Any) -> Writer:
    """How values of a type are written; looking at types once is what makes this fast."""
    if is_dataclass(kind):
        return _record_writer(kind)
    for base, writer in _WRITERS:
        if issubclass(kind, base):
            return writer
    raise TypeError(f"{kind.__name__} is no content of a policy")


def _record_writer(kind: Any) -> Writer:
    out = _LEFT_OUT.get(kind.__name__, set())
    names = sorted(each.name for each in fields(kind) if each.type != "Span" and each.name not in out)
    parts = [
        (f",{_quoted(name)}:", attrgetter(name), _orderless if name in _ORDERLESS else content_of) for name in names
    ]
    head = f'{{"":{_quoted(kind.__name__)}'

    def write(value: object) -> str:
        return head + "".join([key + text(get(value)) for key, get, text in parts]) + "}"

    return cache(write) if kind in _FEW else write


def _orderless(value: object) -> str:
    texts = [content_of(each) for each in value] if isinstance(value, tuple | list) else None
    return content_of(value) if texts is None else f"[{','.join(sorted(texts))}]"


def _mapping(value: Mapping[object, object]) -> str:
    items = sorted((_quoted(str(key)), content_of(each)) for key, each in value.items())
    return "{" + ",".join([f"{key}:{text}" for key, text in items]) + "}"


def _sequence(value: Iterable[object]) -> str:
    return f"[{','.join([content_of(each) for each in value])}]"


def _set(value: Iterable[object]) -> str:
    return f"[{','.join(sorted([content_of(each) for each in value]))}]"


_WRITERS: tuple[tuple[type, Writer], ...] = (
    (str, _quoted),
    (bool, lambda value: "true" if value else "false"),
    (int, str),
    (NoneType, lambda _: "null"),
    (Mapping, _mapping),
    (frozenset, _set),
    (set, _set),
    (tuple, _sequence),
    (list, _sequence),
    (Decimal, lambda value: f'{{"decimal":"{value.normalize()}"}}'),
    (datetime, lambda value: f'{{"timestamp":"{value.astimezone(UTC).isoformat()}"}}'),
    (timedelta, lambda value: f'{{"microseconds":{value // timedelta(microseconds=1)}}}'),
)

"""A policy's content digest: the same on every machine and for every order of files and declarations."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from jurat.policies.model import Policy
from jurat.policies.spans import Span

FORMAT = "jurat-policy-1"
"""Part of what is hashed; to be raised when the meaning of a policy's content changes."""

_ORDERLESS = frozenset({"relations", "axioms", "invariants", "include", "reevaluate_after", "allow"})
_LEFT_OUT = frozenset({"sources"})


def digest_of(policy: Policy) -> str:
    """SHA-256 (hex) of the policy's content; places in files do not count."""
    content = json.dumps([FORMAT, _plain(policy)], sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(content.encode("ascii")).hexdigest()


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
        if isinstance(each, Span) or field.name in _LEFT_OUT:
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

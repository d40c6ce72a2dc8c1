"""A stored trace resolved again: the same policy, the same values and judgements, the same decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jurat.engine.describe import shown
from jurat.engine.errors import EngineError
from jurat.engine.trace import FORMAT
from jurat.policies.graph import PolicyGraph
from jurat.policies.resolution import Resolution
from jurat.policies.semantics import resolve


@dataclass(frozen=True, slots=True)
class Replayed:
    """One round again; ``differences`` is empty where the trace says the same, a line each where it does not."""

    number: int
    resolution: Resolution
    differences: tuple[str, ...]


def replay(graph: PolicyGraph, trace: Mapping[str, Any], *, other_policy: bool = False) -> tuple[Replayed, ...]:
    """Resolve every round of a trace's JSON again.

    With ``other_policy`` the trace may come from another version, and the differences are what the edit changes.

    Raises:
        EngineError: a trace of another format, or of another policy.
        ValuationError: the other policy does not know what the trace speaks of.
    """
    if trace.get("format") != FORMAT:
        raise EngineError(f"the trace has format `{trace.get('format')}`, and this version reads {FORMAT}")
    if trace["policy"] != graph.digest and not other_policy:
        raise EngineError("the trace comes from another version of the policy")
    return tuple(_replayed(graph, each) for each in trace["rounds"])


def _replayed(graph: PolicyGraph, stored: Mapping[str, Any]) -> Replayed:
    resolution = resolve(graph, {**stored["values"], **stored["judgements"]})
    return Replayed(stored["number"], resolution, tuple(_differences(stored, resolution)))


def _differences(stored: Mapping[str, Any], now: Resolution) -> list[str]:
    force = [each["id"] for each in stored["in_force"]]
    possible = sorted({*force, *(each["id"] for each in stored["possible"])})
    dropped = sorted((each["id"], each["reason"], tuple(each["by"])) for each in stored["dropped"])
    pairs = [
        ("in force", force, list(now.in_force)),
        ("possible", possible, list(now.possible)),
        ("dropped", dropped, sorted((g, drop.reason, drop.by) for g, drop in now.dropped.items())),
    ]
    if not stored["conflicts"]:  # arbitration took some of the actions away
        then = sorted((each["guideline"], each["kind"], each["text"], each["because"]) for each in stored["actions"])
        pairs.append(("actions", then, sorted((a.guideline, a.kind, shown(a.action), a.because) for a in now.actions)))
    return [f"{name}: was {then}, is {found}" for name, then, found in pairs if then != found]

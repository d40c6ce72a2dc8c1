"""A situation in which all axioms of a policy hold."""

from __future__ import annotations

from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from typing import Any

from pysat.solvers import Solver

from jurat.policies.checker import YES, Encoder
from jurat.policies.expr import Atom, Fact, JourneyState, Observation, key_of, mentioned_atoms
from jurat.policies.graph import PolicyGraph
from jurat.policies.situations import confirms
from jurat.policies.types import DurationType, EnumType, StringType, TimestampType, Type, Value
from jurat.policies.values import jsonable


def model_of_axioms(graph: PolicyGraph, encoder: Encoder) -> dict[str, Any] | None:
    """Values by key, as JSON has them; None where the clauses do not say enough to find some."""
    wanted = [[encoder.truth(axiom.expr)[0]] for axiom in graph.axioms]
    mentioned = sorted(mentioned_atoms(axiom.expr for axiom in graph.axioms), key=key_of)
    wanted += [[*encoder.truth(atom)] for atom in mentioned if isinstance(atom, Observation)]
    with Solver("glucose4", bootstrap_with=[*encoder.clauses, *wanted]) as solver:
        if not solver.solve():
            return None
        true = {YES, *solver.get_model()}
    values = {key_of(atom): value for atom in mentioned if (value := _value(encoder, atom, true)) is not None}
    found = {key: jsonable(value) for key, value in values.items()}
    return found if confirms(graph, ("consistent",), "model", found) else None


def _value(encoder: Encoder, atom: Atom, true: set[int]) -> Value | None:
    if atom in encoder.atoms:
        certainly, certainly_not = encoder.atoms[atom]
        return True if certainly in true else False if certainly_not in true else None
    if isinstance(atom, Fact | JourneyState) and encoder.present(atom) not in true:
        return None
    return _between(atom.type, *encoder.scales[atom], true) if atom in encoder.scales else None


def _between(type_: Type, places: list[tuple[Any, bool]], literals: list[int], true: set[int]) -> Value:
    """A value above all places that it is not up to, and not above the first that it is."""
    at = bisect_left([literal in true for literal in literals], True)
    upper, lower = (places[at] if at < len(places) else None), (places[at - 1] if at else None)
    if upper is not None and upper[1]:
        found = upper[0]
    elif lower is not None and not lower[1]:
        found = lower[0]
    elif lower is not None:
        found = _above(lower[0], upper[0] if upper else None)
    else:
        found = _below(upper[0]) if upper else _any(type_)
    value: Value = type_.values[found] if isinstance(type_, EnumType) else found
    return value


def _above(low: Any, high: Any) -> Any:
    if isinstance(low, str):
        return low + "\0"
    return low + _step(low) if high is None else low + (high - low) / 2


def _below(high: Any) -> Any:
    return "" if isinstance(high, str) else high - _step(high)


def _step(value: Any) -> Any:
    return timedelta(seconds=1) if isinstance(value, datetime | timedelta) else 1


def _any(type_: Type) -> Any:
    if isinstance(type_, StringType):
        return ""
    if isinstance(type_, TimestampType):
        return datetime(2000, 1, 1, tzinfo=UTC)
    return timedelta(0) if isinstance(type_, DurationType) else 0

"""A situation: what is known of a policy's vocabulary at one moment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from jurat.policies.diagnostics import near_miss
from jurat.policies.errors import ValuationError
from jurat.policies.evaluation import evaluate
from jurat.policies.expr import Atom, Fact, History, JourneyState, Observation, key_of
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import FactDeclaration
from jurat.policies.types import Type, Value
from jurat.policies.values import parse_value

_ANY_TOOL_FAILED = 'failed("*")'
_SOME_TOOL_FAILED = re.compile(r'failed\("[^"]*"\)')


@dataclass(frozen=True, slots=True)
class Valuation:
    """Values by key; what is left out is unknown, absent or did not happen, as its kind has it."""

    values: Mapping[str, Value]
    facts: Mapping[str, FactDeclaration]

    def look(self, atom: Atom) -> Value | None:
        """The value of an atom; None is unknown or absent."""
        given = self.values.get(key_of(atom))
        if given is not None or isinstance(atom, Observation):
            return given
        if isinstance(atom, Fact):
            return self.facts[atom.path].default if atom.path in self.facts else None
        if isinstance(atom, History):
            return without_past(atom, self)
        return None if isinstance(atom, JourneyState) else False

    def with_observations(self, truth: Mapping[str, bool | None]) -> Valuation:
        """The same situation with these observations; None makes one unknown."""
        values = {key: value for key, value in self.values.items() if key not in truth}
        values.update((key, value) for key, value in truth.items() if value is not None)
        return replace(self, values=MappingProxyType(values))


def without_past(history: History, now: Valuation) -> Value | None:
    """What a history operator says at the first moment of a session."""
    last = evaluate(history.operands[-1], now.look)
    if history.operator == "previously":
        return False
    if history.operator == "count":
        return 1 if last is True else 0
    return last is True


def valuation_of(graph: PolicyGraph, values: Mapping[str, object]) -> Valuation:
    """Check a mapping from names to plain values against the vocabulary.

    Raises:
        ValuationError: an unknown name, or a value of another type; all of them, a line each.
    """
    if not isinstance(values, Mapping):
        raise ValuationError("a situation is a mapping from names to values")
    names: list[object] = list(values)
    if wrong := [name for name in names if not isinstance(name, str)]:
        raise ValuationError("\n".join(f"`{name}` is not a name" for name in wrong))
    known, faults = graph.types, []
    found: dict[str, Value] = {}
    for name, raw in values.items():
        key = name if name in known else _normalised(name)
        if key not in known:
            faults.append(_unknown(name, known))
        elif raw is not None:
            try:
                found[key] = parse_value(raw, known[key])
            except ValueError as reason:
                faults.append(f"`{name}`: {reason}")
    if faults:
        raise ValuationError("\n".join(faults))
    return Valuation(MappingProxyType(_complete(graph, found)), graph.vocabulary.facts)


def _normalised(name: str) -> str:
    """Inline conditions are known by their text, in which white space and a final stop do not count."""
    return " ".join(name.split()).removesuffix(".")


def _unknown(name: str, known: Mapping[str, Type]) -> str:
    hint = near_miss(name, known)
    return f"the policy knows nothing named `{name}`" + (f"; {hint}" if hint else "")


def _complete(graph: PolicyGraph, values: dict[str, Value]) -> dict[str, Value]:
    """A journey whose state is given is active, one that is not has no state; where one tool failed, some tool did."""
    failed = next((key for key, value in values.items() if _SOME_TOOL_FAILED.fullmatch(key) and value is True), None)
    if failed and not values.setdefault(_ANY_TOOL_FAILED, True):
        raise ValuationError(f"`{failed}` is true, but `{_ANY_TOOL_FAILED}` is false")
    for id_ in graph.journeys:
        active, state = f"journey.{id_}.active", f"journey.{id_}.state"
        if state in values:
            values.setdefault(active, True)
        if state in values and not values[active]:
            raise ValuationError(f"`{state}` is given, but `{active}` is false")
    return values

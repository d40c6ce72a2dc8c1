"""What a situation must be without: the facts and observations that it leaves out, and that would change what it shows.

A minimal situation leaves out what does not matter. Most of what is in force for certain stays so whatever an unknown
turns out to be, but a guard that is not open, or what binds because it is merely possible, may hang on something not
being known. So every value that formulas tell apart is tried; what matters is put back, or else named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from jurat.policies.expr import Atom, Expr, Fact, Observation, key_of
from jurat.policies.graph import PolicyGraph
from jurat.policies.satisfaction import telling
from jurat.policies.slicing import formulas_of
from jurat.policies.types import DurationType, ListType, TimestampType, Value

TRIED = 400
"""Situations that are tried at most for one witness; what was not tried is put back where it had a value."""

Shown = Callable[[dict[str, Value]], bool]
"""Whether a situation shows what it should, or is none that an axiom admits."""


def completed(
    part: PolicyGraph, kept: dict[str, Value], values: Mapping[str, Value], about: Iterable[Atom], shown: Shown
) -> tuple[str, ...]:
    """Put back into ``kept`` what matters of ``values``; the keys of what has to be left without a value."""
    formulas, left, without = list(formulas_of(part, part.entities)), TRIED, []
    for atom in about:
        key = key_of(atom)
        if key in kept or not isinstance(atom, Fact | Observation):
            continue
        others = list(_others(atom, formulas))
        left -= len(others)
        if left >= 0 and all(shown({**kept, key: value}) for value in others):
            continue
        if key in values and shown({**kept, key: values[key]}):
            kept[key] = values[key]
        elif left >= 0:
            without.append(key)
    return tuple(without)


def _others(atom: Fact | Observation, formulas: list[Expr]) -> Iterator[Value]:
    """The values of an atom that formulas can tell apart; of times and lists none are tried."""
    if isinstance(atom.type, ListType | TimestampType | DurationType):
        return
    yield from (value for value in telling(atom.type, formulas, lambda _: None) if value is not None)

"""Policies with sparse relations, on which Jurat and Parlant mean the same."""

from __future__ import annotations

import random

OVERRIDES, REQUIRES = 0.2, 0.1
"""Of the guidelines, how many override, or require, one that stands before them."""

Relations = list[tuple[str, str, str]]


def related(size: int, rng: random.Random) -> tuple[list[str], Relations]:
    """So many guidelines, and what relates them: kind, source, target."""
    names = [f"g{number:04}" for number in range(size)]
    return names, [each for place, name in enumerate(names) for each in _related(name, names[:place], rng)]


def _related(name: str, before: list[str], rng: random.Random) -> Relations:
    drawn = rng.random()
    if not before or drawn > OVERRIDES + REQUIRES:
        return []
    return [("overrides" if drawn < OVERRIDES else "requires", name, rng.choice(before))]


def with_relations(names: list[str], relations: Relations) -> str:
    stated = {source: f", {kind}: [{target}]" for kind, source, target in relations}
    observed = "\n".join(f"  o_{name}: the customer says {name}" for name in names)
    rules = "\n".join(f"  {name}: {{when: o_{name}, action: Say {name}{stated.get(name, '')}}}" for name in names)
    return f"jurat: 1\nobservations:\n{observed}\nguidelines:\n{rules}\n"

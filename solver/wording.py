"""Lists of names, for messages."""

from __future__ import annotations

from collections.abc import Sequence

from jurat.solver.outcome import quoted

NAMED = 5
"""How many names a message repeats."""


def few(names: Sequence[str]) -> str:
    """`a`, `b` and `c`; of many names the first ones, and how many more there are."""
    shown = list(names[:NAMED])
    if len(names) <= NAMED:
        return quoted(shown)
    return ", ".join(f"`{name}`" for name in shown) + f" and {len(names) - NAMED} more"

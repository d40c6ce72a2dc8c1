"""Every limit on what a policy may be; what goes beyond is refused with one clear error."""

from __future__ import annotations

FILE_BYTES = 16 * 1024 * 1024
"""One policy file; refused from its size, before it is read."""

POLICY_BYTES = 64 * 1024 * 1024
"""All files of a policy together."""

FILES = 10_000
"""Files of one policy."""

NODES = 2_000_000
"""Keys and values of one policy, counted as if every alias were written out."""

CHARACTERS_A_NODE = 100
"""A longer text counts as several values, so that aliases cannot multiply long ones either."""

NESTING_LEVELS = 64
"""How deep lists and mappings may stand in each other."""

INCLUDE_LEVELS = 64
"""How long a chain of includes may be."""

NUMBER_DIGITS = 400
"""Digits of a number, its exponent counted as the zeros it stands for."""

QUOTE_CHARACTERS = 200
"""How much of the author's text an error repeats."""

EXCLUSIVE_CONDITIONS = 200
"""Conditions of one ``exclusive`` or ``one_of``, which stands for all their pairs."""

MESSAGE_CHARACTERS = 500
"""The longest message of an error, which may hold names that the author chose."""

TOOL_RETRIES = 20
"""Further attempts of a failed call that a policy may ask for."""

DIAGNOSTICS = 1_000
"""Faults reported at once; one more says that there are others."""

NEAR_MISS_COMPARISONS = 200_000
"""Pairs of names compared in search of near misses, over one policy."""

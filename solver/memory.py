"""How much memory Z3 may take."""

from __future__ import annotations

import z3


def bound_memory(megabytes: int) -> None:
    """Let Z3 take so much memory at most in this process; beyond that it gives up what it does."""
    z3.set_param("memory_max_size", megabytes)

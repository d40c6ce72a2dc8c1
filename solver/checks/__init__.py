"""The questions asked of every policy, one file each; a file's docstring is its documentation page."""

from __future__ import annotations

from types import ModuleType

from jurat.solver.checks import (
    conflicting_actions,
    dead_guideline,
    inconsistent_axioms,
    override_cycle,
    paradox,
    shadowed_guideline,
    undeclared_overlap,
    vacuous_condition,
)

CHECKS: tuple[ModuleType, ...] = (
    inconsistent_axioms,
    conflicting_actions,
    paradox,
    override_cycle,
    dead_guideline,
    shadowed_guideline,
    vacuous_condition,
    undeclared_overlap,
)
"""In the order they run.

Each has a ``CHECK``; ``entities(graph)``, which entities it will ask about together, so that they share a solver; and
``run(prover)``, an outcome for every question it asks.
"""

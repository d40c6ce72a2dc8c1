"""The questions asked of every policy, one file each; a file's docstring is its documentation page."""

from __future__ import annotations

from types import ModuleType

from jurat.solver.checks import (
    circular_support,
    conflicting_actions,
    constant_comparison,
    dead_guideline,
    inconsistent_axioms,
    override_cycle,
    paradox,
    redundant_axiom,
    shadowed_guideline,
    undeclared_overlap,
    vacuous_condition,
)

CHECKS: tuple[ModuleType, ...] = (
    inconsistent_axioms,
    conflicting_actions,
    paradox,
    override_cycle,
    circular_support,
    dead_guideline,
    shadowed_guideline,
    vacuous_condition,
    constant_comparison,
    redundant_axiom,
    undeclared_overlap,
)
"""In the order they run.

Each has a ``CHECK``; ``entities(graph)``, which entities it will ask about together, so that they share a solver; and
``run(prover)``, an outcome for every question it asks.
"""

"""The questions asked of every policy, one file each; a file's docstring is its documentation page."""

from __future__ import annotations

from types import ModuleType

from jurat.solver.checks import (
    argument_bound,
    broken_invariant,
    circular_support,
    conflicting_actions,
    constant_comparison,
    correlated_guidelines,
    coverage_gap,
    dead_guideline,
    defeated_defeater,
    endless_journey,
    generalised_guideline,
    inconsistent_axioms,
    ordering_conflict,
    overlapping_transitions,
    override_cycle,
    paradox,
    redundant_axiom,
    redundant_guideline,
    shadowed_guideline,
    stuck_state,
    transfer_loop,
    undeclared_overlap,
    unguarded_tool,
    unopenable_guard,
    unprovided_fact,
    unreachable_state,
    vacuous_condition,
)

CHECKS: tuple[ModuleType, ...] = (
    inconsistent_axioms,
    conflicting_actions,
    ordering_conflict,
    paradox,
    override_cycle,
    circular_support,
    dead_guideline,
    shadowed_guideline,
    redundant_guideline,
    generalised_guideline,
    correlated_guidelines,
    defeated_defeater,
    vacuous_condition,
    constant_comparison,
    redundant_axiom,
    coverage_gap,
    unguarded_tool,
    unopenable_guard,
    argument_bound,
    undeclared_overlap,
    broken_invariant,
    unreachable_state,
    stuck_state,
    overlapping_transitions,
    endless_journey,
    unprovided_fact,
    transfer_loop,
)
"""In the order they run.

Each has a ``CHECK``; and ``run(prover)``, an outcome for every question it asks.
"""

LOCAL: tuple[ModuleType, ...] = (
    conflicting_actions,
    paradox,
    override_cycle,
    circular_support,
    dead_guideline,
    shadowed_guideline,
    redundant_guideline,
    generalised_guideline,
    correlated_guidelines,
    defeated_defeater,
    vacuous_condition,
    unguarded_tool,
    unopenable_guard,
    argument_bound,
)
"""Those that are asked part by part: their ``entities(graph)`` say which entities have to be in one part.

The others are asked once, about the policy as a whole.
"""

"""Smallest sets of edits that make findings go away: found, verified, and ranked by how little behaviour they change."""

from jurat.solver.repair.edits import AddAxiom, Edit, Narrow, Override, Release, Require, Reverse, applied
from jurat.solver.repair.search import Alternative, Problem, Repairs, repairs

__all__ = [
    "AddAxiom",
    "Alternative",
    "Edit",
    "Narrow",
    "Override",
    "Problem",
    "Release",
    "Repairs",
    "Require",
    "Reverse",
    "applied",
    "repairs",
]

"""What the author wrote and what it means."""

from __future__ import annotations

import os
from collections.abc import Mapping

from jurat.policies.errors import InternalError, JuratError, PolicyError, RefusedTurn, ValuationError
from jurat.policies.findings import Finding, Proof, Report, Severity, Status, Verdict
from jurat.policies.graph import PolicyGraph, build_graph
from jurat.policies.reader import read_policy
from jurat.policies.resolution import ActionInForce, Drop, Resolution
from jurat.policies.semantics import resolve
from jurat.policies.valuation import Valuation, valuation_of

__all__ = [
    "ActionInForce",
    "Drop",
    "Finding",
    "InternalError",
    "JuratError",
    "PolicyError",
    "PolicyGraph",
    "Proof",
    "RefusedTurn",
    "Report",
    "Resolution",
    "Severity",
    "Status",
    "Valuation",
    "ValuationError",
    "Verdict",
    "build_graph",
    "load",
    "read_policy",
    "resolve",
    "valuation_of",
]


def load(source: str | os.PathLike[str] | Mapping[str, str]) -> PolicyGraph:
    """Read a policy (a file, a folder, YAML text, or the texts of files by name) and build its graph.

    Files that are given as texts include each other only, and nothing from the disk.

    Raises:
        PolicyError: everything that is wrong with it, with spans.
    """
    return build_graph(read_policy(source))

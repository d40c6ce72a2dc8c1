"""Certificates: the evidence for every claim about a policy, written down so that it can be checked without a solver."""

from __future__ import annotations

from jurat.solver.certificates.write import certificate, write

__all__ = ["certificate", "write"]

"""The exceptions of Jurat: one root, and one class a reason to stop.

JuratError
├── PolicyError      the policy text is wrong; every fault of it, with spans
├── ValuationError   the situation asked about does not fit the policy's vocabulary
├── RefusedTurn      trusted facts contradict the policy's axioms
└── InternalError    Jurat itself is wrong; never shown as a finding
"""

from __future__ import annotations

from collections.abc import Sequence

from jurat.policies.diagnostics import Diagnostic


class JuratError(Exception):
    """The root of all errors raised on purpose."""


class PolicyError(JuratError):
    """A policy that cannot be read or does not type-check; carries every diagnostic found."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics = tuple(sorted(diagnostics))
        super().__init__("\n".join(str(each) for each in self.diagnostics))


class ValuationError(JuratError):
    """A valuation names something the policy does not know, or gives it a value of another type."""


class RefusedTurn(JuratError):
    """Facts, events or history falsify an axiom: the application contradicts the policy."""


class InternalError(JuratError):
    """Two parts of Jurat disagree; a bug of ours, to be reported with the policy."""

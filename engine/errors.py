"""What can stop the engine; all are :class:`~jurat.policies.errors.JuratError`.

EngineError
├── UnprovedPolicy    no report whose gate passed for exactly this policy
├── ToolLoadError     a tool's implementation cannot be found, imported or understood
├── FactRefused       a fact that the application may not write, or with a value of another type
└── TurnRefused       a message or event that a turn cannot begin with
"""

from __future__ import annotations

from jurat.policies.errors import JuratError


class EngineError(JuratError):
    """The engine cannot do what was asked of it."""


class UnprovedPolicy(EngineError):
    """A policy without a report that passed, and nobody said that it may run unproved."""


class ToolLoadError(EngineError):
    """The implementations of a policy's tools cannot be loaded; every fault, a line each."""


class FactRefused(EngineError):
    """A fact that is unknown, of another type, or for tools alone to write."""


class TurnRefused(EngineError):
    """A message too long, an event that nobody declared, or a session that has ended."""

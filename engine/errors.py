"""What can stop the engine; all are :class:`~jurat.policies.errors.JuratError`.

EngineError
├── UnprovedPolicy    no report whose gate passed for exactly this policy
├── ToolLoadError     a tool's implementation cannot be found, imported or understood
├── FactRefused       a fact that the application may not write, or with a value of another type
├── OutcomeUnknown    what a tool was to do may have been done, and nothing says so
│   └── NotJson       a tool has given what no JSON can say
├── TurnRefused       a message or event that a turn cannot begin with
├── TurnSuperseded    a newer message came, and is answered together with this one
├── Overloaded        so many ask the model that this turn did not come to it in time, and was not begun
├── HookFailed        a function of the application that may stop a turn has failed
└── StoreError        what is to survive cannot be written or read now
    └── SessionMoved  another server has gone on with the session meanwhile
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jurat.policies.errors import JuratError

if TYPE_CHECKING:
    from jurat.engine.trace import Trace


class EngineError(JuratError):
    """The engine cannot do what was asked of it."""


class UnprovedPolicy(EngineError):
    """A policy without a report that passed, and nobody said that it may run unproved."""


class ToolLoadError(EngineError):
    """The implementations of a policy's tools cannot be loaded; every fault, a line each."""


class FactRefused(EngineError):
    """A fact that is unknown, of another type, or for tools alone to write."""


class OutcomeUnknown(EngineError):
    """What a tool sent may have been carried out, and no answer says so."""


class NotJson(OutcomeUnknown, ValueError):
    """What a tool gave cannot be kept, though it may have done what it was to do."""

    def __init__(self, what: str = "it") -> None:
        super().__init__(f"its result is nothing that can be kept: JSON cannot say {what}")


class TurnRefused(EngineError):
    """A message too long, an event that nobody declared, or a session that has ended."""


class TurnSuperseded(EngineError):
    """The turn was ended for a newer message, which is answered together with its own; ``trace`` is of what it had done."""

    def __init__(self, trace: Trace) -> None:
        super().__init__("a newer message came; both are answered together")
        self.trace = trace


class Overloaded(EngineError):
    """So many conversations wait for the model that this one did not come to it in time; nothing of it was taken."""

    def __init__(self) -> None:
        super().__init__("too many conversations at once; try again in a moment")


class HookFailed(EngineError):
    """A function of the application that may stop a turn has failed, and so stopped it; ``__cause__`` is what it raised."""


class StoreError(EngineError):
    """The store cannot be reached, is full, or refuses what it was given; what was acknowledged before is not lost."""


class SessionMoved(StoreError):
    """The stored session is newer than this one: another server has gone on with it. It has to be loaded again."""

    def __init__(self, id_: str) -> None:
        super().__init__(f"the session `{id_:.80}` was continued elsewhere; try again")

"""What the turn owes and has not done: the calls that something in force obliges and that were not made, or failed."""

from __future__ import annotations

from dataclasses import dataclass

from jurat.engine.match import Decision
from jurat.engine.parameters import Ask
from jurat.engine.turn import Working
from jurat.policies.model import Call, Offer

_UNDONE = ("failed", "refused", "unknown")
_OPEN = ("missing", "invalid", "waiting")
"""What is owed only while something in force still wants it."""


@dataclass(frozen=True, slots=True)
class Debt:
    """A call owed. ``asks``: the arguments to ask for; ``again``: those that were given and do not fit.

    ``secret``: arguments are missing that nobody is asked for, so the reason is none for the customer.
    """

    tool: str
    reason: str
    asks: tuple[Ask, ...] = ()
    again: bool = False
    secret: bool = False


def debts(working: Working, decision: Decision) -> tuple[Debt, ...]:
    """One for each tool that was wanted and did not succeed, with the last thing that is known of it."""
    calls = {(each.guideline, each.action.tool) for each in decision.actions if isinstance(each.action, Call)}
    offers = {each.action.tool for each in decision.actions if isinstance(each.action, Offer)}
    wanted = offers | {tool for _, tool in calls}
    last = {record.tool: record.status for record in working.trace.calls}
    owed = {tool for guideline, tool in calls if (guideline, tool) not in working.fulfilled}
    owed |= {tool for tool, status in last.items() if status in _UNDONE or (status in _OPEN and tool in wanted)}
    return tuple(_debt(working, tool) for tool in sorted(owed))


def _debt(working: Working, tool: str) -> Debt:
    records = [record for record in working.trace.calls if record.tool == tool]
    if not records:
        return Debt(tool, "it was not called any more in this turn")
    last = records[-1]
    if last.status == "succeeded":
        return Debt(tool, "it was not called again in this turn")
    secret = bool(last.missing) and not last.asks
    return Debt(tool, last.reason, last.asks, again=last.status == "invalid", secret=secret)

"""What the turn owes and has not done: the calls that something in force obliges and that were not made, or failed."""

from __future__ import annotations

from dataclasses import dataclass

from jurat.engine.match import Decision
from jurat.engine.turn import Working
from jurat.policies.model import Call


@dataclass(frozen=True, slots=True)
class Debt:
    """A call owed. ``missing``: the arguments to ask for; ``again``: those that were given and do not fit."""

    tool: str
    reason: str
    missing: tuple[str, ...] = ()
    again: bool = False


def debts(working: Working, decision: Decision) -> tuple[Debt, ...]:
    """One for each tool that was wanted and did not succeed, with the last thing that is known of it."""
    owed = {
        each.action.tool
        for each in decision.actions
        if isinstance(each.action, Call) and (each.guideline, each.action.tool) not in working.fulfilled
    }
    last = {record.tool: record for record in working.trace.calls}
    owed |= {tool for tool, record in last.items() if record.status != "succeeded"}
    return tuple(_debt(working, tool) for tool in sorted(owed))


def _debt(working: Working, tool: str) -> Debt:
    records = [record for record in working.trace.calls if record.tool == tool]
    if not records:
        return Debt(tool, "it was not called any more in this turn")
    last = records[-1]
    return Debt(tool, last.reason, last.missing, again=last.status == "invalid")

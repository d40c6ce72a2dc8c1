"""What a tool sends while it runs: messages are checked as replies are, and everything is written in the trace."""

from __future__ import annotations

from dataclasses import replace

from jurat.engine.briefing import briefing
from jurat.engine.check import check
from jurat.engine.context import Emission
from jurat.engine.limits import Limits
from jurat.engine.match import Decision, Knowledge
from jurat.engine.results import plain
from jurat.engine.turn import Working
from jurat.engine.wellformed import document, whole
from jurat.llm import Judge, Message
from jurat.policies.model import Agent


async def emitted(
    judge: Judge, knowledge: Knowledge, decision: Decision, emission: Emission, *, agent: Agent, limits: Limits
) -> bool:
    """Send an emission, unless it is a message that breaks what is forbidden; whether it was sent."""
    working = knowledge.working
    if emission.kind == "message":
        text = whole(str(emission.data)).strip()
        brief = briefing(knowledge.graph, agent, working, decision, limits)
        standards = replace(brief.standards, instructions=(), asks=(), figures=False)
        verdict = await check(judge, working, text, standards)
        if verdict.faults:
            working.trace.notes.append(f"a message of `{emission.tool}` was not sent: {'; '.join(verdict.faults)}")
            return False
        working.state.messages = (*working.state.messages, Message("agent", text))
        working.happen("reply")
    send(working, emission)
    return True


def send(working: Working, emission: Emission) -> None:
    """Send an emission that is no message, for nothing is said unchecked.

    Raises:
        ValueError, TypeError, RecursionError: no JSON can say its data, so that no trace could keep it.
    """
    shown = replace(emission, data=plain(emission.data))
    document(shown.data)
    working.trace.emitted.append(shown)
    if working.on_emit is not None:
        working.on_emit(shown)

"""A first sentence while tools run: one of the canned replies that the agent names for it, checked like any other.

It is said once a turn, to somebody who listens, and only when calls take longer than a moment. It is the beginning of the
reply: it is recorded with it, and once it has left the turn is carried to its end.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from jurat.engine.act import Hands
from jurat.engine.briefing import briefing
from jurat.engine.check import check
from jurat.engine.consequences import release
from jurat.engine.fields import generative, text_of
from jurat.engine.match import Decision
from jurat.engine.task import Task
from jurat.engine.turn import Working
from jurat.policies.graph import PolicyGraph
from jurat.policies.model import Agent, Call, Forbid, Offer
from jurat.policies.templates import TemplateFault


@asynccontextmanager
async def preamble(
    hands: Hands, graph: PolicyGraph, agent: Agent, working: Working, decision: Decision
) -> AsyncIterator[None]:
    """Say one while what is inside takes its time."""
    if not agent.preamble or working.on_text is None or working.sent or working.trace.message is None:
        yield
        return
    working.calling.clear()
    saying = asyncio.create_task(_say(hands, graph, agent, working, decision))
    try:
        yield
    finally:
        saying.cancel()
        await asyncio.wait([saying])
        if not saying.cancelled() and (reason := saying.exception()):
            raise reason


async def _say(hands: Hands, graph: PolicyGraph, agent: Agent, working: Working, decision: Decision) -> None:
    await working.calling.wait()
    await asyncio.sleep(hands.limits.preamble_seconds)
    task = Task(hands, graph, agent, working, decision, briefing(graph, agent, working, decision, hands.limits))
    if (text := _text(task)) is None:
        return
    wanted = tuple(
        dict.fromkeys(each.action.tool for each in decision.actions if isinstance(each.action, Call | Offer))
    )
    standards = replace(task.brief.standards, claims=wanted, instructions=(), asks=(), figures=False)
    with working.step("check", "checking the preamble"):
        verdict = await check(hands.judge, working, text, standards)
    if verdict.faults:
        working.trace.notes.append(f"the preamble was not sent: {'; '.join(verdict.faults)}")
    else:
        await release(hands.store, working, text + " ")


def _text(task: Task) -> str | None:
    """The preambles take turns; None where this one is forbidden or cannot be filled in."""
    ids = task.agent.preamble
    reply = task.graph.vocabulary.replies[ids[task.working.state.turns % len(ids)]]
    banned = {each.action.target for each in task.decision.actions if isinstance(each.action, Forbid)}
    if reply.id in banned or generative(reply):
        return None
    try:
        return text_of(reply, task.fields)
    except TemplateFault:
        return None

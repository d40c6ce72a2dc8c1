"""A call that somebody outside of the conversation asks for, under everything that a turn's own calls are under.

What is in force is resolved first, the last message of the customer judged as it stands. Then the call goes through the same
door as a turn's: something in force has to call or offer the tool, nothing may forbid it, its guard and what is said of its
arguments have to hold, and a consequential call is written down before it is made. It is a turn of its own, with a trace.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from jurat.engine import act, consequences
from jurat.engine.effects import without_passing
from jurat.engine.engine import Engine
from jurat.engine.errors import TurnRefused
from jurat.engine.match import Decision, Knowledge
from jurat.engine.places import Place, Places
from jurat.engine.session import Session
from jurat.engine.toolbox import constraints
from jurat.engine.trace import CallRecord
from jurat.engine.turn import Working
from jurat.llm.conversation import latest_customer_text
from jurat.policies.evaluation import evaluate
from jurat.policies.model import Call, Offer

# ruff: noqa: SLF001 - it is the other way into the engine, and does what a turn does with a turn's own parts


async def call(
    engine: Engine, session: Session, tool: str, arguments: Mapping[str, Any], places: Places | None = None
) -> CallRecord:
    """Make a call if the policy admits it; the record says what became of it, or why it was refused.

    ``places`` are as in :meth:`jurat.engine.Engine.turn`.

    Raises:
        TurnRefused: the policy has no such tool, the session has ended, or a human answers it.
        RefusedTurn: facts contradict the policy's axioms.
        Overloaded: it did not come to the model in time.
        StoreError: a consequential call, or the turn, cannot be stored. The call is not made if it was not begun.
    """
    if tool not in engine.graph.vocabulary.tools:
        raise TurnRefused(f"the policy has no tool `{tool:.80}`")
    async with engine._running(), session.lock, Place(places).taken() as place:
        if session.state.ended or session.mode == "manual":
            raise TurnRefused("the session has ended" if session.state.ended else "a human answers this session")
        working = engine._begin(session, None, None, None)
        working.received, working.place = True, place
        working.trace.notes.append(f"a call of `{tool}` was asked for from outside of the conversation")
        try:
            record = await _made(engine, working, tool, arguments)
            working.state.completed = working.state.turns
            state = without_passing(working)
            await engine.store.save(session, state, working.trace.as_json())
        except BaseException as error:
            await engine._give_up(working, error)
            raise
        session.state = state
        consequences.forget_settled(session)
    return record


async def _made(engine: Engine, working: Working, tool: str, arguments: Mapping[str, Any]) -> CallRecord:
    working.trace.message = latest_customer_text(working.state.messages) or None
    working.begin_round()
    knowledge = Knowledge(engine.graph, engine._sensor, working)
    decision = await engine._resolve(knowledge)
    wanted = act.Wanted(tool, _owners(decision, tool), {**_fixed(knowledge, decision, tool), **arguments})
    await knowledge.ask(act._observations(engine._hands, knowledge, decision, [wanted]))
    with working.step("act", f"calling {tool}"):
        async with working.place.lent():
            await act._make(engine._hands, knowledge, decision, wanted)
    working.trace.message = None
    working.trace.seconds = time.perf_counter() - working.began
    return working.trace.calls[-1]


def _owners(decision: Decision, tool: str) -> tuple[str, ...]:
    """What in force calls or offers the tool."""
    found = {
        each.guideline
        for each in decision.actions
        if isinstance(each.action, Call | Offer) and each.action.tool == tool
    }
    return tuple(sorted(found))


def _fixed(knowledge: Knowledge, decision: Decision, tool: str) -> dict[str, Any]:
    """The arguments that the policy gives itself; whoever gives others is refused."""
    found = {
        each.argument: evaluate(each.value, knowledge.now.look)
        for _, each in constraints(tool, decision.actions)
        if each.value is not None
    }
    return {name: value for name, value in found.items() if value is not None}

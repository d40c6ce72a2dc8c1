"""What was cut short when a process ended: found when a session is loaded, and said in its conversation and trace."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from jurat.engine.consequences import UNKNOWN, unknown_message
from jurat.engine.errors import TurnRefused
from jurat.engine.facts import provided, with_written
from jurat.engine.session import Call, Session, State
from jurat.engine.store.protocol import Store
from jurat.engine.tools import ToolResult, plain
from jurat.engine.trace import CallRecord, Trace
from jurat.llm import Message
from jurat.policies.graph import PolicyGraph

STOPPED = "this turn was cut short when its server stopped, and {} was sent"


async def recovered(store: Store, session: Session, clock: Callable[[], float]) -> None:
    """Write into a session what became of it when its process ended. Calls without an outcome are unknown from now on.

    Raises:
        StoreError: it cannot be written.
    """
    if session.lock.locked():
        return
    handed_on = await _was_handed_on(store, session)
    if not handed_on and not await _was_cut_short(store, session):
        return
    async with session.lock:
        begun = [each for each in session.calls.values() if each.status == "begun"]
        lost = [each for each in begun if each.owner == store.owner or not await store.alive(each.owner)]
        state, before = session.state.copy(), dict(session.calls)
        state.turns += handed_on  # the turn of whoever was to answer, which did not begin
        for call in lost:
            ended = replace(call, status="unknown", ended=clock(), message="the server stopped while it ran")
            session.calls[call.key] = ended
            state.messages = (*state.messages, unknown_message(call))
            state.happen(clock(), f'called("{call.tool}")', 'called("*")')
            state.happen(clock(), f'failed("{call.tool}")', 'failed("*")')
        try:
            await store.save(session, state, _trace(session, state).as_json(), durable=True)
        except BaseException:
            session.calls = before
            raise
        session.state = state


async def _was_cut_short(store: Store, session: Session) -> bool:
    """Whether its last turn came to no end of any kind, and no process is left that could bring it to one."""
    state = session.state
    if state.turns == state.completed and not any(each.status == "begun" for each in session.calls.values()):
        return False
    if await store.trace(session.id, state.turns) is not None:
        return False
    return session.saved.writer == store.owner or not await store.alive(session.saved.writer)


async def _was_handed_on(store: Store, session: Session) -> bool:
    """Whether an agent handed its last message on to another one, and the process ended before that one's turn began."""
    state = session.state
    said = [each.role for each in state.messages if each.role in ("customer", "agent")]
    if state.mode == "manual" or state.turns != state.completed or said[-1:] != ["customer"]:
        return False
    trace = await store.trace(session.id, state.turns)
    if trace is None or trace["handed_to"] is None or trace["reply"] is not None:
        return False
    return session.saved.writer == store.owner or not await store.alive(session.saved.writer)


def _trace(session: Session, state: State) -> Trace:
    """The trace of the turn that was cut short, as far as it is known."""
    said = next((each.text for each in reversed(state.messages) if each.role == "customer"), None)
    trace = Trace(
        session.id,
        state.turns,
        state.policy,
        False,
        state.agent,
        "",
        "",
        said,
        None,
        notes=[STOPPED.format(_sent(state))],
    )
    for call in (each for each in session.calls.values() if each.turn == state.turns):
        status = call.status if call.status in ("succeeded", "failed") else "unknown"
        trace.calls.append(
            CallRecord(
                call.tool, 0, call.guidelines, call.arguments, status, UNKNOWN if status == "unknown" else "",
                call.message, data=call.data, key=call.key,
            )
        )  # fmt: skip
    return trace


def _sent(state: State) -> str:
    """What a customer has seen of the reply: the beginning, where that is stored after the message."""
    said = [each.role for each in state.messages if each.role in ("customer", "agent")]
    return "only the beginning of the reply" if said[-1:] == ["agent"] else "nothing"


def resolved(
    graph: PolicyGraph, session: Session, state: State, key: str, result: ToolResult, *, by: str, now: float
) -> Call:
    """Give a call without an outcome the one that somebody found out, as if the tool had returned it now.

    Raises:
        TurnRefused: there is no such call, or its outcome is known.
    """
    call = session.calls.get(key)
    if call is None or call.status != "unknown":
        raise TurnRefused("this conversation has no such call without an outcome")
    status = "failed" if result.error else "succeeded"
    declared = graph.vocabulary.tools.get(call.tool)
    if declared is not None and not result.error:
        written, _ = provided(declared, graph.vocabulary.facts, result)
        state.facts = with_written(state.facts, written)
    state.messages = (*state.messages, Message("tool", f"{call.tool}: {result.message}"))
    state.happen(now, f'{status}("{call.tool}")', f'{status}("*")')
    ended = replace(
        call, status="failed" if result.error else "succeeded", ended=now, message=result.message,
        data=_data(result.data), resolved_by=by,
    )  # fmt: skip
    session.calls[key] = ended
    return ended


def _data(data: Any) -> Mapping[str, Any]:
    found = plain(data)
    return found if isinstance(found, dict) else {}

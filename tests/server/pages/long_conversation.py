"""A stored conversation of many turns, each with a trace of its own: one real turn, told over and over."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from jurat.engine import Engine, Toolbox
from jurat.engine.store import open_store
from jurat.llm import Message
from jurat.llm.scripted import ScriptedJudge, ScriptedVoice
from jurat.policies import load

ID = "long"


def written(policy: Path, database: Path, turns: int) -> None:
    """Write it into a database."""
    asyncio.run(_written(policy, database, turns))


async def _written(policy: Path, database: Path, turns: int) -> None:
    graph = load(policy)
    store = await open_store(str(database))
    voice = ScriptedVoice(
        arguments={"check_order_status": {"order_id": "1042"}, "verify_return_policy": {"order_id": "1042"}}
    )
    engine = Engine(
        graph, ScriptedJudge({"asks_refund": True}, default=False), voice, Toolbox.load(graph, policy), unproved=True, store=store
    )  # fmt: skip
    try:
        session = engine.start_session(id=ID, customer={"id": "c-7", "name": "Mira Lindqvist"})
        first = (await engine.turn(session, "I want a refund for order 1042")).trace.as_json()
        for number in range(2, turns + 1):
            said = (Message("customer", f"Question {number}"), Message("agent", f"Answer {number}"))
            session.state = replace(session.state, messages=(*session.state.messages, *said), turns=number)
            trace = {**first, "turn": number, "message": f"Question {number}", "reply": f"Answer {number}"}
            await store.save(session, session.state, trace)
    finally:
        await store.close()

"""Turns of Parlant's engine with a model that answers at once; needs `pip install parlant`, and nothing of ours.

In, as JSON on standard input: ``{"guidelines": [[condition, action]], "messages": [text], "folder": …}``. Out: ``{"version": …,
"seconds": [a turn], "processor": [a turn], "replies": …}``. Sessions are stored in Parlant's own files (`session_store="local"`). Of the
guidelines that are asked about in one prompt the first applies, and the reply is one sentence.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

GIVEN = json.load(sys.stdin)
os.environ["PARLANT_HOME"] = GIVEN["folder"]
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import parlant.sdk as p  # noqa: E402 - it reads the environment when it is imported
from parlant.core.agents import AgentId  # noqa: E402
from parlant.core.customers import CustomerStore  # noqa: E402
from parlant.core.emission.event_buffer import EventBuffer  # noqa: E402
from parlant.core.engines.types import Context, Engine  # noqa: E402
from parlant.core.sessions import EventKind, EventSource, SessionStore  # noqa: E402
from parlant_model import serve  # noqa: E402


async def turns(server: Any, agent: Any) -> None:
    """Every message as a turn of its session, two a session; the result to standard output, and the end."""
    await server.ready.wait()
    container = server.container
    engine, sessions = container[Engine], container[SessionStore]
    customer = (await container[CustomerStore].list_customers()).items[0]
    took, used, replies = [], [], 0
    session = None
    for number, message in enumerate(GIVEN["messages"]):
        if number % 2 == 0:
            session = await sessions.create_session(customer.id, AgentId(agent.id))
        data = {"message": message, "participant": {"id": customer.id, "display_name": customer.name}}
        started, processor = time.perf_counter(), time.process_time()
        await sessions.create_event(session.id, EventSource.CUSTOMER, EventKind.MESSAGE, f"t{number}", data)
        buffer = (
            EventBuffer(await server.container[p.AgentStore].read_agent(AgentId(agent.id)))
            if hasattr(p, "AgentStore")
            else None
        )
        await engine.process(Context(session.id, AgentId(agent.id)), buffer)
        for event in buffer.events:
            await sessions.create_event(session.id, event.source, event.kind, event.trace_id, event.data)
        took.append(time.perf_counter() - started)
        used.append(time.process_time() - processor)
        replies += sum(event.kind == EventKind.MESSAGE for event in buffer.events)
    said = {"version": version("parlant"), "seconds": took, "processor": used, "replies": replies}
    sys.__stdout__.write("\n" + json.dumps(said) + "\n")
    sys.__stdout__.flush()
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(serve(GIVEN, turns))

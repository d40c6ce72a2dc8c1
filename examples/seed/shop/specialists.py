"""Specialists, and handing a conversation to one of them with all that is known."""

from __future__ import annotations

from typing import Any

import jurat.sdk as p

from .records import record


async def specialist(server: p.Server, name: str, description: str) -> p.Agent:
    """An agent for one kind of question."""
    agent = await server.create_agent(name=f"{name.capitalize()}Agent", description=description, id=name)
    await agent.create_guideline(condition=f"The customer asks the {name} desk something", action=f"Answer for {name}")
    return agent


async def initiate_agent_transfer(agent: str, data: dict[str, Any]) -> None:
    """Let another agent answer from the next message on, and keep why."""
    session = p.Session.current
    await session.update(agent=agent)
    history = [f"{each.role}: {each.text}" for each in data["conversation_history"]]
    await record("transfer", {"session": session.id, "to": agent, "reason": data["transfer_reason"], "history": history})

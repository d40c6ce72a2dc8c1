"""Tools of a service desk, and its guidelines that are not about security."""

from __future__ import annotations

import re
from typing import Any

import jurat.sdk as p

from .database import get_db_connection
from .records import record

PERSONAL = re.compile(r"\b(?:\d[ -]?){13,19}\b|\b\d{3}-\d{2}-\d{4}\b")
"""Numbers of payment cards and of social security."""


@p.tool
async def verify_identity(context: p.ToolContext, customer_id: str, postcode: str) -> p.ToolResult:  # noqa: ARG001
    """Check who the customer is by their id and postcode."""
    async with get_db_connection() as conn:
        known = await conn.fetchrow("SELECT postcode FROM customers WHERE id = $1", customer_id)
    if known is None or known["postcode"] != postcode:
        return p.ToolResult("The answers do not match.", error=True)
    return p.ToolResult("The identity is confirmed.", data={"customer_id": customer_id})


@p.tool
async def verify_mfa(context: p.ToolContext, code: str) -> p.ToolResult:  # noqa: ARG001
    """Check the code of the customer's second factor."""
    async with get_db_connection() as conn:
        known = await conn.fetchval("SELECT content FROM records WHERE kind = 'mfa' ORDER BY id DESC LIMIT 1")
    if known is None or known.strip('"') != code:
        return p.ToolResult("The code is wrong.", error=True)
    return p.ToolResult("The second factor is confirmed.")


@p.tool
async def verify_return_policy(context: p.ToolContext, order_id: str) -> p.ToolResult:  # noqa: ARG001
    """Say whether an order can be returned."""
    async with get_db_connection() as conn:
        status = await conn.fetchval("SELECT status FROM orders WHERE id = $1", order_id)
    if status is None:
        return p.ToolResult("There is no such order.", error=True)
    return p.ToolResult(f"Order {order_id} can be returned." if status == "shipped" else f"Order {order_id} can be cancelled.")


@p.tool
async def transfer_to_human(context: p.ToolContext) -> p.ToolResult:
    """Hand the conversation to a person."""
    await p.Session.current.update(mode="manual")
    await record("transfer", {"session": context.session_id, "to": "human"})
    return p.ToolResult("A colleague takes over.")


@p.tool
async def clear_sensitive_data(context: p.ToolContext) -> p.ToolResult:
    """Note that numbers of cards or of social security were said, without the numbers."""
    found = sum(len(PERSONAL.findall(each.text)) for each in context.conversation_history if each.role == "customer")
    await record("cleared", {"session": context.session_id, "numbers": found})
    return p.ToolResult("Nothing of it was kept.")


async def setup_business_guidelines(agent: Any) -> None:
    """What the shop wants besides."""
    await agent.create_guideline(
        condition="Customer asks for opening hours", action="Say that the shop is open from nine to six on weekdays"
    )

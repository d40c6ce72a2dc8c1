"""What is written down: metrics, errors, audits, feedback; all of it in the shop's database."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import Any

import aiohttp

import jurat.sdk as p

from .database import get_db_connection


async def record(kind: str, content: Any) -> None:
    """Keep a record of a kind."""
    async with get_db_connection() as conn:
        text = json.dumps(content, ensure_ascii=False, default=str)
        await conn.execute("INSERT INTO records (kind, at, content) VALUES ($1, $2, $3)", kind, datetime.now(UTC).isoformat(), text)


async def records(kind: str) -> list[Any]:
    """All records of a kind, oldest first."""
    async with get_db_connection() as conn:
        rows = await conn.fetch("SELECT content FROM records WHERE kind = $1 ORDER BY id", kind)
    return [json.loads(row["content"]) for row in rows]


async def save_metrics(metrics: dict[str, Any]) -> None:
    """Keep the metrics of a conversation."""
    await record("metrics", metrics)


async def save_to_timeseries_db(metrics: dict[str, Any]) -> None:
    """Keep the metrics of a session."""
    await record("session", metrics)


async def update_dashboard(metrics: dict[str, Any]) -> None:
    """Note what a dashboard would show."""
    await record("dashboard", metrics)


async def save_audit_log(entry: dict[str, Any]) -> None:
    """Keep an entry of the audit log."""
    await record("audit", entry)


async def save_feedback(feedback: dict[str, Any]) -> None:
    """Keep what a customer thinks."""
    await record("feedback", feedback)


async def trigger_quality_alert(feedback: dict[str, Any]) -> None:
    """Tell the webhook QUALITY_WEBHOOK of bad feedback, if there is one; it is kept in any case."""
    await record("alert", feedback)
    if url := os.environ.get("QUALITY_WEBHOOK"):
        async with aiohttp.ClientSession() as session, session.post(url, json=feedback) as response:
            response.raise_for_status()


async def log_action(**action: Any) -> None:
    """Keep what an agent did."""
    await record("action", action)


async def log_payment_success(gateway: str, payment: dict[str, Any]) -> None:
    """Keep that a payment went through, without what it was paid with."""
    await record("payment", {"gateway": gateway, "amount": payment.get("amount"), "succeeded": True})


async def log_payment_failure(gateway: str, reason: str, payment: dict[str, Any]) -> None:
    """Keep that a gateway failed."""
    await record("payment", {"gateway": gateway, "amount": payment.get("amount"), "reason": reason, "succeeded": False})


async def log_tool_error(tool: str, reason: str, context: p.ToolContext) -> None:
    """Keep that a tool failed, and where."""
    await record("error", {"tool": tool, "reason": reason, "session": context.session_id})


@p.tool
async def log_error(context: p.ToolContext) -> p.ToolResult:
    """Keep the details of what has failed."""
    said = [each.text for each in context.conversation_history if each.role == "tool"]
    await record("error", {"tool": "conversation", "reason": said[-1] if said else "", "session": context.session_id})
    return p.ToolResult("the error was logged")


@p.tool
async def provide_fallback(context: p.ToolContext) -> p.ToolResult:  # noqa: ARG001
    """What to say where a tool has failed."""
    return p.ToolResult("Something did not work on our side. You can try again, or ask for a colleague.")


async def verify_agent_permissions(context: p.ToolContext, permission: str) -> bool:
    """Whether the one who is served may have this done: a customer themselves, and staff by their role."""
    allowed = {"customer_update": {"customer", "customer_service", "manager"}}
    return str(context.user_data.get("role", "customer")) in allowed.get(permission, set())


async def apply_order_discount(order_id: str, percent: float) -> None:
    """Set an order's discount.

    Raises:
        LookupError: there is no such order.
    """
    async with get_db_connection() as conn:
        if await conn.fetchrow("SELECT id FROM orders WHERE id = $1", order_id) is None:
            raise LookupError(f"there is no order {order_id}")
        await conn.execute("UPDATE orders SET discount = $2 WHERE id = $1", order_id, percent)

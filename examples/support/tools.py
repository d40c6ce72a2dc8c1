"""The tools of the support agent, over the shop's database.

A tool is a typed function whose docstring says what it does. The message of its result is what the agent may tell, the data
is for the facts that the policy says it provides. An exception is a failure, and its text is what the agent may tell of it.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any

from jurat.engine import ToolContext, ToolResult

from .database import connect, today

RETURN_DAYS = 30
PRIVATE_NUMBER = re.compile(r"\b(?:\d[ -]?){12,18}\d\b|\b\d{3}-\d{2}-\d{4}\b")


def check_order_status(order_id: str) -> ToolResult:
    """Look up the status, items, total and age of an order by its order number."""
    with connect() as shop:
        order = _order(shop, order_id)
        rows = shop.execute("SELECT name, quantity FROM items WHERE order_id = ?", [order["id"]]).fetchall()
    items, total, age = (
        [f"{row['quantity']} x {row['name']}" for row in rows],
        _euros(order["total_cents"]),
        _age_days(order),
    )
    data = {
        "order_id": order["id"],
        "status": order["status"],
        "items": items,
        "total": total,
        "age_days": age,
        "returnable": not _refusal(order),
    }
    said = (
        f"Order {order['id']} ({', '.join(items)}; {total} euros) was placed {age} days ago and is {order['status']}."
    )
    return ToolResult(said, data)


def verify_return_policy(order_id: str) -> ToolResult:
    """Say whether an order can still be returned, and why not."""
    with connect() as shop:
        order = _order(shop, order_id)
    if refusal := _refusal(order):
        return ToolResult(f"Order {order['id']} cannot be returned: {refusal}.", {"returnable": False})
    left = RETURN_DAYS - _age_days(order)
    return ToolResult(f"Order {order['id']} can be returned for another {left} days.", {"returnable": True})


def verify_identity(order_id: str, postcode: str) -> ToolResult:
    """Verify who the customer is, by two security questions: an order number and the postcode of their address."""
    with connect() as shop:
        query = "SELECT name FROM customers JOIN orders ON customer = customers.id WHERE orders.id = ? AND postcode = ?"
        customer = shop.execute(query, [_number(order_id), postcode.strip()]).fetchone()
    if customer is None:
        raise LookupError("the order number and the postcode do not belong together")
    return ToolResult(f"The customer is {customer['name']}, whose identity is verified.")


def issue_refund(order_id: str, amount: Decimal) -> ToolResult:
    """Pay back what an order cost."""
    with connect() as shop:
        order = _order(shop, order_id)
        cents = round(amount * 100)
        if order["status"] == "refunded":
            raise ValueError(f"order {order['id']} is refunded already")
        if not 0 < cents <= order["total_cents"]:
            raise ValueError(f"order {order['id']} cost {_euros(order['total_cents'])} euros")
        shop.execute("INSERT INTO refunds VALUES (?, ?, ?)", [order["id"], cents, today().isoformat()])
        shop.execute("UPDATE orders SET status = 'refunded' WHERE id = ?", [order["id"]])
    return ToolResult(f"{_euros(cents)} euros for order {order['id']} are paid back.", {"refunded": _euros(cents)})


def clear_sensitive_data() -> ToolResult:
    """Blank card and social security numbers in the shop's notes about customers."""
    with connect() as shop:
        notes = shop.execute("SELECT id, text FROM notes").fetchall()
        private = [note for note in notes if PRIVATE_NUMBER.search(note["text"])]
        for note in private:
            cleared = PRIVATE_NUMBER.sub("[removed]", note["text"])
            shop.execute("UPDATE notes SET text = ? WHERE id = ?", [cleared, note["id"]])
    return ToolResult(f"Private numbers were removed from {len(private)} notes.", {"cleared_notes": len(private)})


def vip_upgrade_options() -> ToolResult:
    """List the upgrades that gold and platinum customers get for free."""
    with connect() as shop:
        rows = shop.execute("SELECT name, benefit FROM upgrades ORDER BY price_cents").fetchall()
    options = [f"{row['name']} ({row['benefit']})" for row in rows]
    return ToolResult(f"Complimentary upgrades: {'; '.join(options)}.", {"options": options})


def standard_upgrade_options() -> ToolResult:
    """List the upgrades and what they cost."""
    with connect() as shop:
        rows = shop.execute("SELECT * FROM upgrades ORDER BY price_cents").fetchall()
    options = [f"{row['name']} ({row['benefit']}) for {_euros(row['price_cents'])} euros" for row in rows]
    return ToolResult(f"Upgrades: {'; '.join(options)}.", {"options": options})


def transfer_to_human(context: ToolContext) -> ToolResult:
    """Open a ticket for a human colleague and say how many are waiting before it."""
    with connect() as shop:
        waiting = shop.execute("SELECT count(*) AS tickets FROM handovers").fetchone()["tickets"]
        row = [today().isoformat(), context.session_id]
        ticket = shop.execute("INSERT INTO handovers (opened_on, session) VALUES (?, ?)", row).lastrowid
    said = f"A colleague takes over under ticket {ticket}; {waiting} customers are waiting before."
    return ToolResult(said, {"ticket": ticket, "waiting_before": waiting})


def _order(shop: Any, order_id: str) -> Any:
    number = _number(order_id)
    order = shop.execute("SELECT * FROM orders WHERE id = ?", [number]).fetchone()
    if order is None:
        raise LookupError(f"there is no order {number}")
    return order


def _number(order_id: str) -> str:
    return order_id.strip().lstrip("#")


def _refusal(order: Any) -> str:
    """Why an order cannot be returned, or nothing."""
    if order["status"] != "delivered":
        return f"the order is {order['status']}, and only delivered orders can be returned"
    return f"the {RETURN_DAYS} days of the return policy are over" if _age_days(order) > RETURN_DAYS else ""


def _age_days(order: Any) -> int:
    return (today() - date.fromisoformat(order["placed_on"])).days


def _euros(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"

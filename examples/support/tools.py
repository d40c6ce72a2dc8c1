"""The tools of the support agent, over the shop's database.

A tool is a typed function whose docstring says what it does. What it returns is what the agent may tell; an exception is a
failure, and its text is what the agent may tell of it.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any

from database import connect

RETURN_DAYS = 30
PRIVATE_NUMBER = re.compile(r"\b(?:\d[ -]?){12,18}\d\b|\b\d{3}-\d{2}-\d{4}\b")


def check_order_status(order_id: str) -> dict[str, Any]:
    """Look up the status, items, total and age of an order by its order number."""
    with connect() as shop:
        order = _order(shop, order_id)
        items = shop.execute("SELECT name, quantity FROM items WHERE order_id = ?", [order["id"]]).fetchall()
    return {
        "order_id": order["id"],
        "status": order["status"],
        "items": [f"{item['quantity']} x {item['name']}" for item in items],
        "total": _euros(order["total_cents"]),
        "age_days": _age_days(order),
        "returnable": not _refusal(order),
    }


def verify_return_policy(order_id: str) -> dict[str, Any]:
    """Say whether an order can still be returned, and why not."""
    with connect() as shop:
        order = _order(shop, order_id)
    refusal = _refusal(order)
    left = RETURN_DAYS - _age_days(order)
    return {"returnable": not refusal, "reason": refusal or f"the order can be returned for another {left} days"}


def verify_identity(email: str, postcode: str) -> dict[str, Any]:
    """Verify who the customer is, by the e-mail address and the postcode of their account."""
    with connect() as shop:
        query = "SELECT name FROM customers WHERE lower(email) = lower(?) AND postcode = ?"
        customer = shop.execute(query, [email.strip(), postcode.strip()]).fetchone()
    if customer is None:
        raise LookupError("the e-mail address and the postcode do not belong together")
    return {"name": customer["name"]}


def issue_refund(order_id: str, amount: Decimal) -> dict[str, Any]:
    """Pay back what an order cost."""
    with connect() as shop:
        order = _order(shop, order_id)
        cents = round(Decimal(amount) * 100)
        if order["status"] == "refunded":
            raise ValueError(f"order {order['id']} is refunded already")
        if not 0 < cents <= order["total_cents"]:
            raise ValueError(f"order {order['id']} cost {_euros(order['total_cents'])} euros")
        shop.execute("INSERT INTO refunds VALUES (?, ?, ?)", [order["id"], cents, date.today().isoformat()])
        shop.execute("UPDATE orders SET status = 'refunded' WHERE id = ?", [order["id"]])
    return {"order_id": order["id"], "refunded": _euros(cents)}


def clear_sensitive_data() -> dict[str, Any]:
    """Blank card and social security numbers in the shop's notes about customers."""
    with connect() as shop:
        notes = shop.execute("SELECT id, text FROM notes").fetchall()
        private = [note for note in notes if PRIVATE_NUMBER.search(note["text"])]
        for note in private:
            cleared = PRIVATE_NUMBER.sub("[removed]", note["text"])
            shop.execute("UPDATE notes SET text = ? WHERE id = ?", [cleared, note["id"]])
    return {"cleared_notes": len(private)}


def vip_upgrade_options() -> dict[str, Any]:
    """List the upgrades that gold and platinum customers get for free."""
    with connect() as shop:
        rows = shop.execute("SELECT name, benefit FROM upgrades ORDER BY price_cents").fetchall()
    return {"options": [f"{row['name']} ({row['benefit']}), free" for row in rows]}


def standard_upgrade_options() -> dict[str, Any]:
    """List the upgrades and what they cost."""
    with connect() as shop:
        rows = shop.execute("SELECT * FROM upgrades ORDER BY price_cents").fetchall()
    return {"options": [f"{row['name']} ({row['benefit']}), {_euros(row['price_cents'])} euros" for row in rows]}


def transfer_to_human() -> dict[str, Any]:
    """Open a ticket for a human colleague and say how many are waiting before it."""
    with connect() as shop:
        waiting = shop.execute("SELECT count(*) AS tickets FROM handovers").fetchone()["tickets"]
        ticket = shop.execute("INSERT INTO handovers (opened_on) VALUES (?)", [date.today().isoformat()]).lastrowid
    return {"ticket": ticket, "waiting_before": waiting}


def _order(shop: Any, order_id: str) -> Any:
    number = order_id.strip().lstrip("#")
    order = shop.execute("SELECT * FROM orders WHERE id = ?", [number]).fetchone()
    if order is None:
        raise LookupError(f"there is no order {number}")
    return order


def _refusal(order: Any) -> str:
    """Why an order cannot be returned, or nothing."""
    if order["status"] != "delivered":
        return f"the order is {order['status']}, and only delivered orders can be returned"
    return f"the {RETURN_DAYS} days of the return policy are over" if _age_days(order) > RETURN_DAYS else ""


def _age_days(order: Any) -> int:
    return (date.today() - date.fromisoformat(order["placed_on"])).days


def _euros(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"

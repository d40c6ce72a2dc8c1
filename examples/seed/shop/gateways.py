"""Payment gateways over HTTP, and the queue of payments to be tried again.

GATEWAY_URL is where they are: `<url>/<gateway>/charge` takes a payment as JSON and answers with a transaction.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any

import aiohttp

from .database import get_db_connection


@dataclass(frozen=True)
class Charge:
    """What a gateway said."""

    success: bool
    transaction_id: str


async def process_payment_with_gateway(gateway: str, payment: dict[str, Any]) -> Charge:
    """Charge a payment.

    Raises:
        aiohttp.ClientError: the gateway cannot be reached, or refuses.
    """
    url = f"{os.environ.get('GATEWAY_URL', 'http://localhost:8701')}/{gateway}/charge"
    limit = aiohttp.ClientTimeout(total=10)
    async with aiohttp.ClientSession() as session, session.post(url, json=payment, timeout=limit) as response:
        response.raise_for_status()
        return Charge(True, str((await response.json())["transaction_id"]))


async def enqueue_payment_retry(payment: dict[str, Any]) -> None:
    """Keep a payment to be tried again."""
    async with get_db_connection() as conn:
        await conn.execute("INSERT INTO retries (payment) VALUES ($1)", json.dumps(payment, sort_keys=True))


async def waiting_payments() -> list[dict[str, Any]]:
    """The payments that wait, oldest first."""
    async with get_db_connection() as conn:
        rows = await conn.fetch("SELECT payment FROM retries WHERE done = 0 ORDER BY id")
    return [json.loads(row["payment"]) for row in rows]

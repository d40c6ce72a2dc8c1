"""What the shop of the examples has in its database."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
from pathlib import Path
from typing import Any


def rows(shop: Path, query: str) -> list[tuple[Any, ...]]:
    """What the shop's database says, wherever it is."""
    if (url := os.environ.get("SHOP_DB", "")).startswith("postgresql://"):
        return asyncio.run(_asked(url, query))
    from shop.database import path

    assert path() == shop  # made here where nothing has asked for it
    with sqlite3.connect(shop) as database:
        found = database.execute(query).fetchall()
    database.close()
    return found


async def _asked(url: str, query: str) -> list[tuple[Any, ...]]:
    import asyncpg

    database = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await database.fetch(query)]
    finally:
        await database.close()


def kept(shop: Path, kind: str) -> list[Any]:
    """The records of a kind, oldest first."""
    return [
        json.loads(text) for (text,) in rows(shop, f"SELECT content FROM records WHERE kind = '{kind}' ORDER BY id")
    ]

"""Recommendations from what others bought: products bought together, counted in the database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from .database import get_db_connection

TOGETHER = """
SELECT theirs.product_id AS product, COUNT(*) AS times FROM purchases AS mine
JOIN purchases AS others ON others.product_id = mine.product_id AND others.customer_id != mine.customer_id
JOIN purchases AS theirs ON theirs.customer_id = others.customer_id
WHERE mine.customer_id = $1 AND theirs.product_id NOT IN (SELECT product_id FROM purchases WHERE customer_id = $1)
GROUP BY theirs.product_id ORDER BY times DESC, product
"""


class Recommender:
    """Counts how often it was asked, so that a cache before it can be seen to work."""

    asked = 0

    async def get_recommendations(self, customer_id: str) -> list[str]:
        """What those bought who bought the same, the most often bought first."""
        type(self).asked += 1
        async with get_db_connection() as conn:
            return [row["product"] for row in await conn.fetch(TOGETHER, customer_id)]


@asynccontextmanager
async def get_ml_service() -> AsyncIterator[Recommender]:
    """The recommender."""
    yield Recommender()

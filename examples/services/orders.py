"""An MCP server over its standard streams, as the policy beside it starts it: orders in a SQLite database."""

from __future__ import annotations

import os
import sqlite3

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

server = MCPServer("orders", log_level="WARNING")


def database() -> sqlite3.Connection:
    base = sqlite3.connect(os.environ.get("ORDERS_DATABASE", ":memory:"))
    base.execute("CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY, status TEXT, total REAL)")
    base.execute("INSERT OR IGNORE INTO orders VALUES (1042, 'shipped', 80), (1043, 'lost', 120)")
    base.commit()
    return base


@server.tool()
def check(order_id: int) -> dict[str, str | float]:
    """Look up where an order is and what it cost."""
    with database() as base:
        row = base.execute("SELECT status, total FROM orders WHERE id = ?", (order_id,)).fetchone()
    if row is None:
        raise ToolError(f"there is no order {order_id}")
    return {"status": row[0], "total": row[1]}


if __name__ == "__main__":
    server.run("stdio")

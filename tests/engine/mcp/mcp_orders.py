"""An MCP server of orders: over its standard streams, or over HTTP at the port given. Its calls are counted in a file."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Literal

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError

server = MCPServer("orders", log_level="CRITICAL")
COUNT = Path(os.environ.get("ORDERS_COUNT", os.devnull))
KEYS = COUNT.with_name("keys") if COUNT.name != "null" else COUNT


def counted(what: str) -> None:
    with COUNT.open("a", encoding="utf-8") as file:
        file.write(what + "\n")


def hang() -> None:
    """Live on, and answer nothing any more."""
    COUNT.with_name("hanging").write_text(str(os.getpid()), encoding="utf-8")
    os.kill(os.getpid(), signal.SIGSTOP)


@server.tool()
def check(order_id: int, detail: Literal["short", "long"] = "short", note: str | None = None) -> dict[str, str]:
    """Look up an order."""
    counted(f"check {order_id} {detail} {note}")
    if order_id == 404:
        raise ToolError("there is no order 404")
    if order_id == 500:
        os._exit(3)  # in the middle of the call
    if order_id == 408:
        time.sleep(30)
    if order_id == 600 and COUNT.read_text(encoding="utf-8").count("check 600") == 1:
        hang()
    return {"status": "shipped", "owner": os.environ.get("ORDERS_OWNER", "nobody")}


@server.tool()
def refund(order_id: int, amount: float, context: Context) -> str:
    """Pay money back; whoever asks for it again with the same key is paid once."""
    meta = context.request_context.meta or {}
    key = meta.get("idempotency-key") if isinstance(meta, dict) else getattr(meta, "idempotency-key", None)
    with KEYS.open("a", encoding="utf-8") as file:
        file.write(f"{key}\n")
    counted(f"refund {order_id} {amount}")
    if order_id == 600 and KEYS.read_text(encoding="utf-8").count("\n") == 1:
        hang()
    if order_id == 503 and KEYS.read_text(encoding="utf-8").count("\n") == 1:
        os._exit(3)  # the first time, in the middle of the call
    return f"refunded {amount}"


if __name__ == "__main__":
    if len(sys.argv) > 1:
        server.run("streamable-http", port=int(sys.argv[1]))
    else:
        server.run("stdio")

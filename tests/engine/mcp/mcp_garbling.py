"""A server on its standard streams whose one tool, `pay`, does what it is to do and then answers what nobody can read."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

COUNT = Path(os.environ["ORDERS_COUNT"])
SCHEMAS = {
    "inputSchema": {"type": "object", "properties": {}},
    "outputSchema": {"type": "object", "properties": {"paid": {"type": "boolean"}}, "required": ["paid"]},
}
ANSWERS = {
    "no content": {"content": "paid"},
    "another schema": {"content": [{"type": "text", "text": "paid"}], "structuredContent": {"paid": "perhaps"}},
}

for line in sys.stdin:
    asked = json.loads(line)
    if "id" not in asked:
        continue
    result: dict[str, object] = {}
    if asked["method"] == "initialize":
        result = {
            "protocolVersion": asked["params"]["protocolVersion"],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "garbling", "version": "1"},
        }
    elif asked["method"] == "tools/list":
        result = {"tools": [{"name": "pay", **SCHEMAS}]}
    elif asked["method"] == "tools/call":
        with COUNT.open("a", encoding="utf-8") as file:
            file.write("pay\n")
        result = ANSWERS[sys.argv[1]]
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}) + "\n")
    sys.stdout.flush()

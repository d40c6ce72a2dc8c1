"""A server on its standard streams that is deaf once it was asked to `hang`, but for the answers that it still owes.

`slow` answers as soon as there is a file `answer`, and `who` at once, with the number of the process. Where there is a file
`stuck` it does not even begin.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

FOLDER = Path(os.environ["ORDERS_COUNT"]).parent
HANG, SLOW, WHO = "hang", "slow", "who"


def note(what: str) -> None:
    with (FOLDER / "count").open("a", encoding="utf-8") as file:
        file.write(f"{what} {os.getpid()}\n")


def say(asked: dict[str, Any], result: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}) + "\n")
    sys.stdout.flush()


def answer(asked: dict[str, Any]) -> None:
    say(asked, {"content": [{"type": "text", "text": str(os.getpid())}]})


def later(asked: dict[str, Any]) -> None:
    while not (FOLDER / "answer").exists():
        time.sleep(0.05)
    answer(asked)


deaf = (FOLDER / "stuck").exists()
note("begun")
for line in sys.stdin:
    asked = json.loads(line)
    if "id" not in asked or deaf:
        continue
    tool = asked["params"]["name"] if asked["method"] == "tools/call" else ""
    if tool:
        note(tool)
    if asked["method"] == "initialize":
        version = asked["params"]["protocolVersion"]
        info = {"name": "deaf", "version": "1"}
        say(asked, {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": info})
    elif asked["method"] == "tools/list":
        say(asked, {"tools": [{"name": each, "inputSchema": {"type": "object"}} for each in (HANG, SLOW, WHO)]})
    elif tool == HANG:
        deaf = True
    elif tool == SLOW:
        threading.Thread(target=later, args=(asked,), daemon=True).start()
    elif tool == WHO:
        answer(asked)
    else:
        say(asked, {})

"""Parlant's server with a model that answers at once; needs `pip install parlant`, and nothing of ours.

In, as JSON on standard input: ``{"guidelines": [[condition, action]], "port": …, "folder": …}``. It prints its version when it
answers. Sessions are stored in Parlant's own files (`session_store="local"`), as it stores them for one machine.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from importlib.metadata import version
from pathlib import Path

GIVEN = json.load(sys.stdin)
os.environ["PARLANT_HOME"] = GIVEN["folder"]
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import parlant.sdk as p  # noqa: E402 - it reads the environment when it is imported
from parlant_model import serve  # noqa: E402


async def tell(server: p.Server, _: p.Agent) -> None:
    """Say when it answers."""
    await server.ready.wait()
    sys.__stdout__.write(f"\nready {version('parlant')}\n")
    sys.__stdout__.flush()


if __name__ == "__main__":
    asyncio.run(serve(GIVEN, tell))

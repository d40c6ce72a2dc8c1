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
from parlant_model import Scripted  # noqa: E402


async def tell(server: p.Server) -> None:
    """Say when it answers."""
    await server.ready.wait()
    sys.__stdout__.write(f"\nready {version('parlant')}\n")
    sys.__stdout__.flush()


async def main() -> None:
    """Serve until the process is ended."""
    async with p.Server(
        host="127.0.0.1", port=GIVEN["port"], tool_service_port=GIVEN["port"] + 1, nlp_service=lambda _: Scripted(),
        session_store="local", log_level=p.LogLevel.CRITICAL,
    ) as server:  # fmt: skip
        agent = await server.create_agent(
            name="Agent",
            description="Serves the customers of a shop",
            perceived_performance_policy=p.NullPerceivedPerformancePolicy(),  # else it waits on purpose
        )
        for condition, action in GIVEN["guidelines"]:
            await agent.create_guideline(condition=condition, action=action)
        server.task = asyncio.create_task(tell(server))


if __name__ == "__main__":
    asyncio.run(main())

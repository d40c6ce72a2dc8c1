"""Measures how long the steps of a turn take with the embedded model on this machine.

    python -m jurat.llm.timing [--model FILE.gguf]

The turn is the second of a conversation, so that what a real turn finds in the caches is in the caches. Divided by
the number of cores, the CPU seconds say what a step would take if nothing else were running.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

from jurat.llm.backends.embedded import EmbeddedBackend
from jurat.llm.judge import ScoringJudge, check_reply
from jurat.llm.models import DEFAULT_MODEL, pull
from jurat.llm.protocol import Condition, Message, ReplyRequest
from jurat.llm.voice import ModelVoice

_TALK = (
    Message("customer", "Hello, I ordered a kettle last week and I am not happy with it."),
    Message("agent", "I am sorry to hear that. What is wrong with the kettle?"),
    Message("customer", "It leaks. I want a refund for order 1042."),
)
_STATEMENTS = (
    "The customer asks for a refund",
    "The customer asks to exchange an item",
    "The customer asks about an upgrade",
    "The customer expresses frustration or asks for a manager",
    "The customer asks about the status of an order",
    "The customer shares a card number or other sensitive personal data",
    "The customer asks about their account",
    "The customer wants to cancel an order or a subscription",
    "The customer asks to change a delivery address",
    "The customer thanks the agent or says goodbye",
)
_CHECKS = ("The agent promises a refund", "The agent offers a discount", "The agent gives legal advice")
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"order_id": {"type": "string", "description": "the number of the order"}},
    "required": ["order_id"],
}
_REQUEST = ReplyRequest(
    "Bot",
    "A customer service agent",
    _TALK,
    ("Check the order date and the return policy before promising anything",),
    _CHECKS,
    (
        "check_order_status: order 1042, electric kettle, delivered 12 days ago, 39.90 euros, may be returned for 30 days",
    ),
)


async def _timed(title: str, step: Awaitable[Any]) -> Any:
    begin, used = time.monotonic(), time.process_time()
    found = await step
    _row(title, begin, used)
    return found


def _row(title: str, begin: float, used: float) -> None:
    print(f"| {title} | {time.monotonic() - begin:.1f} | {time.process_time() - used:.1f} |", flush=True)


async def _measure(file: Path) -> None:
    print("| step | seconds | CPU seconds |\n|---|---|---|")
    backend = await _timed("start: load and verify the model", EmbeddedBackend.load(file))
    judge, voice = ScoringJudge(backend), ModelVoice(backend)
    conditions = [Condition(text, text) for text in _STATEMENTS]
    await _timed("start: read the judge's instructions", judge.warm_up())
    await _timed("turn 1: judge 10 conditions", judge.judge(_TALK[:1], conditions))
    await voice.reply(ReplyRequest("Bot", "A customer service agent", _TALK[:1]))
    begin, used = time.monotonic(), time.process_time()
    await _timed("turn 2: judge 10 conditions", judge.judge(_TALK, conditions))
    await _timed("turn 2: arguments of one tool", voice.arguments(_TALK, "check_order_status", "Looks it up", _SCHEMA))
    draft = await _timed("turn 2: write the reply", voice.reply(_REQUEST))
    checks = [Condition(text, text) for text in _CHECKS]
    await _timed("turn 2: check 3 statements about the reply", check_reply(judge, _TALK, draft, checks))
    _row("turn 2 in all", begin, used)
    print(f"\nreply ({len(draft.split())} words): {draft}")
    await backend.close()


def main() -> None:
    """Run the measurement; see the module's description."""
    parser = argparse.ArgumentParser(prog="python -m jurat.llm.timing", description="Time the steps of a turn.")
    parser.add_argument("--model", type=Path, metavar="FILE", help="a GGUF model; else the default one")
    asyncio.run(_measure(parser.parse_args().model or pull(DEFAULT_MODEL)))


if __name__ == "__main__":
    main()

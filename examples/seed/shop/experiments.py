"""What an A/B test needs: who was assigned to what, and what the new variant says."""

from __future__ import annotations

import jurat.sdk as p

from .records import record


async def log_ab_test_assignment(user_id: str, variant: str) -> None:
    """Keep an assignment."""
    await record("assignment", {"user": user_id, "variant": variant})


@p.tool
async def get_value_propositions(context: p.ToolContext) -> p.ToolResult:  # noqa: ARG001
    """What we do better."""
    return p.ToolResult("Free returns within 30 days, and repairs for ten years.")


@p.tool
async def get_competitive_analysis(context: p.ToolContext) -> p.ToolResult:  # noqa: ARG001
    """How our prices compare."""
    return p.ToolResult("Our price includes delivery, theirs does not.")

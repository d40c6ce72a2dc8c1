"""What upgrades there are, for whom."""

from __future__ import annotations

import jurat.sdk as p


@p.tool
async def vip_upgrade_options(context: p.ToolContext) -> p.ToolResult:  # noqa: ARG001
    """Upgrades that cost a good customer nothing."""
    return p.ToolResult("Complimentary: the larger room, and priority support.")


@p.tool
async def standard_upgrade_options(context: p.ToolContext) -> p.ToolResult:  # noqa: ARG001
    """Upgrades with their prices."""
    return p.ToolResult("The larger room costs 30 more a night.")

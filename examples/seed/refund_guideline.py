"""A guideline that runs a tool: the order is looked up before anything is promised."""

import asyncio

import jurat.sdk as p
from database_tools import check_order_status

# --- block 1 of the seed, word for word ---
async def refund_guideline(agent):
    # 가이드라인 기반 보장된 제어
    await agent.create_guideline(
        condition="Customer asks about refunds", 
        action="Check order status first to see if eligible",
        tools=[check_order_status],
    )
# --- its end ---


async def main():
    async with p.Server() as server:
        await refund_guideline(await server.create_agent(name="RefundAgent", description="Answers questions on refunds"))


if __name__ == "__main__":
    asyncio.run(main())

"""Which guideline applies follows from who asks."""

import asyncio

import jurat.sdk as p
from shop.upgrades import standard_upgrade_options, vip_upgrade_options

# --- block 4 of the seed, word for word ---
async def context_aware_guidelines(agent):
    # 컨텍스트 인식 가이드라인
    await agent.create_guideline(
        condition="VIP customer (tier >= gold) asks about upgrade",
        action="Offer complimentary upgrade options and priority support",
        tools=[vip_upgrade_options]
    )

    await agent.create_guideline(
        condition="Standard customer asks about upgrade", 
        action="Present standard upgrade options with pricing",
        tools=[standard_upgrade_options]
    )
# --- its end ---


async def main():
    async with p.Server() as server:
        await context_aware_guidelines(await server.create_agent(name="UpgradeAgent", description="Sells upgrades"))


if __name__ == "__main__":
    asyncio.run(main())

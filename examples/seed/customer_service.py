"""Three guidelines of a support agent: identity, refunds, a person."""

import asyncio

from shop.desk import transfer_to_human, verify_identity, verify_return_policy

from database_tools import check_order_status

# --- block 2 of the seed, word for word ---
import jurat.sdk as p

async def setup_customer_service_agent():
    agent = await server.create_agent(
        name="CustomerServiceBot",
        description="Enterprise customer service agent"
    )
    
    # 인증 관련 가이드라인
    await agent.create_guideline(
        condition="User mentions account issues",
        action="First verify identity using security questions",
        tools=[verify_identity]
    )
    
    # 환불 정책 가이드라인  
    await agent.create_guideline(
        condition="Customer requests refund",
        action="Check order date and return policy eligibility first",
        tools=[check_order_status, verify_return_policy]
    )
    
    # 에스컬레이션 가이드라인
    await agent.create_guideline(
        condition="Customer expresses frustration or asks for manager",
        action="Acknowledge feelings and transfer to human agent",
        tools=[transfer_to_human]
    )
# --- its end ---


async def main():
    global server
    async with p.Server() as server:
        await setup_customer_service_agent()


if __name__ == "__main__":
    asyncio.run(main())

"""A router and the specialists it hands conversations to."""

import asyncio

import jurat.sdk as p
from shop.specialists import initiate_agent_transfer, specialist

# --- block 7 of the seed, word for word ---
# 멀티 에이전트 설정
async def setup_multi_agent_system():
    """부하 분산을 위한 멀티 에이전트 시스템"""
    
    agents = {}
    
    # 전문 영역별 에이전트
    agents['sales'] = await create_sales_agent()
    agents['support'] = await create_support_agent() 
    agents['technical'] = await create_technical_agent()
    
    # 라우팅 에이전트
    router = await server.create_agent(
        name="RouterAgent",
        description="Routes conversations to appropriate specialist agents"
    )
    
    await router.create_guideline(
        condition="User asks about pricing or purchasing",
        action="Transfer to sales agent",
        tools=[transfer_to_sales]
    )
    
    return agents, router

@p.tool 
async def transfer_to_sales(context: p.ToolContext) -> p.ToolResult:
    """판매 에이전트로 전환"""
    
    # 컨텍스트 보존하며 전환
    transfer_data = {
        "conversation_history": context.conversation_history,
        "user_context": context.user_data,
        "transfer_reason": "sales_inquiry"
    }
    
    await initiate_agent_transfer("sales", transfer_data)
    
    return p.ToolResult("Transferring to sales specialist...")
# --- its end ---


async def create_sales_agent():
    return await specialist(server, "sales", "Quotes prices and takes orders")


async def create_support_agent():
    return await specialist(server, "support", "Helps with orders that were placed")


async def create_technical_agent():
    return await specialist(server, "technical", "Solves technical problems")


async def main():
    global server
    async with p.Server() as server:
        await setup_multi_agent_system()


if __name__ == "__main__":
    asyncio.run(main())

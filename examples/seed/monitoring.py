"""Guidelines on what happens to a conversation: its end, a tool that fails."""

import asyncio

import jurat.sdk as p
from datetime import datetime

from shop.records import log_error, provide_fallback, save_metrics

# --- block 6 of the seed, word for word ---
async def setup_monitoring(agent):
    """대화 분석 및 모니터링 설정"""
    
    # 성능 메트릭 수집
    await agent.create_guideline(
        condition="Conversation ends",
        action="Log satisfaction score and resolution status",
        tools=[log_conversation_metrics]
    )
    
    # 에러 추적  
    await agent.create_guideline(
        condition="Tool execution fails",
        action="Log error details and provide fallback response",
        tools=[log_error, provide_fallback]
    )

@p.tool
async def log_conversation_metrics(context: p.ToolContext, 
                                 satisfaction_score: int,
                                 resolution_status: str) -> p.ToolResult:
    """대화 메트릭 로깅"""
    
    metrics = {
        "timestamp": datetime.now().isoformat(),
        "agent_id": context.agent_id,
        "session_id": context.session_id,
        "satisfaction_score": satisfaction_score,
        "resolution_status": resolution_status,
        "turn_count": len(context.conversation_history)
    }
    
    # 메트릭 저장 (예: DataDog, CloudWatch)
    await save_metrics(metrics)
    
    return p.ToolResult("Metrics logged successfully")
# --- its end ---


async def main():
    async with p.Server() as server:
        await setup_monitoring(await server.create_agent(name="MonitoredAgent", description="Is measured"))


if __name__ == "__main__":
    asyncio.run(main())

"""Two variants of an agent, and a tool that assigns users to one of them."""

import asyncio

import jurat.sdk as p
from shop.experiments import get_competitive_analysis, get_value_propositions, log_ab_test_assignment

# --- block 11 of the seed, word for word ---
async def setup_ab_testing():
    """A/B 테스트를 위한 에이전트 설정"""
    
    # 베이스라인 에이전트 (기존 버전)
    baseline_agent = await server.create_agent(
        name="BaselineAgent",
        description="Current production agent"
    )
    
    # 실험 에이전트 (새 버전)  
    experiment_agent = await server.create_agent(
        name="ExperimentAgent", 
        description="New agent with improved guidelines"
    )
    
    # 더 자세한 가이드라인 추가
    await experiment_agent.create_guideline(
        condition="Customer mentions competitor pricing",
        action="Acknowledge their research and highlight our unique value propositions",
        tools=[get_value_propositions, get_competitive_analysis]
    )
    
    return baseline_agent, experiment_agent

@p.tool
async def route_to_agent_variant(context: p.ToolContext, 
                               user_id: str) -> p.ToolResult:
    """사용자를 A/B 테스트 그룹에 따라 라우팅"""
    
    # 사용자 ID 기반 해싱으로 일관된 그룹 배정
    import hashlib
    hash_value = int(hashlib.md5(user_id.encode()).hexdigest(), 16)
    
    # 50/50 split
    if hash_value % 2 == 0:
        variant = "baseline"
    else:
        variant = "experiment"
    
    # 실험 데이터 로깅
    await log_ab_test_assignment(user_id, variant)
    
    return p.ToolResult(f"Assigned to {variant} group", 
                       data={"variant": variant})
# --- its end ---


async def main():
    global server
    async with p.Server() as server:
        baseline, _ = await setup_ab_testing()
        await baseline.create_guideline(
            condition="The customer says who they are", action="Thank them", tools=[route_to_agent_variant]
        )


if __name__ == "__main__":
    asyncio.run(main())

"""A cache in front of something slow."""

import asyncio

import jurat.sdk as p
from shop.predictions import get_ml_service
from shop.records import log_tool_error

# --- block 12 of the seed, word for word ---
from functools import lru_cache
import asyncio

class ToolCache:
    """도구 실행 결과 캐싱 시스템"""
    
    def __init__(self):
        self._cache = {}
        self._cache_expiry = {}
    
    async def get_or_compute(self, key: str, compute_func, ttl: int = 300):
        """캐시에서 조회하거나 계산 후 캐싱"""
        
        now = asyncio.get_event_loop().time()
        
        # 캐시 히트 확인
        if key in self._cache and self._cache_expiry.get(key, 0) > now:
            return self._cache[key]
        
        # 캐시 미스 시 계산
        result = await compute_func()
        
        # 캐싱
        self._cache[key] = result
        self._cache_expiry[key] = now + ttl
        
        return result

tool_cache = ToolCache()

@p.tool
async def get_product_recommendations(context: p.ToolContext,
                                    customer_id: str) -> p.ToolResult:
    """개인화된 상품 추천 (캐싱 적용)"""
    
    cache_key = f"recommendations:{customer_id}"
    
    async def compute_recommendations():
        # 무거운 ML 추론 작업
        async with get_ml_service() as ml:
            recommendations = await ml.get_recommendations(customer_id)
        return recommendations
    
    try:
        # 10분간 캐싱
        recommendations = await tool_cache.get_or_compute(
            cache_key, compute_recommendations, ttl=600
        )
        
        return p.ToolResult(
            f"추천 상품 {len(recommendations)}개를 찾았습니다",
            data={"recommendations": recommendations}
        )
        
    except Exception as e:
        await log_tool_error("get_product_recommendations", str(e), context)
        return p.ToolResult("추천 시스템이 일시적으로 사용할 수 없습니다", error=True)
# --- its end ---


async def main():
    async with p.Server() as server:
        agent = await server.create_agent(name="Adviser", description="Recommends products")
        await agent.create_guideline(
            condition="The customer asks what else they might like",
            action="Recommend what was found",
            tools=[get_product_recommendations],
        )


if __name__ == "__main__":
    asyncio.run(main())

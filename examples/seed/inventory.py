"""Stock that is read from a cache, and from the database when it is not there."""

import asyncio

import jurat.sdk as p
from shop.cache import get_redis_connection
from shop.database import get_db_connection
from shop.records import log_tool_error

# --- block 10 of the seed, word for word ---
@p.tool
async def check_live_inventory(context: p.ToolContext, 
                              product_id: str) -> p.ToolResult:
    """실시간 재고 확인"""
    
    try:
        # Redis에서 실시간 재고 조회
        redis_client = await get_redis_connection()
        inventory_key = f"inventory:{product_id}"
        
        current_stock = await redis_client.get(inventory_key)
        
        if current_stock is None:
            # 캐시 미스 시 데이터베이스에서 조회 후 캐싱
            async with get_db_connection() as conn:
                result = await conn.fetchval(
                    "SELECT quantity FROM inventory WHERE product_id = $1",
                    product_id
                )
                
            if result is None:
                return p.ToolResult("Product not found", error=True)
                
            current_stock = result
            # 5분간 캐싱
            await redis_client.setex(inventory_key, 300, current_stock)
        else:
            current_stock = int(current_stock)
            
        # 재고 상태 판단
        if current_stock == 0:
            status = "품절"
        elif current_stock < 10:
            status = "재고 부족"
        else:
            status = "재고 충분"
            
        return p.ToolResult(
            f"현재 재고: {current_stock}개 ({status})",
            data={"product_id": product_id, "quantity": current_stock, "status": status}
        )
        
    except Exception as e:
        await log_tool_error("check_live_inventory", str(e), context)
        return p.ToolResult("재고 확인 중 오류가 발생했습니다", error=True)
# --- its end ---


async def main():
    async with p.Server() as server:
        agent = await server.create_agent(name="StockDesk", description="Knows what is in stock")
        await agent.create_guideline(
            condition="The customer asks whether a product is in stock",
            action="Say how many there are",
            tools=[check_live_inventory],
        )


if __name__ == "__main__":
    asyncio.run(main())

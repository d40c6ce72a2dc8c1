"""Tools over a database: the status of an order, a profile of which only some fields can be changed."""

import asyncio

import jurat.sdk as p
from shop.database import get_db_connection
from shop.records import log_tool_error, verify_agent_permissions

# --- block 8 of the seed, word for word ---
@p.tool
async def check_order_status(context: p.ToolContext, 
                           order_id: str) -> p.ToolResult:
    """주문 상태 확인 도구"""
    
    try:
        # 데이터베이스 쿼리
        async with get_db_connection() as conn:
            query = "SELECT status, items, total FROM orders WHERE id = $1"
            result = await conn.fetchrow(query, order_id)
            
        if not result:
            return p.ToolResult("Order not found", error=True)
            
        order_info = {
            "order_id": order_id,
            "status": result['status'],
            "items": result['items'],
            "total": result['total']
        }
        
        return p.ToolResult(f"Order {order_id}: {result['status']}", 
                          data=order_info)
                          
    except Exception as e:
        # 에러 처리 및 로깅
        await log_tool_error("check_order_status", str(e), context)
        return p.ToolResult("Unable to check order status. Please try again.", 
                          error=True)

@p.tool
async def update_customer_profile(context: p.ToolContext,
                                customer_id: str,
                                updates: dict) -> p.ToolResult:
    """고객 프로필 업데이트"""
    
    # 권한 확인
    if not await verify_agent_permissions(context, "customer_update"):
        return p.ToolResult("Insufficient permissions", error=True)
    
    try:
        async with get_db_connection() as conn:
            # 안전한 업데이트 (화이트리스트 기반)
            allowed_fields = ['phone', 'email', 'preferences']
            filtered_updates = {k: v for k, v in updates.items() 
                             if k in allowed_fields}
            
            if not filtered_updates:
                return p.ToolResult("No valid fields to update", error=True)
                
            # 업데이트 실행
            await conn.execute(
                "UPDATE customers SET updated_at = NOW(), " + 
                ", ".join(f"{k} = ${i+2}" for i, k in enumerate(filtered_updates.keys())) +
                " WHERE id = $1",
                customer_id, *filtered_updates.values()
            )
            
        return p.ToolResult("Profile updated successfully")
        
    except Exception as e:
        await log_tool_error("update_customer_profile", str(e), context)
        return p.ToolResult("Failed to update profile", error=True)
# --- its end ---


async def main():
    async with p.Server() as server:
        agent = await server.create_agent(name="OrderDesk", description="Looks orders up and keeps profiles")
        await agent.create_guideline(
            condition="The customer asks about an order", action="Say what the order's status is", tools=[check_order_status]
        )
        await agent.create_guideline(
            condition="The customer wants to change their profile",
            action="Confirm what was changed",
            tools=[update_customer_profile],
        )


if __name__ == "__main__":
    asyncio.run(main())

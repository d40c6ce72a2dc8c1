"""Who may give which discount."""

import asyncio

import jurat.sdk as p
from shop.records import apply_order_discount, log_action, log_tool_error

# --- block 15 of the seed, word for word ---
class RoleBasedAccessControl:
    """역할 기반 접근 제어"""
    
    def __init__(self):
        self.permissions = {
            "customer_service": [
                "read_order", "update_contact_info", "process_return"
            ],
            "sales": [
                "read_order", "create_quote", "apply_discount"
            ],
            "manager": [
                "read_order", "update_contact_info", "process_return",
                "create_quote", "apply_discount", "override_policy"
            ]
        }
    
    async def check_permission(self, agent_role: str, action: str) -> bool:
        """권한 확인"""
        return action in self.permissions.get(agent_role, [])

rbac = RoleBasedAccessControl()

@p.tool
async def apply_discount(context: p.ToolContext,
                        order_id: str,
                        discount_percent: float) -> p.ToolResult:
    """할인 적용 (권한 확인 포함)"""
    
    # 권한 확인
    agent_role = context.user_data.get("role", "customer_service")
    
    if not await rbac.check_permission(agent_role, "apply_discount"):
        return p.ToolResult("Insufficient permissions to apply discount", error=True)
    
    # 할인 한도 확인
    max_discount = 30 if agent_role == "manager" else 10
    
    if discount_percent > max_discount:
        return p.ToolResult(
            f"Discount exceeds maximum allowed ({max_discount}%) for your role",
            error=True
        )
    
    try:
        # 할인 적용 로직
        result = await apply_order_discount(order_id, discount_percent)
        
        # 감사 로그
        await log_action(
            agent_id=context.agent_id,
            action="apply_discount",
            details={"order_id": order_id, "discount": discount_percent}
        )
        
        return p.ToolResult(f"Applied {discount_percent}% discount to order {order_id}")
        
    except Exception as e:
        await log_tool_error("apply_discount", str(e), context)
        return p.ToolResult("Failed to apply discount", error=True)
# --- its end ---


async def main():
    async with p.Server() as server:
        agent = await server.create_agent(name="SalesDesk", description="Gives discounts")
        await server.create_customer("Mina", {"role": "manager"}, id="mina")
        await server.create_customer("Juno", {"role": "sales"}, id="juno")
        await agent.create_guideline(
            condition="The customer asks for a discount", action="Say what was applied", tools=[apply_discount]
        )


if __name__ == "__main__":
    asyncio.run(main())

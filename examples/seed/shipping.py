"""A tool over somebody else's HTTP service. Its address is read from the environment."""

import asyncio
import os

import aiohttp
import jurat.sdk as p
from shop.records import log_tool_error

SHIPPING_API = os.environ.get("SHIPPING_API", "http://localhost:8700")

# --- block 9 of the seed, word for word ---
@p.tool
async def get_shipping_info(context: p.ToolContext, 
                          tracking_number: str) -> p.ToolResult:
    """배송 정보 조회"""
    
    try:
        # 외부 배송업체 API 호출
        async with aiohttp.ClientSession() as session:
            headers = {
                "Authorization": f"Bearer {os.getenv('SHIPPING_API_KEY')}",
                "Content-Type": "application/json"
            }
            
            async with session.get(
                f"{SHIPPING_API}/track/{tracking_number}",
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=10)
            ) as response:
                
                if response.status == 404:
                    return p.ToolResult("Tracking number not found", error=True)
                    
                if response.status != 200:
                    return p.ToolResult("Shipping service temporarily unavailable", 
                                      error=True)
                    
                data = await response.json()
                
        # 응답 정규화
        shipping_info = {
            "status": data.get("status"),
            "location": data.get("current_location"),
            "estimated_delivery": data.get("estimated_delivery_date"),
            "tracking_events": data.get("events", [])
        }
        
        return p.ToolResult(
            f"Package status: {shipping_info['status']}. " +
            f"Current location: {shipping_info['location']}",
            data=shipping_info
        )
        
    except asyncio.TimeoutError:
        return p.ToolResult("Shipping service timeout. Please try again later.", 
                          error=True)
    except Exception as e:
        await log_tool_error("get_shipping_info", str(e), context)
        return p.ToolResult("Unable to retrieve shipping information", 
                          error=True)
# --- its end ---


async def main():
    async with p.Server() as server:
        agent = await server.create_agent(name="ParcelDesk", description="Knows where parcels are")
        await agent.create_guideline(
            condition="The customer asks where a parcel is", action="Say where it is", tools=[get_shipping_info]
        )


if __name__ == "__main__":
    asyncio.run(main())

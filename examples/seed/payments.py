"""Payments that try three gateways, and a circuit breaker."""

import asyncio

import jurat.sdk as p
from shop.breaker import CircuitBreaker
from shop.gateways import enqueue_payment_retry, process_payment_with_gateway
from shop.records import log_payment_failure, log_payment_success

# --- block 13 of the seed, word for word ---
@p.tool
async def resilient_payment_processing(context: p.ToolContext,
                                     payment_data: dict) -> p.ToolResult:
    """복원력 있는 결제 처리"""
    
    # 주 결제 게이트웨이 시도
    for gateway in ["primary", "secondary", "tertiary"]:
        try:
            result = await process_payment_with_gateway(gateway, payment_data)
            
            if result.success:
                await log_payment_success(gateway, payment_data)
                return p.ToolResult(
                    f"결제가 완료되었습니다. 확인번호: {result.transaction_id}",
                    data={"transaction_id": result.transaction_id}
                )
                
        except Exception as e:
            await log_payment_failure(gateway, str(e), payment_data)
            
            # 마지막 게이트웨이도 실패한 경우
            if gateway == "tertiary":
                # 비동기 재시도 큐에 추가
                await enqueue_payment_retry(payment_data)
                
                return p.ToolResult(
                    "결제 처리 중 문제가 발생했습니다. 잠시 후 다시 시도해주세요.",
                    error=True
                )
            
            # 다음 게이트웨이로 계속
            continue
    
    return p.ToolResult("모든 결제 시스템이 일시적으로 사용할 수 없습니다", 
                      error=True)

async def setup_circuit_breaker():
    """회로 차단기 패턴 구현"""
    
    circuit_breakers = {}
    
    async def call_with_circuit_breaker(service_name: str, func, *args, **kwargs):
        breaker = circuit_breakers.get(service_name)
        
        if not breaker:
            breaker = CircuitBreaker(
                failure_threshold=5,
                timeout=60,
                expected_exception=Exception
            )
            circuit_breakers[service_name] = breaker
        
        return await breaker.call(func, *args, **kwargs)
    
    return call_with_circuit_breaker
# --- its end ---


async def main():
    async with p.Server() as server:
        agent = await server.create_agent(name="Cashier", description="Takes payments")
        await agent.create_guideline(
            condition="The customer wants to pay", action="Say whether it worked", tools=[resilient_payment_processing]
        )


if __name__ == "__main__":
    asyncio.run(main())

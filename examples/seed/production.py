"""The settings of a server in production, with security, business and monitoring guidelines."""

import asyncio

from shop.desk import clear_sensitive_data, setup_business_guidelines, verify_mfa

from monitoring import setup_monitoring

# --- block 5 of the seed, word for word ---
import jurat.sdk as p
import os
from datetime import datetime

async def production_setup():
    # 프로덕션 서버 설정
    async with p.Server(
        host="0.0.0.0",
        port=8800,
        cors_allowed_origins=["https://yourapp.com"],
        log_level="INFO"
    ) as server:
        
        # 에이전트 생성
        agent = await server.create_agent(
            name="ProductionAgent",
            description="Production-ready customer service agent",
            model="gpt-4o-mini",  # 또는 claude-3-5-sonnet-20241022
        )
        
        # 보안 가이드라인
        await setup_security_guidelines(agent)
        
        # 비즈니스 로직 가이드라인  
        await setup_business_guidelines(agent)
        
        # 모니터링 설정
        await setup_monitoring(agent)
        
        return agent

async def setup_security_guidelines(agent):
    """보안 관련 가이드라인 설정"""
    
    # PII 보호
    await agent.create_guideline(
        condition="User shares personal information like SSN or credit card",
        action="Immediately warn about not sharing sensitive data and clear the information",
        tools=[clear_sensitive_data]
    )
    
    # 권한 확인
    await agent.create_guideline(
        condition="User requests account modifications",
        action="Verify identity through multi-factor authentication",
        tools=[verify_mfa]
    )
# --- its end ---


if __name__ == "__main__":
    asyncio.run(production_setup())

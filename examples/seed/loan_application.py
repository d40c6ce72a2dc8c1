"""A loan application in three steps."""

import asyncio

import jurat.sdk as p
from shop.loans import application_form_helper, collect_basic_info, document_checklist

# --- block 3 of the seed, word for word ---
# 대출 신청 여정 예시
async def setup_loan_application_journey():
    # 1단계: 초기 자격 확인
    await agent.create_guideline(
        condition="User inquires about loan",
        action="Collect basic eligibility information: income, employment, credit score range",
        tools=[collect_basic_info]
    )
    
    # 2단계: 문서 준비 안내
    await agent.create_guideline(
        condition="User qualifies for pre-approval",
        action="Guide through required documents: pay stubs, tax returns, bank statements",
        tools=[document_checklist]
    )
    
    # 3단계: 신청서 작성 지원
    await agent.create_guideline(
        condition="All documents ready",
        action="Assist with application form completion and submission",
        tools=[application_form_helper]
    )
# --- its end ---


async def main():
    global agent
    async with p.Server() as server:
        agent = await server.create_agent(name="LoanAgent", description="Guides through a loan application")
        await setup_loan_application_journey()


if __name__ == "__main__":
    asyncio.run(main())

# Parlant 설치
pip install parlant

# 60초 만에 프로덕션급 에이전트 구축
python -c "
import jurat.sdk as p
import asyncio

async def main():
    async with p.Server() as server:
        agent = await server.create_agent(name='ProductionAgent')
        await agent.create_guideline(
            condition='User needs help',
            action='Provide helpful assistance',
            tools=[]
        )
        print('🎉 Agent ready at http://localhost:8800')
        await asyncio.sleep(3600)  # 1시간 동안 실행

asyncio.run(main())
"

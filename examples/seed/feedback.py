"""Metrics of conversations, and what customers think of them."""

import asyncio
from datetime import datetime

import jurat.sdk as p
from shop.records import save_feedback, save_to_timeseries_db, trigger_quality_alert, update_dashboard

# --- block 16 of the seed, word for word ---
import time
from dataclasses import dataclass
from typing import Optional

@dataclass
class ConversationMetrics:
    """대화 메트릭 데이터 클래스"""
    session_id: str
    agent_id: str
    start_time: float
    end_time: Optional[float] = None
    message_count: int = 0
    tool_calls: int = 0
    errors: int = 0
    user_satisfaction: Optional[int] = None
    resolution_achieved: bool = False

class MetricsCollector:
    """메트릭 수집기"""
    
    def __init__(self):
        self.active_sessions = {}
    
    async def start_session(self, session_id: str, agent_id: str):
        """세션 시작 기록"""
        self.active_sessions[session_id] = ConversationMetrics(
            session_id=session_id,
            agent_id=agent_id,
            start_time=time.time()
        )
    
    async def record_message(self, session_id: str):
        """메시지 수 증가"""
        if session_id in self.active_sessions:
            self.active_sessions[session_id].message_count += 1
    
    async def record_tool_call(self, session_id: str, success: bool = True):
        """도구 호출 기록"""
        if session_id in self.active_sessions:
            metrics = self.active_sessions[session_id]
            metrics.tool_calls += 1
            if not success:
                metrics.errors += 1
    
    async def end_session(self, session_id: str, 
                         satisfaction: Optional[int] = None,
                         resolved: bool = False):
        """세션 종료 및 메트릭 저장"""
        if session_id not in self.active_sessions:
            return
        
        metrics = self.active_sessions[session_id]
        metrics.end_time = time.time()
        metrics.user_satisfaction = satisfaction
        metrics.resolution_achieved = resolved
        
        # 메트릭 저장
        await self.save_metrics(metrics)
        
        # 메모리에서 제거
        del self.active_sessions[session_id]
    
    async def save_metrics(self, metrics: ConversationMetrics):
        """메트릭을 저장소에 저장"""
        
        # 세션 길이 계산
        duration = metrics.end_time - metrics.start_time if metrics.end_time else 0
        
        metric_data = {
            "session_id": metrics.session_id,
            "agent_id": metrics.agent_id,
            "duration_seconds": duration,
            "message_count": metrics.message_count,
            "tool_calls": metrics.tool_calls,
            "error_count": metrics.errors,
            "satisfaction_score": metrics.user_satisfaction,
            "resolution_achieved": metrics.resolution_achieved,
            "timestamp": datetime.now().isoformat()
        }
        
        # 시계열 데이터베이스에 저장 (예: InfluxDB, CloudWatch)
        await save_to_timeseries_db(metric_data)
        
        # 실시간 대시보드 업데이트
        await update_dashboard(metric_data)

metrics_collector = MetricsCollector()

@p.tool
async def collect_user_feedback(context: p.ToolContext,
                               satisfaction_score: int,
                               feedback_text: str = "") -> p.ToolResult:
    """사용자 피드백 수집"""
    
    # 메트릭 업데이트
    await metrics_collector.record_message(context.session_id)
    
    # 피드백 저장
    feedback_data = {
        "session_id": context.session_id,
        "agent_id": context.agent_id,
        "satisfaction_score": satisfaction_score,
        "feedback_text": feedback_text,
        "timestamp": datetime.now().isoformat()
    }
    
    await save_feedback(feedback_data)
    
    # 낮은 점수의 경우 알림
    if satisfaction_score <= 2:
        await trigger_quality_alert(feedback_data)
    
    return p.ToolResult("Thank you for your feedback!")
# --- its end ---


async def main():
    async with p.Server() as server:
        agent = await server.create_agent(name="Listener", description="Asks what customers think")
        await agent.create_guideline(
            condition="The customer rates the conversation", action="Thank them", tools=[collect_user_feedback]
        )


if __name__ == "__main__":
    asyncio.run(main())

"""Personal data is masked before anything is logged."""

import asyncio
import os
from datetime import datetime

import jurat.sdk as p
from shop.keys import provide_encryption_key
from shop.records import save_audit_log

provide_encryption_key()

# --- block 14 of the seed, word for word ---
import hashlib
from cryptography.fernet import Fernet

class DataProtection:
    """데이터 보호 유틸리티"""
    
    def __init__(self):
        self.encryption_key = os.getenv('ENCRYPTION_KEY').encode()
        self.fernet = Fernet(self.encryption_key)
    
    def mask_pii(self, text: str) -> str:
        """PII 마스킹"""
        import re
        
        # 이메일 마스킹
        text = re.sub(r'\b[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Z|a-z]{2,}\b', 
                     '***@***.***', text)
        
        # 전화번호 마스킹  
        text = re.sub(r'\b\d{3}-\d{4}-\d{4}\b', '***-****-****', text)
        
        # 신용카드 번호 마스킹
        text = re.sub(r'\b\d{4}[\s-]?\d{4}[\s-]?\d{4}[\s-]?\d{4}\b', 
                     '****-****-****-****', text)
        
        return text
    
    def encrypt_sensitive_data(self, data: str) -> str:
        """민감 데이터 암호화"""
        return self.fernet.encrypt(data.encode()).decode()
    
    def decrypt_sensitive_data(self, encrypted_data: str) -> str:
        """민감 데이터 복호화"""
        return self.fernet.decrypt(encrypted_data.encode()).decode()

data_protection = DataProtection()

@p.tool
async def log_conversation_securely(context: p.ToolContext,
                                  conversation_data: dict) -> p.ToolResult:
    """보안 로깅"""
    
    # PII 마스킹
    masked_data = data_protection.mask_pii(str(conversation_data))
    
    # 감사 로그 저장
    audit_log = {
        "timestamp": datetime.now().isoformat(),
        "agent_id": context.agent_id,
        "session_id": hashlib.sha256(context.session_id.encode()).hexdigest()[:16],
        "action": "conversation_logged",
        "data_hash": hashlib.sha256(masked_data.encode()).hexdigest()
    }
    
    await save_audit_log(audit_log)
    
    return p.ToolResult("Conversation logged securely")
# --- its end ---


async def main():
    async with p.Server() as server:
        agent = await server.create_agent(name="Archivist", description="Keeps a log of what was said")
        await agent.create_guideline(
            condition="The customer asks that the conversation be recorded",
            action="Say that it was",
            tools=[log_conversation_securely],
        )


if __name__ == "__main__":
    asyncio.run(main())

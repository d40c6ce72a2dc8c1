"""Asking a language model: judge, voice and the backends that run a model."""

from jurat.llm.errors import (
    BackendError,
    DownloadError,
    LLMError,
    ModelNotFound,
    UnscriptedCondition,
)
from jurat.llm.protocol import (
    Arguments,
    Backend,
    Condition,
    Judge,
    Judgement,
    Message,
    OnText,
    ReplyRequest,
    Role,
    Voice,
)

__all__ = [
    "Arguments",
    "Backend",
    "BackendError",
    "Condition",
    "DownloadError",
    "Judge",
    "Judgement",
    "LLMError",
    "Message",
    "ModelNotFound",
    "OnText",
    "ReplyRequest",
    "Role",
    "UnscriptedCondition",
    "Voice",
]

"""Names that programs for `parlant.sdk` use: those that only annotate, and what to do instead of those that are not here."""

from __future__ import annotations

from enum import Enum
from typing import Any, Literal

from jurat.policies.diagnostics import near_miss
from jurat.server.sdk.moments import TurnContext

AgentId = CannedResponseId = CustomerId = GuidelineId = JourneyId = JourneyStateId = SessionId = TagId = TermId = str
EngineContext = LoadedContext = TurnContext
JSONSerializable = Any
Lifespan = Literal["response", "session"]
SessionMode = Literal["auto", "manual"]


class LogLevel(Enum):
    """How much the logger `jurat` says."""

    TRACE = "trace"
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


_MODEL = "say with what to judge and speak by `model`, `backend` and `url` of `p.Server`"
_ACCESS = "keys, tokens and origins say who may do what: docs/server.md"
_STORES = "say where things are kept by `session_store`, `customer_store` and `variable_store` of `p.Server`"
_PLANS = "which tools run follows from the policy, and is proved; a tool's `guard` says when it may run"
_INSTEAD = {
    "NLPServices": _MODEL, "NLPService": _MODEL, "SchematicGenerator": _MODEL, "Embedder": _MODEL,
    "AuthorizationPolicy": _ACCESS, "DevelopmentAuthorizationPolicy": _ACCESS, "ProductionAuthorizationPolicy": _ACCESS,
    "BasicRateLimiter": _ACCESS, "RateLimiter": _ACCESS,
    "SessionStore": _STORES, "CustomerStore": _STORES, "ContextVariableStore": _STORES,
    "Planner": _PLANS, "BasicPlanner": _PLANS, "Plan": _PLANS, "PlannerProvider": _PLANS,
    "NoMatchResponseProvider": "a guideline with `reply` says what is said where nothing else fits",
    "BasicNoMatchResponseProvider": "a guideline with `reply` says what is said where nothing else fits",
    "TransientGuideline": "declare a guideline; its condition says when it applies",
    "ModerationService": "personal data is masked, and guidelines with `forbid` say what is not talked about",
    "PluginServer": "a function with `@p.tool` runs in the program itself; `p.tool_of` names tools elsewhere",
}  # fmt: skip
"""Of `parlant.sdk`, and what there is here."""


def missing(name: str, there: list[str]) -> AttributeError:
    """That the SDK has no such name, and what to do instead."""
    advice = _INSTEAD.get(name) or near_miss(name, there)
    return AttributeError(f"`jurat.sdk` has no `{name}`" + (f"; {advice}" if advice else ""))

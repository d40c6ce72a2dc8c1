"""Agents declared in Python: `import jurat.sdk as p`.

Everything here builds the policy that a YAML file would: it is proved before it is served. docs/sdk.md is the guide.
"""

from jurat.engine.tools import ToolContext, ToolResult
from jurat.server.sdk.actions import CannedResponse, CompositionMode, Topic
from jurat.server.sdk.agents import Agent
from jurat.server.sdk.conversations import Session
from jurat.server.sdk.customers import Customer, Term, Variable
from jurat.server.sdk.errors import NotProved, NotSupported, SDKError
from jurat.server.sdk.hooks import EngineHookResult, EngineHooks
from jurat.server.sdk.journeys import END_JOURNEY, Journey, JourneyState, JourneyTransition
from jurat.server.sdk.moments import GuidelineMatch, RetrieverResult, TurnContext
from jurat.server.sdk.moments import TurnContext as GuidelineMatchingContext
from jurat.server.sdk.moments import TurnContext as RetrieverContext
from jurat.server.sdk.performance import (
    BasicPerceivedPerformancePolicy,
    Container,
    NullPerceivedPerformancePolicy,
    OutputMode,
    PerceivedPerformancePolicy,
    VoiceOptimizedPerceivedPerformancePolicy,
)
from jurat.server.sdk.relations import AllOf, AnyOf, Tag
from jurat.server.sdk.rules import MATCH_ALWAYS, Criticality, Formula, Guideline, formula
from jurat.server.sdk.server import Server
from jurat.server.sdk.tool import ToolEntry, tool
from jurat.server.sdk.types import OneOf, Range, one_of
from jurat.server.sdk.vocabulary import Decision, Fact
from jurat.server.tokens import Tokens

__all__ = [
    "END_JOURNEY",
    "MATCH_ALWAYS",
    "Agent",
    "AllOf",
    "AnyOf",
    "BasicPerceivedPerformancePolicy",
    "CannedResponse",
    "CompositionMode",
    "Container",
    "Criticality",
    "Customer",
    "Decision",
    "EngineHookResult",
    "EngineHooks",
    "Fact",
    "Formula",
    "Guideline",
    "GuidelineMatch",
    "GuidelineMatchingContext",
    "Journey",
    "JourneyState",
    "JourneyTransition",
    "NotProved",
    "NotSupported",
    "NullPerceivedPerformancePolicy",
    "OneOf",
    "OutputMode",
    "PerceivedPerformancePolicy",
    "Range",
    "RetrieverContext",
    "RetrieverResult",
    "SDKError",
    "Server",
    "Session",
    "Tag",
    "Term",
    "Tokens",
    "ToolContext",
    "ToolEntry",
    "ToolResult",
    "Topic",
    "TurnContext",
    "Variable",
    "VoiceOptimizedPerceivedPerformancePolicy",
    "formula",
    "one_of",
    "tool",
]

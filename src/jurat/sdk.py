"""Agents declared in Python: `import jurat.sdk as p`.

Everything here builds the policy that a YAML file would: it is proved before it is served. docs/sdk.md is the guide.
"""

from typing import TYPE_CHECKING

from jurat.engine.tools import Control, ToolContext, ToolParameterOptions
from jurat.server.sdk.actions import CannedResponse, CompositionMode, Topic
from jurat.server.sdk.agents import Agent
from jurat.server.sdk.conversations import Session, SessionMetadata, ToolContextAccessor
from jurat.server.sdk.customers import Customer, Term
from jurat.server.sdk.elsewhere import ToolElsewhere, tool_of
from jurat.server.sdk.emitting import Text
from jurat.server.sdk.ending import end_plainly
from jurat.server.sdk.errors import NotProved, NotStarted, NotSupported, SDKError
from jurat.server.sdk.hooks import EngineHookResult, EngineHooks
from jurat.server.sdk.interaction import EventSource
from jurat.server.sdk.journeys import END_JOURNEY, Journey, JourneyState, JourneyTransition
from jurat.server.sdk.known import (
    AgentId,
    CannedResponseId,
    CustomerId,
    EngineContext,
    GuidelineId,
    JourneyId,
    JourneyStateId,
    JSONSerializable,
    Lifespan,
    LoadedContext,
    LogLevel,
    SessionId,
    SessionMode,
    TagId,
    TermId,
    missing,
)
from jurat.server.sdk.moments import GuidelineMatch, ToolCall, TurnContext
from jurat.server.sdk.moments import TurnContext as GuidelineMatchingContext
from jurat.server.sdk.moments import TurnContext as RetrieverContext
from jurat.server.sdk.performance import (
    BasicPerceivedPerformancePolicy,
    Container,
    NullPerceivedPerformancePolicy,
    NullPlanner,
    OutputMode,
    PerceivedPerformancePolicy,
    PreambleConfiguration,
    VoiceOptimizedPerceivedPerformancePolicy,
)
from jurat.server.sdk.relations import AllOf, AnyOf, Tag
from jurat.server.sdk.results import ToolResult
from jurat.server.sdk.retrieving import RetrieverResult
from jurat.server.sdk.rules import MATCH_ALWAYS, Criticality, Formula, Guideline, Judged, formula, judged
from jurat.server.sdk.server import Server
from jurat.server.sdk.states import State, Trigger, Way
from jurat.server.sdk.tool import ToolEntry, tool
from jurat.server.sdk.types import OneOf, Range, one_of
from jurat.server.sdk.variables import Variable
from jurat.server.sdk.vocabulary import Decision, Fact
from jurat.server.tokens import Tokens

__all__ = [
    "END_JOURNEY",
    "MATCH_ALWAYS",
    "Agent",
    "AgentId",
    "AllOf",
    "AnyOf",
    "BasicPerceivedPerformancePolicy",
    "CannedResponse",
    "CannedResponseId",
    "CompositionMode",
    "Container",
    "Control",
    "Criticality",
    "Customer",
    "CustomerId",
    "Decision",
    "EngineContext",
    "EngineHookResult",
    "EngineHooks",
    "EventSource",
    "Fact",
    "Formula",
    "Guideline",
    "GuidelineId",
    "GuidelineMatch",
    "GuidelineMatchingContext",
    "JSONSerializable",
    "Journey",
    "JourneyId",
    "JourneyState",
    "JourneyStateId",
    "JourneyTransition",
    "Judged",
    "Lifespan",
    "LoadedContext",
    "LogLevel",
    "NotProved",
    "NotStarted",
    "NotSupported",
    "NullPerceivedPerformancePolicy",
    "NullPlanner",
    "OneOf",
    "OutputMode",
    "PerceivedPerformancePolicy",
    "PreambleConfiguration",
    "Range",
    "RetrieverContext",
    "RetrieverResult",
    "SDKError",
    "Server",
    "Session",
    "SessionId",
    "SessionMetadata",
    "SessionMode",
    "State",
    "Tag",
    "TagId",
    "Term",
    "TermId",
    "Text",
    "Tokens",
    "ToolCall",
    "ToolContext",
    "ToolContextAccessor",
    "ToolElsewhere",
    "ToolEntry",
    "ToolParameterOptions",
    "ToolResult",
    "Topic",
    "Trigger",
    "TurnContext",
    "Variable",
    "VoiceOptimizedPerceivedPerformancePolicy",
    "Way",
    "formula",
    "judged",
    "one_of",
    "tool",
    "tool_of",
]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        raise missing(name, __all__)


end_plainly()

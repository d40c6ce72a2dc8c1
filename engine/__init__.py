"""One turn of a conversation and all that survives it."""

from jurat.engine.engine import Engine
from jurat.engine.errors import EngineError, FactRefused, ToolLoadError, TurnRefused, TurnSuperseded, UnprovedPolicy
from jurat.engine.limits import Limits
from jurat.engine.replay import replay
from jurat.engine.session import Session
from jurat.engine.toolbox import Toolbox
from jurat.engine.tools import Emission, Tool, ToolContext, ToolParameterOptions, ToolResult, tool
from jurat.engine.trace import Step, Trace
from jurat.engine.turn import Response, Turn

__all__ = [
    "Emission",
    "Engine",
    "EngineError",
    "FactRefused",
    "Limits",
    "Response",
    "Session",
    "Step",
    "Tool",
    "ToolContext",
    "ToolLoadError",
    "ToolParameterOptions",
    "ToolResult",
    "Toolbox",
    "Trace",
    "Turn",
    "TurnRefused",
    "TurnSuperseded",
    "UnprovedPolicy",
    "replay",
    "tool",
]
